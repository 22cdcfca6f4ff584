//! What the API reads of a shard.

use serde_json::Value as Json;
use vtryon_gateway_engine::protocol::{Page, ShardRequest, TaskFilter};
use vtryon_gateway_engine::storage::database::{Bind, Database, Value};

use super::World;

impl World {
    /// Returns a task with its timeline.
    pub fn task(&mut self, task_id: &str) -> Option<Json> {
        self.call(ShardRequest::Task { task_id: task_id.to_owned() }, &[])
    }

    /// Returns the final result of a task.
    pub fn result(&mut self, task_id: &str) -> Option<Json> {
        self.call(ShardRequest::Result { task_id: task_id.to_owned() }, &[])
    }

    /// Erases a task; returns what was erased.
    pub fn erase(&mut self, task_id: &str) -> Option<Json> {
        self.call(ShardRequest::Erase { task_id: task_id.to_owned() }, &[])
    }

    /// Returns the numbers of the entries in a task's timeline.
    pub fn seqs(&mut self, task_id: &str) -> Vec<i64> {
        let task = self.task(task_id).unwrap();
        task["events"].as_array().unwrap().iter().map(|event| event["seq"].as_i64().unwrap()).collect()
    }

    /// Returns the ids of all tasks, the latest first.
    pub fn task_ids(&mut self) -> Vec<String> {
        let tasks = |before| ShardRequest::Tasks { before, filter: TaskFilter::default(), limit: 100 };
        let text = |task: Json| task["task_id"].as_str().unwrap().to_owned();
        self.pages(tasks, |_| ()).concat().into_iter().map(text).collect()
    }

    /// Returns the quarantine, the latest first.
    pub fn quarantine(&mut self) -> Vec<Json> {
        self.pages(|before| ShardRequest::Quarantine { before, limit: 7 }, |_| ()).concat()
    }

    /// Returns the pages of a listing, after each of which something happens.
    pub fn pages(
        &mut self,
        request: impl Fn(Option<i64>) -> ShardRequest,
        mut between: impl FnMut(&mut Self),
    ) -> Vec<Vec<Json>> {
        let mut pages = Vec::new();
        let mut before = None;
        loop {
            let page: Page = self.query(request(before));
            let views = page.items.iter().map(|item| serde_json::from_str(item.view.get()).unwrap());
            pages.push(views.collect());
            before = page.next;
            if before.is_none() {
                return pages;
            }
            between(self);
        }
    }

    /// Returns the one integer that a query of the test's own finds.
    pub fn number(&self, query: &'static str) -> i64 {
        let db: &dyn Database = &self.db.sqlite;
        let binds: [Bind<'_>; 0] = [];
        match db.all(query, &binds, vtryon_gateway_engine::storage::database::Row::rest).unwrap()[0][..] {
            [Value::Int(number)] => number,
            _ => panic!("{query}"),
        }
    }
}
