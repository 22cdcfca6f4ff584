//! Searches: administrators look for tasks by the beginnings of their ids and by time.

use serde_json::Value as Json;
use vtryon_gateway_engine::protocol::{ShardRequest, TaskFilter};
use vtryon_gateway_engine::storage::database::{Bind, Value};
use vtryon_webhooks::Millis;

use crate::coverage::Decision;
use crate::violation::ensure;
use crate::world::World;

/// How many tasks a page has: few, so that there are several.
const LIMIT: u32 = 3;

impl World {
    /// Searches a shard, page after page, and compares what is found with its rows.
    pub fn search(&mut self) {
        let shard = self.random.index(self.shards.len());
        let known: Vec<String> = self.shards[shard].oracle.tasks.keys().cloned().collect();
        if known.is_empty() {
            return;
        }
        let filter = self.filter(shard, &known);
        let Some(found) = self.found(shard, &filter) else { return };
        let matching = self.matching(shard, &filter);
        ensure!(
            found == matching,
            "a search finds the tasks that match, in their order",
            "{filter:?} in shard {shard}: {found:?}, not {matching:?}"
        );
        self.coverage.reach("search", if matching.is_empty() { "nothing" } else { "found" });
    }

    /// Draws the beginning of an id, times around those at which tasks were created, or both.
    fn filter(&mut self, shard: usize, known: &[String]) -> TaskFilter {
        let mut filter = TaskFilter::default();
        let by = self.random.index(3);
        if by > 0 {
            let id = &known[self.random.index(known.len())];
            filter.prefix = Some(id.chars().take(1 + self.random.index(id.len())).collect());
        }
        let times = self.shards[shard].db.integers("SELECT created_at FROM tasks ORDER BY no", &[]);
        if by < 2 && !times.is_empty() {
            let mut near = || Some(Millis(self.random.one_of(&times) + self.random.number(-1..2)));
            (filter.since, filter.until) = (near(), near());
            match self.random.index(3) {
                0 => filter.since = None,
                1 => filter.until = None,
                _ => {}
            }
        }
        filter
    }

    /// Asks for page after page; nothing where an answer is lost.
    fn found(&mut self, shard: usize, filter: &TaskFilter) -> Option<Vec<String>> {
        let (mut found, mut before) = (Vec::new(), None);
        loop {
            let request = ShardRequest::Tasks { before, filter: filter.clone(), limit: LIMIT };
            let answer = self.call(shard, Decision::Query, request, &[])?;
            let page: Json = serde_json::from_str(&answer).expect("a page is JSON");
            let items = page["items"].as_array().expect("a page has items");
            found.extend(items.iter().filter_map(|item| item["view"]["task_id"].as_str()).map(str::to_owned));
            before = page["next"].as_i64();
            if before.is_none() {
                return Some(found);
            }
        }
    }

    /// Looks at each row.
    fn matching(&self, shard: usize, filter: &TaskFilter) -> Vec<String> {
        const ALL: &str = "SELECT task_id FROM tasks
            WHERE SUBSTR(task_id, 1, 1) <> CHAR(1) AND created_at >= ? AND created_at < ? ORDER BY no DESC";
        let since = filter.since.map_or(i64::MIN, |at| at.0);
        let until = filter.until.map_or(i64::MAX, |at| at.0);
        let rows = self.shards[shard].db.rows(ALL, &[Bind::Int(since), Bind::Int(until)]);
        let ids = rows.into_iter().flatten().filter_map(|value| match value {
            Value::Text(id) => Some(id),
            Value::Null | Value::Int(_) | Value::Blob(_) => None,
        });
        match &filter.prefix {
            None => ids.collect(),
            Some(prefix) => {
                let mut ids: Vec<String> = ids.filter(|id| id.starts_with(prefix)).collect();
                ids.sort_unstable();
                ids
            }
        }
    }
}
