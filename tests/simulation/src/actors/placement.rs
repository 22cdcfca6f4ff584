//! Where the deployment lies, and Workers whose jurisdiction was changed: for them all objects are other, empty ones, but
//! for the anchor.

use vtryon_gateway_engine::directory::{Directory, Step};
use vtryon_gateway_engine::protocol::topology::placement::Placement;
use vtryon_gateway_engine::protocol::topology::{Topology, TopologyMismatch};
use vtryon_gateway_engine::protocol::{Call, DirectoryCall, DirectoryRequest, IncomingEvent, ShardRequest};
use vtryon_gateway_engine::shard::{Shard, TopologyCheck};
use vtryon_gateway_engine::{Context, Failure, Result};
use vtryon_webhooks::Signature;

use crate::coverage::Decision;
use crate::directory::tokens::TokenBytes;
use crate::platform::database::SimulatedDatabase;
use crate::violation::ensure;
use crate::world::{World, deployment};

/// A shard of which nothing is simulated but calls. Its instance ends after each decision.
struct BareShard(SimulatedDatabase);

/// The objects beside those of the deployment.
pub struct Placements {
    pub own: Placement,
    /// What the jurisdiction is changed to.
    changed: Placement,
    /// Shard 0 outside of any jurisdiction, where the deployment lies in one.
    anchor: BareShard,
    /// The shards, and the directory, as a changed jurisdiction finds them.
    shards: Vec<BareShard>,
    directory: SimulatedDatabase,
}

/// A shard, wherever it lies.
#[derive(Clone, Copy)]
enum Object {
    Shard(usize),
    Anchor,
    Changed(usize),
}

/// What a shard answers to a call; the error says why it refuses the caller.
type Answer = Result<Option<String>, TopologyMismatch>;

impl Placements {
    pub fn new(own: &str, changed: &str, shards: u32) -> Self {
        let placement = |name| Placement::parse(name, "").expect("it is a jurisdiction");
        let bare = || BareShard(SimulatedDatabase::new());
        let directory = SimulatedDatabase::new();
        Directory::open(&directory).expect("an empty directory opens");
        Self {
            own: placement(own),
            changed: placement(changed),
            anchor: bare(),
            shards: (0..shards).map(|_| bare()).collect(),
            directory,
        }
    }
}

impl World {
    /// Returns what a Worker has configured whose jurisdiction was changed.
    fn changed_topology(&self) -> Topology {
        Topology { placement: self.placements.changed, ..self.deployment.topology() }
    }

    /// Finds a shard as a caller does.
    fn find(&self, shard: usize, placement: Placement) -> Object {
        let is_anchor = shard == 0 && placement.jurisdiction().is_none();
        match placement == self.placements.own {
            true => Object::Shard(shard),
            false if is_anchor => Object::Anchor,
            false => Object::Changed(shard),
        }
    }

    /// Finds the anchor: shard 0 outside of any jurisdiction.
    fn anchor(&self) -> Object {
        self.find(0, Placement::default())
    }

    /// Lets the anchor answer shard 0 of a jurisdiction.
    pub fn ask_anchor(&mut self, call: &Call, request: ShardRequest) -> Option<Answer> {
        self.answer_at(self.anchor(), call.topology(), request, &[])
    }

    /// Lets a shard admit and answer a call, as its shell does; nothing where that failed.
    fn answer_at(
        &mut self,
        at: Object,
        Topology { shards, placement }: Topology,
        request: ShardRequest,
        body: &[u8],
    ) -> Option<Answer> {
        let shard = match at {
            Object::Shard(shard) | Object::Changed(shard) => shard,
            Object::Anchor => 0,
        };
        let call = Call { shard: shard as u32, shards, placement, reports: Vec::new(), request };
        let asked = match self.decide_at(at, |engine, context| engine.begin_call(context, &call))? {
            TopologyCheck::Done(checked) => Err(checked),
            TopologyCheck::AskShardZero(question) => Ok((self.find(0, placement), question)),
            TopologyCheck::AskAnchor(question) => Ok((self.anchor(), question)),
        };
        let checked = match asked {
            Err(checked) => checked,
            Ok((other, question)) => {
                let answer = self.answer_at(other, call.topology(), question, &[])?;
                self.decide_at(at, |engine, context| engine.finish_topology_check(context.db, &call, answer))?
            }
        };
        match checked {
            Ok(()) => Some(Ok(self.decide_at(at, |engine, context| engine.call(context, call, body))?)),
            Err(mismatch) => Some(Err(mismatch)),
        }
    }

