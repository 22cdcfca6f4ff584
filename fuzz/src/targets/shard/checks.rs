//! What must hold of everything that a shard stores.

use vtryon_gateway_engine::protocol::{ShardRequest, TaskFilter};
use vtryon_gateway_engine::storage::database::{Database, Row};

use super::world::World;

impl World {
    /// What must hold at the end of any requests.
    pub(super) fn check(&mut self) {
        // The memory of an instance is what another one would read.
        let before = self.counts();
        let former = self.restart();
        assert_eq!(former.differs_from(&self.shard), None);
        let counts = self.counts();
        assert_eq!(counts.totals, before.totals);
        let open = "SELECT COUNT(*) FROM tasks WHERE open = 1 AND (stage IS NOT NULL OR unknown <> '[]')";
        assert_eq!(counts.open_tasks, self.number(open));
        let dead = "SELECT COUNT(*) FROM deliveries WHERE state = 'dead'";
        assert_eq!(counts.dead(), self.number(dead));
        let pending = "SELECT COUNT(*) FROM deliveries WHERE state = 'pending'";
        assert_eq!(counts.pending(), self.number(pending));
        let tasks =
            self.walk(|before| ShardRequest::Tasks { before, filter: TaskFilter::default(), limit: 3 });
        assert_eq!(tasks, self.number("SELECT COUNT(*) FROM tasks WHERE task_id NOT GLOB char(1) || '*'"));
        let filter = |before| ShardRequest::Deliveries {
            before,
            endpoint: None,
            state: None,
            task_id: None,
            digest: None,
            limit: 3,
        };
        assert_eq!(self.walk(filter), self.number("SELECT COUNT(*) FROM deliveries"));
        let integrity: &dyn Database = &self.db;
        assert_eq!(integrity.first("PRAGMA integrity_check", &[], Row::text).unwrap().as_deref(), Some("ok"));
    }

    /// Reads a listing from page to page: every row once, the latest first. Returns how many there are.
    fn walk(&mut self, page: impl Fn(Option<i64>) -> ShardRequest) -> i64 {
        let (mut before, mut count) = (None, 0);
        loop {
            let answer = self.call(page(before), &[]);
            for item in answer["items"].as_array().unwrap() {
                let no = item["no"].as_i64().unwrap();
                assert!(before.is_none_or(|before| no < before), "{no} is listed after {before:?}");
                before = Some(no);
                count += 1;
            }
            match answer["next"].as_i64() {
                Some(next) => before = Some(next),
                None => return count,
            }
        }
    }
}
