//! Requests to the directory: step by step as its shell carries them out. Its instance may die after each step.

use vtryon_gateway_engine::directory::endpoints::FIRST_SECRET;
use vtryon_gateway_engine::directory::endpoints::credentials::NewHeader;
use vtryon_gateway_engine::directory::{
    Answer, Directory, NewSecret, SealedSecret, Step, Then, VtryonSecrets,
};
use vtryon_gateway_engine::protocol::settings::endpoint_id;
use vtryon_gateway_engine::protocol::{
    ALERT_SHARD, AuditedRequest, DirectoryCall, DirectoryRequest, ShardRequest,
};
use vtryon_gateway_engine::{Context, Failure, Refusal};
use vtryon_webhooks::Code;
use vtryon_webhooks::delivery::EndpointSecret;

use crate::actors::worker::NOTHING;
use crate::coverage::{CrashPoint, Decision};
use crate::directory::header_for;
use crate::directory::pushes::Push;
use crate::directory::tokens::{TokenBytes, is_stored};
use crate::model::registrations::Effect;
use crate::platform::database::SimulatedDatabase;
use crate::violation::ensure;
use crate::world::World;

/// A change that a request asks for.
#[derive(Default)]
pub struct Change {
    /// The operation of the API; none where a shard asks for it.
    pub operation: Option<&'static str>,
    pub by: Option<AuditedRequest>,
    /// What its record names.
    pub target: String,
    /// The bytes of the token that it makes or revokes; none where it changes the settings.
    pub token: Option<TokenBytes>,
    /// The bytes of the id that it draws.
    pub id: [u8; 8],
    /// The URL that headers are set for.
    pub url: String,
    /// What it makes of an endpoint.
    pub effect: Effect,
}

/// How far a request has come.
pub enum Done {
    Answered(Answer),
    /// Settings are on their way to the shards; the rest follows with the push.
    Pushing,
}

impl Change {
    pub fn of_settings(operation: &'static str, target: &str) -> Self {
        Self { operation: Some(operation), ..Self::of_nobody(target) }
    }

    pub fn of_tokens(operation: &'static str, token: TokenBytes) -> Self {
        let target = token.issue().id;
        Self { operation: Some(operation), target, token: Some(token), ..Self::default() }
    }

    /// Makes a change that no administrator asks for.
    pub fn of_nobody(target: &str) -> Self {
        Self { target: target.to_owned(), ..Self::default() }
    }

    /// Reads something that only this change alters.
    pub fn state(&self, db: &SimulatedDatabase) -> i64 {
        const VERSION: &str = "SELECT COALESCE((SELECT value FROM meta WHERE name = 'version'), 0)";
        match self.token {
            Some(_) => is_stored(db, &self.target),
            None => db.integer(VERSION, &[]),
        }
    }
}

impl World {
    /// Asks the directory for something that changes neither settings nor tokens.
    pub fn ask(&mut self, decision: Decision, request: DirectoryRequest) -> Option<Answer> {
        self.ask_by(decision, request, None)
    }

    pub fn ask_by(
        &mut self,
        decision: Decision,
        request: DirectoryRequest,
        audited: Option<AuditedRequest>,
    ) -> Option<Answer> {
        let call = DirectoryCall { request, audited };
        match self.begin(decision, None, |directory, context| directory.request(context, call))? {
            Done::Answered(answer) => Some(answer),
            Done::Pushing => None,
        }
    }

    /// Asks the directory for a change.
    pub fn ask_as(
        &mut self,
        decision: Decision,
        mut change: Change,
        request: DirectoryRequest,
    ) -> Option<Done> {
        change.by = change.operation.map(|operation| self.audited(operation));
        let call = DirectoryCall { request, audited: change.by.clone() };
        self.begin(decision, Some(change), |directory, context| directory.request(context, call))
    }

