//! The world: a publisher, Workers, shards, the directory, endpoints, administrators and clients, one step at a time.

use std::collections::{BTreeMap, BTreeSet};

use vtryon_gateway_engine::Deployment;
use vtryon_gateway_engine::credentials::tickets::Tickets;
use vtryon_gateway_engine::keys::MasterKey;
use vtryon_gateway_engine::protocol::delivery::{AttemptReport, DeliveryState};
use vtryon_gateway_engine::protocol::topology::Topology;
use vtryon_gateway_engine::protocol::{ShardRequest, SweepReport, TaskFilter};
use vtryon_webhooks::{Millis, Secret, Shards, Verifier};

use crate::actors::attempts::{RunningAttempt, Server};
use crate::actors::clients::Client;
use crate::actors::placement::Placements;
use crate::actors::publisher::Publisher;
use crate::actors::readers::{Kv, Reader};
use crate::checks::{self, SKEW};
use crate::coverage::{Coverage, CrashPoint, Decision, Loss};
use crate::directory::DirectoryObject;
use crate::directory::alerts::SentAlerts;
use crate::directory::audit::AuditTrail;
use crate::directory::tokens::Tokens;
use crate::model::registrations::Registrations;
use crate::platform::object::ShardObject;
use crate::random::Random;
use crate::regime::Regime;

/// When every run begins, in milliseconds since 1970.
pub const START: i64 = 1_700_000_000_000;

const HOUR: i64 = 3600;

/// How many steps pass between two looks at all that is stored.
const LOOK_EVERY: u64 = 64;

pub struct World {
    pub random: Random,
    pub regime: Regime,
    pub coverage: Coverage,
    pub now: Millis,
    pub deployment: Deployment,
    /// How often Vtryon's secret was changed.
    rotations: u32,
    pub shards: Vec<ShardObject>,
    pub directory: DirectoryObject,
    /// What administrators have made of the endpoints.
    pub registrations: Registrations,
    /// Where the deployment lies, and what lies elsewhere.
    pub placements: Placements,
    /// The tokens of the API, and what is recorded of changes.
    pub tokens: Tokens,
    pub trail: AuditTrail,
    /// The alerts that were sent.
    pub alerts: SentAlerts,
    pub publisher: Publisher,
    pub attempts: Vec<RunningAttempt>,
    /// The reports that wait in the Worker, by shard.
    pub waiting_reports: Vec<Vec<AttemptReport>>,
    pub next_attempt: u64,
    pub servers: BTreeMap<i64, Server>,
    pub clients: Vec<Client>,
    /// Who reads results, and what KV has of them.
    pub readers: Vec<Reader>,
    pub kv: Kv,
    /// The webhook-id of each event, by its shard and number.
    pub webhook_ids: BTreeMap<(usize, i64), String>,
    /// What the event of each webhook-id has in common with its duplicates.
    pub identities: BTreeMap<String, String>,
    /// The numbers of all endpoints, and the ids of all range replays, that there ever were.
    pub endpoints: BTreeSet<i64>,
    pub replays: Vec<String>,
    pub decisions: u64,
    /// What has happened, where it is wanted.
    pub trace: Option<Vec<String>>,
    next_sweep: Millis,
}

/// Something that may happen in a step.
type Action = fn(&mut World);

/// What may happen in a step, and how often it does.
pub const ACTIONS: [(u32, Action); 20] = [
    (30, World::make_event),
    (40, World::post_due),
    (60, World::advance_attempt),
    (90, World::advance_any_run),
    (12, World::administer),
    (20, World::advance_push),
    (20, World::advance_client),
    (12, World::advance_reader),
    (30, World::send_any_broadcast),
    (2, World::evict),
    (2, World::shift_clock),
    (1, World::rotate_webhook_secret),
    (1, World::call_with_wrong_count),
    (1, World::call_with_changed_jurisdiction),
    (2, World::query),
    (2, World::erase_task),
    (3, World::import),
    (6, World::use_tokens),
    (1, World::read_audit_trail),
    (2, World::refuse_webhooks),
];

