//! Vtryon: posts an event for every change of a task, repeats it until it is acknowledged, and sometimes after that.

use vtryon_webhooks::Millis;

use crate::world::World;

/// How often Vtryon repeats an event that was not acknowledged, and after how many seconds: over 20 hours in all.
const RETRIES: [i64; 5] = [60, 600, 3600, 6 * 3600, 13 * 3600];

const STATUSES: [&str; 7] =
    ["queued", "processing", "processing", "completed", "failed", "paused", "on_hold"];

/// An event on its way.
#[derive(Clone)]
pub struct Posting {
    body: Vec<u8>,
    /// Which of the configured secrets signs it.
    secret: usize,
    /// How often it was posted without an acknowledgement.
    failures: usize,
    due_at: Millis,
}

#[derive(Default)]
pub struct Publisher {
    pub waiting: Vec<Posting>,
    /// What was acknowledged or given up: it may come once more.
    pub former: Vec<Posting>,
    /// How many tasks there have been.
    pub tasks: usize,
}

impl World {
    /// Lets something happen to a task, or an event be repeated.
    pub fn make_event(&mut self) {
        if self.random.chance(self.regime.repeats)
            && let Some(index) = self.former_index()
        {
            let repeated = Posting { due_at: self.now, ..self.publisher.former[index].clone() };
            self.publisher.waiting.push(repeated);
            return;
        }
        if self.publisher.tasks < self.regime.tasks || self.random.chance(self.regime.new_tasks) {
            self.publisher.tasks += 1;
        }
        let newest = self.publisher.tasks;
        let task = newest - self.random.index(newest.min(self.regime.tasks));
        let body = self.body(task);
        let secret = self.random.index(2);
        let due_at = self.now.plus_millis(self.random.number(0..self.regime.tick_ms));
        self.publisher.waiting.push(Posting { body, secret, failures: 0, due_at });
    }

    fn former_index(&mut self) -> Option<usize> {
        let count = self.publisher.former.len();
        (count > 0).then(|| self.random.index(count))
    }

    pub fn body(&mut self, task: usize) -> Vec<u8> {
        let number = self.random.number(0..3);
        let text = match self.random.number(0..20) {
            0 => format!("not JSON {number}"),
            1 => format!(r#"{{"event":"generation.rated","task_id":"task_{task}","stars":{number}}}"#),
            _ if self.random.chance(self.regime.unknown) => format!(
                r#"{{"event":"generation.status_changed","task_id":"task_{task}","status":"step_{}"}}"#,
                self.random.number(0..20)
            ),
            _ => {
                let status = self.random.one_of(&STATUSES);
                // Each result is another one: only one of them counts.
                let result = self.random.number(0..1_000_000);
                let more = match status {
                    "completed" => format!(r#","data":{{"result_url":"https://cdn.test/{result}.jpg"}}"#),
                    "failed" => format!(r#","error":{{"message":"no person found in {result}"}}"#),
                    _ => String::new(),
                };
                // Serialized in more than one way: the same event all the same.
                let blank = self.random.one_of(&["", " ", "\n"]);
                format!(
                    r#"{{"event":"generation.status_changed",{blank}"task_id":"task_{task}","status":"{status}"{more}}}"#
                )
            }
        };
        text.into_bytes()
    }

    /// Posts an event that is due.
    pub fn post_due(&mut self) {
        let now = self.now;
        let due: Vec<usize> = (0..self.publisher.waiting.len())
            .filter(|index| self.publisher.waiting[*index].due_at <= now)
            .collect();
        if due.is_empty() {
            return;
        }
        let index = due[self.random.index(due.len())];
        let mut posting = self.publisher.waiting.swap_remove(index);
        if self.receive(&posting.body, posting.secret) {
            self.coverage.reach("posted", "acknowledged");
            self.publisher.former.push(posting);
            return;
        }
        self.coverage.reach("posted", "not acknowledged");
        match RETRIES.get(posting.failures) {
            Some(pause) => {
                posting.failures += 1;
                posting.due_at = self.now.plus_seconds(*pause);
                self.publisher.waiting.push(posting);
            }
            None => self.publisher.former.push(posting),
        }
    }

    /// Posts everything once more that was ever posted: all of it is known.
    pub fn repeat_all(&mut self) {
        for posting in std::mem::take(&mut self.publisher.former) {
            self.receive(&posting.body, posting.secret);
        }
    }
}
