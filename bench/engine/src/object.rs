//! A shard as the platform runs it: the engine over its storage, with a clock that the caller turns.

use std::rc::Rc;

use vtryon_gateway_engine::credentials::tickets::Tickets;
use vtryon_gateway_engine::keys::MasterKey;
use vtryon_gateway_engine::protocol::delivery::{Attempt, AttemptReport, Dispatch};
use vtryon_gateway_engine::protocol::topology::placement::Placement;
use vtryon_gateway_engine::protocol::{Call, IncomingEvent, ShardRequest, StoreResult};
use vtryon_gateway_engine::shard::{Shard, TopologyCheck};
use vtryon_gateway_engine::text::json;
use vtryon_gateway_engine::{Context, Deployment, Error, Result};
use vtryon_webhooks::{Digest, Millis, Secret, Shards, Signature, Verifier};

use crate::storage::Storage;

/// A day at noon, in milliseconds since 1970.
pub(crate) const NOON: Millis = Millis(1_700_000_000_000);

const SECRET: &str = "a secret of the bench, which is long enough";

/// A shard with its storage.
pub(crate) struct Object {
    pub(crate) storage: Storage,
    pub(crate) now: Millis,
    /// When the alarm is set for.
    pub(crate) alarm: Option<Millis>,
    deployment: Rc<Deployment>,
    engine: Shard,
    shard: u32,
    shards: u32,
}

/// Returns the configuration of a deployment with all defaults.
pub(crate) fn deployment() -> Result<Deployment> {
    let text = |error: vtryon_webhooks::Error| Error::from(error.to_string());
    let secret = Secret::new(SECRET.as_bytes()).map_err(text)?;
    let key = MasterKey::parse(&"0f".repeat(32)).ok_or("the bench has no master key")?;
    Ok(Deployment::new(
        Verifier::new([secret]).map_err(text)?,
        Tickets::new(&key),
        Shards::new(16).ok_or("16 is no number of shards")?,
    ))
}

/// Reads a body as the Worker does before it calls a shard; returns it with the digest that assigns it to one.
pub(crate) fn read(deployment: &Deployment, body: &[u8], now: Millis) -> Result<(Digest, IncomingEvent)> {
    let key = deployment.verifier.keys().first().ok_or("there is no secret")?;
    let verified = deployment
        .verifier
        .verify(body, &Signature::sign(key, body))
        .map_err(|error| Error::from(error.to_string()))?;
    Ok(IncomingEvent::read(&verified, now))
}

impl Object {
    /// Opens one shard of a deployment.
    pub(crate) fn open(
        storage: Storage,
        deployment: Rc<Deployment>,
        now: Millis,
        shard: u32,
        shards: u32,
    ) -> Result<Self> {
        let context = Context { db: &storage, now, deployment: &deployment };
        let engine = storage.commit(|| Shard::open(&context, 0, 0))?;
        Ok(Self { storage, now, alarm: None, deployment, engine, shard, shards })
    }

    /// Lets the engine decide, in one commit.
    pub(crate) fn decide<T>(
        &mut self,
        decide: impl FnOnce(&mut Shard, &Context<'_>) -> Result<T>,
    ) -> Result<T> {
        let context = Context { db: &self.storage, now: self.now, deployment: &self.deployment };
        let (decided, effects) = self.storage.commit(|| {
            let decided = decide(&mut self.engine, &context)?;
            Ok((decided, self.engine.take_effects()))
        })?;
        self.alarm = effects.alarm.or(self.alarm);
        effects.faults.into_iter().next().map_or(Ok(decided), Err)
    }

    /// Calls the shard; returns its answer as JSON.
    pub(crate) fn call(&mut self, request: ShardRequest, body: &[u8]) -> Result<Option<String>> {
        self.call_with(Vec::new(), request, body)
    }

    /// Reports that an endpoint has taken a delivery, as the Worker does where no other call takes the report along.
    pub(crate) fn report(&mut self, dispatch: &Dispatch) -> Result<()> {
        let report = report(dispatch, self.now);
        self.call_with(vec![report], ShardRequest::ReportAttempts, &[]).map(drop)
    }

    fn call_with(
        &mut self,
        reports: Vec<AttemptReport>,
        request: ShardRequest,
        body: &[u8],
    ) -> Result<Option<String>> {
        let placement = Placement::default();
        let call = Call { shard: self.shard, shards: self.shards, placement, reports, request };
        let count = self.shards.to_string();
        self.decide(|engine, context| {
            let checked = match engine.begin_call(context, &call)? {
                TopologyCheck::Done(checked) => checked,
                TopologyCheck::AskShardZero(_) | TopologyCheck::AskAnchor(_) => {
                    engine.finish_topology_check(context.db, &call, Ok(Some(count)))?
                }
            };
            checked.map_err(|mismatch| Error::from(mismatch.0))?;
            engine.call(context, call, body)
        })
    }

    /// Returns the request that stores a body.
    pub(crate) fn storing(&self, body: &[u8]) -> Result<ShardRequest> {
        Ok(ShardRequest::StoreEvent(read(&self.deployment, body, self.now)?.1))
    }

    /// Stores a body; returns the attempts that the Worker makes.
    pub(crate) fn store(&mut self, body: &[u8]) -> Result<Vec<Dispatch>> {
        let request = self.storing(body)?;
        let answer = self.call(request, body)?.ok_or("an event has no answer")?;
        Ok(json::read::<StoreResult>(&answer)?.dispatches)
    }

    /// Stores a body whose deliveries arrive at once, as far as the Worker makes them.
    pub(crate) fn deliver(&mut self, body: &[u8]) -> Result<()> {
        for dispatch in self.store(body)? {
            self.report(&dispatch)?;
        }
        Ok(())
    }

    /// Runs the alarm as the Worker's class does, with endpoints that take what is due: at most so many deliveries.
    /// Returns how many it has delivered.
    pub(crate) fn run_alarm(&mut self, most: u32) -> Result<u32> {
        let started = self.now;
        let mut delivered = 0;
        self.alarm = None;
        self.decide(|engine, context| Ok(engine.begin_alarm(context)))?;
        let picked = self.decide(|engine, context| engine.pick_endpoints(context, started, &[]))?;
        for endpoint in picked {
            while delivered < most {
                let attempt =
                    self.decide(|engine, context| engine.pick_attempt(context, endpoint, started))?;
                let Some(attempt) = attempt else { break };
                let report = report(&attempt.dispatch, self.now);
                self.decide(|engine, context| engine.record_own_attempt(context, &report))?;
                delivered += 1;
            }
        }
        self.decide(|engine, context| {
            engine.end_alarm(context, false);
            Ok(())
        })?;
        Ok(delivered)
    }
}

fn report(dispatch: &Dispatch, now: Millis) -> AttemptReport {
    dispatch.report(Some(Attempt {
        attempted_at: now,
        took_ms: 40,
        status: Some(200),
        error: None,
        answer: String::new(),
        location_host: None,
        is_aborted: false,
        retry_after_ms: None,
        previous_secret: false,
    }))
}