impl World {
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let usual: Vec<u32> = ACTIONS.iter().map(|(weight, _)| *weight).collect();
        let regime = Regime::draw(&mut random, &usual);
        let [own, changed] = regime.jurisdictions;
        let placements = Placements::new(own, changed, regime.shards);
        let mut deployment = deployment(Topology { shards: regime.shards, placement: placements.own }, 0);
        (deployment.max_object_bytes, deployment.max_page) = (regime.object_bytes, regime.page);
        let shards = (0..regime.shards).map(|_| ShardObject::new(&deployment, Millis(START))).collect();
        let waiting_reports = (0..regime.shards).map(|_| Vec::new()).collect();
        Self {
            random,
            regime,
            coverage: Coverage::default(),
            now: Millis(START),
            deployment,
            rotations: 0,
            shards,
            directory: DirectoryObject::default(),
            registrations: Registrations::default(),
            placements,
            tokens: Tokens::default(),
            trail: AuditTrail::default(),
            alerts: SentAlerts::default(),
            publisher: Publisher::default(),
            attempts: Vec::new(),
            waiting_reports,
            next_attempt: 0,
            servers: BTreeMap::new(),
            clients: Vec::new(),
            readers: Vec::new(),
            kv: Kv::default(),
            webhook_ids: BTreeMap::new(),
            identities: BTreeMap::new(),
            endpoints: BTreeSet::new(),
            replays: Vec::new(),
            decisions: 0,
            trace: None,
            next_sweep: Millis(START).plus_seconds(HOUR),
        }
    }

    /// Notes what has happened, where that is wanted.
    pub fn note(&mut self, what: impl FnOnce() -> String) {
        let (now, step) = (self.now.0 - START, self.coverage.steps);
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{step:>6} {:>9}.{:03} {}", now / 1000, now % 1000, what()));
        }
    }

    /// Lets some time pass, and one thing happen.
    pub fn step(&mut self) {
        self.coverage.steps += 1;
        let is_long = self.random.chance(self.regime.long_pauses);
        let passed = if is_long {
            // Broadcasts wait for moments, never for hours.
            self.drain_broadcasts();
            self.random.number(0..12 * HOUR * 1000)
        } else {
            self.random.number(0..self.regime.tick_ms)
        };
        self.pass(passed);
        let action = self.random.weighted(&self.regime.weights);
        ACTIONS[action].1(self);
        if self.coverage.steps.is_multiple_of(LOOK_EVERY) {
            for shard in 0..self.shards.len() {
                checks::of_stored(self, shard);
            }
        }
    }

    /// Lets milliseconds pass: alarms ring, and every hour the sweep wakes all shards.
    pub fn pass(&mut self, millis: i64) {
        self.now = self.now.plus_millis(millis);
        self.ring_alarms();
        if self.now < self.next_sweep {
            return;
        }
        self.next_sweep = self.now.plus_seconds(HOUR);
        let mut findings = Vec::new();
        for shard in 0..self.shards.len() {
            if self.random.chance(self.regime.losses) {
                self.coverage.crash(CrashPoint::Lost(Loss::Sweep));
                findings.push(None);
                continue;
            }
            let answer = self.call(shard, Decision::Sweep, ShardRequest::Sweep, &[]);
            if answer.is_some() {
                self.shards[shard].is_alarm_lost = false;
            }
            let read = |answer: String| serde_json::from_str(&answer).expect("what a sweep finds is JSON");
            findings.push(answer.map(read));
        }
        self.sweep_directory(SweepReport::of(&findings));
    }

    /// Lets the run of one shard go on.
    fn advance_any_run(&mut self) {
        let shard = self.random.index(self.shards.len());
        self.advance_run(shard);
    }

    fn send_any_broadcast(&mut self) {
        let shard = self.random.index(self.shards.len());
        self.send_broadcast(shard);
    }

    /// Ends an instance that has nothing to do; its sockets hibernate.
    fn evict(&mut self) {
        let shard = self.random.index(self.shards.len());
        let object = &mut self.shards[shard];
        if object.run.is_none() && object.broadcasts.is_empty() {
            object.end_instance();
            self.coverage.reach("instance", "evicted");
        }
    }

    /// Sets the clock of a shard, or of the directory, forward or back.
    fn shift_clock(&mut self) {
        let object = self.random.index(self.shards.len() + 1);
        let skew = self.random.number(-SKEW..SKEW + 1);
        match self.shards.get_mut(object) {
            Some(shard) => shard.skew = skew,
            None => self.directory.skew = skew,
        }
    }

    /// Replaces Vtryon's secret; the one before it stays valid until the next time.
    fn rotate_webhook_secret(&mut self) {
        self.rotations += 1;
        self.deployment = deployment(self.deployment.topology(), self.rotations);
        self.deployment.max_object_bytes = self.regime.object_bytes;
        self.deployment.max_page = self.regime.page;
        self.coverage.reach("deployment", "rotated");
    }

    /// Reads something, as the API does.
    fn query(&mut self) {
        if self.random.chance(200) {
            return self.search();
        }
        let shard = self.random.index(self.shards.len());
        let request = match self.random.index(4) {
            0 => ShardRequest::Metrics,
            1 => ShardRequest::Tasks { before: None, filter: TaskFilter::default(), limit: 50 },
            2 => ShardRequest::Quarantine { before: None, limit: 50 },
            _ => ShardRequest::Deliveries {
                before: None,
                endpoint: None,
                state: Some(DeliveryState::Pending),
                task_id: None,
                digest: None,
                limit: 50,
            },
        };
        self.call(shard, Decision::Query, request, &[]);
    }
}

/// Makes the configuration after so many changes of Vtryon's secret.
pub fn deployment(topology: Topology, rotations: u32) -> Deployment {
    let secret = |rotation: u32| {
        Secret::new(format!("a secret of the simulation, number {rotation}")).expect("it is long enough")
    };
    let secrets = [secret(rotations + 1), secret(rotations)];
    let master = MasterKey::parse(&"0f".repeat(32)).expect("32 bytes are a key");
    Deployment {
        placement: topology.placement,
        retention_hours: 48,
        max_ticket_sockets: 3,
        log_level: vtryon_gateway_engine::log::Level::Debug,
        ..Deployment::new(
            Verifier::new(secrets).expect("two secrets are some"),
            Tickets::new(&master),
            Shards::new(topology.shards).expect("a simulation has some shards"),
        )
    }
}