    /// Lets a shard decide. The instance may die before the commit.
    fn decide_at<T>(
        &mut self,
        at: Object,
        decide: impl FnOnce(&mut Shard, &Context<'_>) -> Result<T>,
    ) -> Option<T> {
        let object = match at {
            Object::Shard(shard) => return self.decide(shard, Decision::Query, decide).done(),
            Object::Anchor => &self.placements.anchor,
            Object::Changed(shard) => &self.placements.shards[shard],
        };
        let dies = self.random.chance(self.regime.deaths);
        let BareShard(db) = object;
        db.begin();
        let context = Context { db, now: self.now, deployment: &self.deployment };
        let decided = Shard::open(&context, 0, 0).and_then(|mut shard| decide(&mut shard, &context));
        if dies {
            db.roll_back();
            return None;
        }
        db.commit();
        Some(decided.unwrap_or_else(|error| panic!("no statement is refused: {error}")))
    }

    /// Sends something as a Worker does whose jurisdiction was changed: nothing may come of it, and where the deployment
    /// stores something already, it is refused.
    pub fn call_with_changed_jurisdiction(&mut self) {
        let is_fixed = self.is_fixed();
        let is_directory = self.random.chance(400);
        // Before anything is stored, whatever is stored first would fix the jurisdiction.
        let is_change = is_fixed && self.random.chance(500);
        let admitted = if is_directory {
            self.ask_changed_directory(is_change)
        } else {
            self.ask_changed_shard(is_change)
        };
        let Some(is_admitted) = admitted else { return };
        ensure!(
            is_admitted != is_fixed,
            "a changed jurisdiction is refused",
            "{}, a change: {is_change}",
            if is_directory { "the directory" } else { "a shard" }
        );
        self.coverage
            .reach("changed jurisdiction", if is_admitted { "nothing is stored yet" } else { "refused" });
        self.check_placements();
    }

    /// Returns whether the anchor knows the jurisdiction.
    fn is_fixed(&self) -> bool {
        const RECORDED: &str = "SELECT COUNT(*) FROM meta WHERE name = 'shards'";
        let db = match self.anchor() {
            Object::Shard(shard) => &self.shards[shard].db,
            Object::Anchor => &self.placements.anchor.0,
            Object::Changed(shard) => &self.placements.shards[shard].0,
        };
        db.has_table("meta") && db.integer(RECORDED, &[]) == 1
    }

    /// Sends an event or a query to a shard; returns whether it was admitted, where an answer came.
    fn ask_changed_shard(&mut self, is_change: bool) -> Option<bool> {
        let body = br#"{"event":"generation.status_changed","task_id":"stray","status":"queued"}"#;
        let signature = Signature::sign(&self.deployment.verifier.keys()[0], body);
        let verified =
            self.deployment.verifier.verify(body, &signature).expect("it was signed with this key");
        let (_, incoming) = IncomingEvent::read(&verified, self.now);
        let shard = self.random.index(self.shards.len());
        let at = self.find(shard, self.placements.changed);
        let request = if is_change { ShardRequest::StoreEvent(incoming) } else { ShardRequest::Metrics };
        Some(self.answer_at(at, self.changed_topology(), request, body)?.is_ok())
    }

    /// Has a token made in the directory, or asks for the audit trail.
    fn ask_changed_directory(&mut self, is_change: bool) -> Option<bool> {
        let request = match is_change {
            true => DirectoryRequest::CreateToken { input: r#"{"name":"stray","scope":"admin"}"#.to_owned() },
            false => DirectoryRequest::Audit { cursor: None, limit: 10 },
        };
        let call = DirectoryCall { request, audited: None };
        let topology = self.changed_topology();
        let deployment = deployment(topology, 0);
        let now = self.now;
        let mut directory = Directory::open(&self.placements.directory).expect("a directory opens");
        let mut next = directory
            .request(&Context { db: &self.placements.directory, now, deployment: &deployment }, call);
        loop {
            let step = match next {
                Ok(step) => step,
                Err(Failure::Refused(_)) => return Some(false),
                Err(Failure::Fault(error)) => panic!("no statement is refused: {error}"),
            };
            let mut answer = None;
            if let Step::AskShardZero { question, .. } = &step {
                let first = self.find(0, topology.placement);
                match self.answer_at(first, topology, question.clone(), &[])? {
                    Ok(answered) => answer = answered,
                    Err(_) => return Some(false),
                }
            }
            let context = Context { db: &self.placements.directory, now, deployment: &deployment };
            next = if let Step::AskShardZero { then, .. } = step {
                then(&mut directory, &context, answer)
            } else if let Step::SealConfigured { then, .. } = step {
                then(&mut directory, &context, Some(Vec::new()))
            } else if let Step::MakeToken { then } = step {
                then(&mut directory, &context, TokenBytes::draw(&mut self.random).issue())
            } else {
                assert!(matches!(step, Step::Answer(_)), "a token and the trail take no other step");
                return Some(true);
            };
        }
    }

    /// Checks that nothing is stored beside the deployment.
    pub fn check_placements(&self) {
        const STORED: &str = "SELECT (SELECT COUNT(*) FROM events) + (SELECT COUNT(*) FROM tasks)
            + (SELECT COUNT(*) FROM quarantine) + (SELECT COUNT(*) FROM settings)";
        const RECORDED: &str = "SELECT COUNT(*) FROM meta WHERE name IN ('shards', 'jurisdiction')";
        const IN_DIRECTORY: &str = "SELECT (SELECT COUNT(*) FROM endpoints) + (SELECT COUNT(*) FROM tokens)
            + (SELECT COUNT(*) FROM audit) + (SELECT COUNT(*) FROM meta WHERE name IN ('shards', 'jurisdiction'))";
        let Placements { anchor, shards, directory, .. } = &self.placements;
        for BareShard(db) in shards.iter().chain([anchor]).filter(|BareShard(db)| db.has_table("events")) {
            let stored = db.integer(STORED, &[]);
            ensure!(stored == 0, "nothing is stored in another placement", "{stored} rows");
        }
        for BareShard(db) in shards.iter().filter(|BareShard(db)| db.has_table("meta")) {
            let recorded = db.integer(RECORDED, &[]);
            ensure!(recorded == 0, "nothing is stored in another placement", "a shard knows its topology");
        }
        let stored = directory.integer(IN_DIRECTORY, &[]);
        ensure!(stored == 0, "nothing is stored in another placement", "{stored} rows of a directory");
    }
}
