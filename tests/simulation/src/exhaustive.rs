//! Every sequence of a few kinds of event, in a real shard, against the oracle.

use std::panic::resume_unwind;
use std::thread;

use vtryon_gateway_engine::protocol::topology::Topology;
use vtryon_gateway_engine::protocol::topology::placement::Placement;
use vtryon_gateway_engine::protocol::{Call, IncomingEvent, ShardRequest};
use vtryon_gateway_engine::shard::{Shard, TopologyCheck};
use vtryon_gateway_engine::{Context, Deployment};
use vtryon_webhooks::{Millis, Signature};

use crate::model::oracle::Oracle;
use crate::platform::database::{SimulatedDatabase, text};
use crate::violation::ensure;
use crate::world::{START, deployment};

/// Bodies of one task: the four statuses, one that is not documented, and another event.
const KINDS: [&str; 6] = [
    r#"{"event":"generation.status_changed","task_id":"t","status":"queued"}"#,
    r#"{"event":"generation.status_changed","task_id":"t","status":"processing"}"#,
    r#"{"event":"generation.status_changed","task_id":"t","status":"completed"}"#,
    r#"{"event":"generation.status_changed","task_id":"t","status":"failed"}"#,
    r#"{"event":"generation.status_changed","task_id":"t","status":"paused"}"#,
    r#"{"event":"generation.rated","task_id":"t"}"#,
];

/// Stores every sequence up to a length, each prefix once; returns how many there are. Each first event is a thread.
pub fn run(length: usize) -> u64 {
    thread::scope(|scope| {
        let branches: Vec<_> =
            (0..KINDS.len()).map(|first| scope.spawn(move || branch(first, length))).collect();
        branches.into_iter().map(|branch| branch.join().unwrap_or_else(|panic| resume_unwind(panic))).sum()
    })
}

fn branch(first: usize, length: usize) -> u64 {
    let db = SimulatedDatabase::new();
    let deployment = deployment(Topology { shards: 1, placement: Placement::default() }, 0);
    let tree = Tree { db: &db, deployment: &deployment, length };
    tree.open();
    tree.grow(&mut vec![first])
}

/// The sequences that begin alike, over one database: a savepoint for each event.
struct Tree<'a> {
    db: &'a SimulatedDatabase,
    deployment: &'a Deployment,
    length: usize,
}

impl Tree<'_> {
    fn context(&self) -> Context<'_> {
        Context { db: self.db, now: Millis(START), deployment: self.deployment }
    }

    fn open(&self) -> Shard {
        Shard::open(&self.context(), 0, 0).expect("a shard opens")
    }

    /// Stores the last event of a sequence, and all that may follow it; returns how many sequences there were.
    fn grow(&self, sequence: &mut Vec<usize>) -> u64 {
        self.db.begin();
        let rows = self.db.rows_written();
        self.store(KINDS[sequence[sequence.len() - 1]].as_bytes());
        let is_duplicate = self.db.rows_written() == rows;
        self.check(sequence, is_duplicate);
        let mut count = 1;
        if sequence.len() < self.length {
            for kind in 0..KINDS.len() {
                sequence.push(kind);
                count += self.grow(sequence);
                sequence.pop();
            }
        }
        self.db.roll_back();
        count
    }

    fn store(&self, body: &[u8]) {
        let request = ShardRequest::StoreEvent(self.incoming(body));
        let placement = Placement::default();
        let call = Call { shard: 0, shards: 1, placement, reports: Vec::new(), request };
        let mut shard = self.open();
        let check = shard.begin_call(&self.context(), &call).expect("the database works");
        ensure!(
            matches!(check, TopologyCheck::Done(Ok(()))),
            "a caller with the right number of shards is admitted",
            "{}",
            call.shards
        );
        shard.call(&self.context(), call, body).expect("the database works");
    }

    fn incoming(&self, body: &[u8]) -> IncomingEvent {
        let signature = Signature::sign(&self.deployment.verifier.keys()[0], body);
        let verified =
            self.deployment.verifier.verify(body, &signature).expect("it was signed with this key");
        IncomingEvent::read(&verified, Millis(START)).1
    }

    /// Compares what is stored with what the oracle says of the same sequence.
    fn check(&self, sequence: &[usize], is_duplicate: bool) {
        const STORED: &str = "SELECT outcome FROM events ORDER BY seq";
        const STAGE: &str = "SELECT stage FROM tasks";
        let mut oracle = Oracle::default();
        let mut outcomes = Vec::new();
        for (seq, kind) in (1..).zip(sequence) {
            let body = KINDS[*kind].as_bytes();
            let content = self.incoming(body).content;
            let outcome = oracle.outcome(&content, body);
            if outcome != "duplicate" {
                oracle.store(&content, body, "", (seq, Millis(START)));
            }
            outcomes.push(outcome);
        }
        let is_repeated = outcomes.last() == Some(&"duplicate");
        ensure!(is_duplicate || !is_repeated, "a duplicate writes no row", "{sequence:?}");
        ensure!(is_repeated || !is_duplicate, "what is acknowledged is stored", "{sequence:?}");
        let stored = self.db.rows(STORED, &[]);
        let stored: Vec<&str> = stored.iter().map(|row| text(&row[0])).collect();
        outcomes.retain(|outcome| *outcome != "duplicate");
        ensure!(
            stored == outcomes,
            "an event is stored as it was received, with its outcome",
            "{sequence:?}: {stored:?}"
        );
        let stage = self.db.rows(STAGE, &[]);
        let status = oracle.tasks.get("t").and_then(|task| task.status.clone()).unwrap_or_default();
        ensure!(text(&stage[0][0]) == status, "a status never goes back", "{sequence:?}: {status}");
    }
}