    /// Lets the directory begin something, and does what it asks for; nothing where that failed.
    pub fn begin(
        &mut self,
        decision: Decision,
        change: Option<Change>,
        begin: impl FnOnce(&mut Directory, &Context<'_>) -> Result<Step, Failure>,
    ) -> Option<Done> {
        self.directory.refusal = None;
        let mut change = change;
        let step = self.decide_step(decision, change.as_ref(), begin)?;
        self.carry_out(decision, &mut change, step)
    }

    /// Does what the directory asks for, until it has answered or pushes settings.
    pub fn carry_out(
        &mut self,
        decision: Decision,
        change: &mut Option<Change>,
        mut step: Step,
    ) -> Option<Done> {
        loop {
            step = match step {
                Step::Answer(answer) => return Some(Done::Answered(answer)),
                Step::Push { settings, then } => {
                    let effect = change.as_ref().map_or(Effect::Other, |change| change.effect);
                    self.registrations.check_settings(&settings, effect);
                    let push = Push::new(settings, self.shards.len(), then, change.take());
                    self.directory.pushes.push(push);
                    return Some(Done::Pushing);
                }
                Step::AskShardZero { question, then } => {
                    let answer = self.call(0, Decision::Configure, question, &[])?;
                    let answer = Some(answer).filter(|answer| answer != NOTHING);
                    self.resume(decision, change, then, answer)?
                }
                Step::AskShards { question, then } => {
                    let shards = 0..self.shards.len();
                    let ask = |shard| self.call(shard, Decision::Query, question.clone(), &[]);
                    let answers: Option<Vec<_>> = shards.map(ask).collect();
                    let has_answer = |answer: &String| answer != NOTHING;
                    let unanswered = || Refusal::new(Code::Unavailable, "a shard does not answer");
                    let answers = answers.ok_or_else(unanswered);
                    let answers = answers.map(|answers| answers.into_iter().filter(has_answer).collect());
                    self.resume(decision, change, then, answers)?
                }
                Step::StoreAlert { alert, body, then } => {
                    let request = ShardRequest::StoreAlert(alert);
                    let shard = ALERT_SHARD as usize;
                    let stored = self.call(shard, Decision::StoreAlert, request, body.as_bytes())?;
                    self.resume(decision, change, then, stored != NOTHING)?
                }
                Step::ReadOrigin { url, then } => {
                    let origin = url.split('/').take(3).collect::<Vec<_>>().join("/");
                    self.resume(decision, change, then, Some(origin))?
                }
                Step::DrawId { then } => {
                    let id = change.as_ref().map_or([0; 8], |change| change.id);
                    self.resume(decision, change, then, id)?
                }
                Step::MakeToken { then } => {
                    let token = change.as_ref().and_then(|change| change.token.as_ref());
                    let token = token.expect("a token is asked for").issue();
                    self.resume(decision, change, then, token)?
                }
                Step::MakeSecret { endpoint, version, then } => {
                    if version == FIRST_SECRET {
                        ensure!(
                            self.endpoints.insert(endpoint),
                            "no number is given twice",
                            "endpoint {endpoint}"
                        );
                        if let Some(change) = change {
                            change.target = endpoint_id(endpoint);
                        }
                    }
                    self.resume(decision, change, then, new_secret(endpoint, version))?
                }
                Step::SealHeaders { endpoint, headers, then } => {
                    let url = change.as_ref().map_or("", |change| &*change.url);
                    let seal = |header: &NewHeader| header.sealed(header_for(endpoint, url));
                    let sealed = headers.iter().map(seal).collect();
                    self.resume(decision, change, then, sealed)?
                }
                Step::SealConfigured { secrets, then } => {
                    let due = secrets.into_iter().filter(|(_, is_due)| *is_due);
                    let sealed = due.map(|(fingerprint, _)| sealed_secret(fingerprint)).collect();
                    self.resume(decision, change, then, Some(sealed))?
                }
                Step::TryToOpen { endpoints, then } => {
                    self.resume(decision, change, then, Some(vec![None; endpoints.len()]))?
                }
                Step::OpenVtryonSecrets { former, then } => {
                    let former = former.iter().map(|_| None).collect();
                    self.resume(decision, change, then, VtryonSecrets { configured: Vec::new(), former })?
                }
                Step::OpenEndpointSecrets { secrets, then } => {
                    let opened = secrets.iter().map(|_| None).collect();
                    self.resume(decision, change, then, opened)?
                }
            };
        }
    }

    pub fn resume<T>(
        &mut self,
        decision: Decision,
        change: &Option<Change>,
        then: Then<T>,
        result: T,
    ) -> Option<Step> {
        self.decide_step(decision, change.as_ref(), |directory, context| then(directory, context, result))
    }

    /// Lets the directory decide. Its instance may die before the commit or after it.
    pub fn direct<T>(
        &mut self,
        decision: Decision,
        decide: impl FnOnce(&mut Directory, &Context<'_>) -> Result<T, Failure>,
    ) -> Option<T> {
        let deaths = self.regime.deaths;
        let (dies, before) = (self.random.chance(deaths), self.random.chance(500));
        let refused_after = self.random.chance(self.regime.refusals).then(|| self.random.number(0..6));
        let (alarm, now) = (self.directory.alarm, self.directory_clock());
        let db = self.directory.db.get_or_insert_with(SimulatedDatabase::new);
        let open = || Directory::open(db).expect("a directory opens");
        let engine = self.directory.engine.get_or_insert_with(open);
        db.begin();
        if let Some(after) = refused_after {
            db.refuse_after(after as u32);
        }
        let context = Context { db, now, deployment: &self.deployment };
        let decided = decide(engine, &context);
        let effects = engine.take_effects();
        let was_refused = db.has_refused(refused_after.is_some());
        if was_refused {
            self.coverage.crash(CrashPoint::Refused(decision));
        }
        ensure!(
            was_refused || effects.faults.is_empty(),
            "a decision fails only where the storage does",
            "{decision:?}: {:?}",
            effects.faults
        );
        if effects.alarm.is_some() {
            self.directory.alarm = effects.alarm;
        }
        if let Err(Failure::Fault(error)) = &decided {
            ensure!(was_refused, "a decision fails only where the storage does", "{decision:?}: {error}");
        }
        if !dies {
            db.commit();
            return match decided {
                Ok(decided) => Some(decided),
                Err(Failure::Fault(_)) => None,
                Err(Failure::Refused(refusal)) => {
                    self.directory.refusal = Some(refusal);
                    None
                }
            };
        }
        self.directory.engine = None;
        if before {
            db.roll_back();
            self.directory.alarm = alarm;
            self.coverage.crash(CrashPoint::BeforeCommit(decision));
        } else {
            db.commit();
            self.coverage.crash(CrashPoint::AfterCommit(decision));
        }
        if std::mem::take(&mut self.directory.is_alarm_running) {
            self.directory.alarm = Some(now);
        }
        // What it was about to push is pushed by its alarm.
        self.directory.pushes.clear();
        None
    }
}

/// Stands in for the encryption of a secret of Vtryon's.
fn sealed_secret(fingerprint: String) -> SealedSecret {
    SealedSecret { fingerprint, sealed: b"sealed".to_vec() }
}

/// Stands in for the encryption of a secret.
fn new_secret(endpoint: i64, version: i64) -> NewSecret {
    let mut bytes = [0; 32];
    (bytes[0], bytes[1]) = (endpoint as u8, version as u8);
    NewSecret { secret: EndpointSecret::from_bytes(bytes), sealed: format!("{endpoint}/{version}") }
}
