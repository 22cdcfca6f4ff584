//! The directory with its clock, and the requests that a shell would make.

use url::Url;
use vtryon_gateway_engine::access::actor::Actor;
use vtryon_gateway_engine::credentials::known_tokens::StoredToken;
use vtryon_gateway_engine::credentials::tickets::Tickets;
use vtryon_gateway_engine::credentials::token::TokenForm;
use vtryon_gateway_engine::directory::alerts::{self, QueuedMessage};
use vtryon_gateway_engine::directory::endpoints::credentials::NewHeader;
use vtryon_gateway_engine::directory::{
    Answer, Directory, NewSecret, Pushed, SealedSecret, Step, VtryonSecrets, endpoints, secrets, settings,
};
use vtryon_gateway_engine::keys::MasterKey;
use vtryon_gateway_engine::protocol::directory::conditions::{
    Condition, ConditionKind, ConditionReport, UnhealthyEndpoint,
};
use vtryon_gateway_engine::protocol::settings::{EndpointKind, SealedHeader};
use vtryon_gateway_engine::protocol::{
    AuditedRequest, DirectoryCall, DirectoryRequest, EndpointHealth, EndpointInput, ShardRequest, SweepReport,
};
use vtryon_gateway_engine::storage::database::{Database, Row};
use vtryon_gateway_engine::storage::sqlite::Sqlite;
use vtryon_gateway_engine::text::json;
use vtryon_gateway_engine::{Context, Deployment, Failure, Refusal};
use vtryon_webhooks::delivery::EndpointSecret;
use vtryon_webhooks::diagnosis::SecretKind;
use vtryon_webhooks::{Code, Millis, Secret, Shards, Verifier};

/// Vtryon's secret.
const SECRET: &str = "a secret of the tests";

/// The address of the gateway itself.
pub(super) const OWN_ORIGIN: &str = "https://gateway.example";

/// What stands for a secret that is encrypted.
pub(super) const SEALED: &str = "a sealed secret";

/// An hour, in seconds.
const HOUR: i64 = 3600;

/// How long an alert may be, in bytes.
const MAX_ALERT_BODY: usize = 2048;

/// Stands in for the encryption of headers.
fn seal(headers: &[NewHeader]) -> Vec<SealedHeader> {
    headers.iter().map(|header| header.sealed(SEALED.to_owned())).collect()
}

/// The directory with its clock.
pub(super) struct World {
    pub(super) db: Sqlite,
    memory: Directory,
    pub(super) deployment: Deployment,
    pub(super) now: Millis,
    requests: u8,
}

impl World {
    pub(super) fn new() -> Self {
        let db = Sqlite::in_memory().unwrap();
        let memory = Directory::open(&db).unwrap();
        let deployment = Deployment {
            log_level: vtryon_gateway_engine::log::Level::Debug,
            ..Deployment::new(
                Verifier::new([Secret::new(SECRET).unwrap()]).unwrap(),
                Tickets::new(&MasterKey::parse(&"0f".repeat(32)).unwrap()),
                Shards::new(4).unwrap(),
            )
        };
        Self { db, memory, deployment, now: Millis(1_780_000_000_000), requests: 0 }
    }

    pub(super) fn context(&self) -> Context<'_> {
        Context { db: &self.db, now: self.now, deployment: &self.deployment }
    }

    pub(super) fn db(&self) -> &dyn Database {
        &self.db
    }

    /// Carries out a request as the shell does. Those about one endpoint are about the newest.
    pub(super) fn request(&mut self, kind: char, body: &str) -> Result<(), Failure> {
        self.requests += 1;
        let newest = endpoints::all(self.db())?.pop().map(|record| record.endpoint);
        let endpoint = newest.as_ref().map_or(1, |newest| newest.no);
        let of = newest.map_or(EndpointKind::Tasks, |newest| newest.options.kind());
        let input = || EndpointInput { body: body.to_owned(), own_origin: OWN_ORIGIN.to_owned() };
        let former_token = format!("tok_{}", hex::encode([self.requests - 1; 8]));
        let request = match kind {
            'c' => DirectoryRequest::Create { kind: EndpointKind::Tasks, input: input() },
            'a' => DirectoryRequest::Create { kind: EndpointKind::Alerts, input: input() },
            'p' => DirectoryRequest::Change { kind: of, endpoint, change: input() },
            'r' => DirectoryRequest::Rotate { kind: of, endpoint, input: body.to_owned() },
            'z' => DirectoryRequest::Retire { kind: of, endpoint },
            'd' => DirectoryRequest::Delete { kind: of, endpoint },
            'y' => DirectoryRequest::Replay { input: body.to_owned(), key: None },
            'x' => {
                let Some(newest) = settings::current(&self.context())?.replays.pop() else { return Ok(()) };
                DirectoryRequest::CancelReplay { id: newest.id }
            }
            'k' => DirectoryRequest::CreateToken { input: body.to_owned() },
            'v' => DirectoryRequest::RevokeToken { id: former_token },
            'f' => return self.find_token(former_token),
            'e' => DirectoryRequest::RecordChange { target: body.to_owned() },
            'i' => DirectoryRequest::RecordImport,
            's' => return self.remember_secret(body),
            'g' => DirectoryRequest::PurgeSecret { fingerprint: body.to_owned() },
            'w' => return self.report_condition(endpoint, body),
            'u' => return self.report_unhealthy(endpoint, body),
            'q' => return self.queue_twice(),
            'j' => {
                let Ok(rejections) = json::read(body) else { return Ok(()) };
                DirectoryRequest::ReportRejections { rejections }
            }
            't' => return self.sweep(HOUR),
            'T' => return self.sweep(31 * 24 * HOUR),
            _ => return Ok(()),
        };
        let is_recorded = matches!(kind, 'k' | 'v' | 'e' | 'g');
        let before = self.records()?;
        self.ask(request)?;
        assert!(!is_recorded || self.records()? == before + 1, "a change is recorded");
        Ok(())
    }

    fn ask(&mut self, request: DirectoryRequest) -> Result<Answer, Failure> {
        let call = DirectoryCall { request, audited: Some(audited()) };
        self.run(1, |directory, context| directory.request(context, call))
    }

    /// Does what the directory asks for, until it has answered. Settings that are pushed are those of the next version, and
    /// their change has been recorded so many times.
    fn run(
        &mut self,
        recorded: i64,
        begin: impl FnOnce(&mut Directory, &Context<'_>) -> Result<Step, Failure>,
    ) -> Result<Answer, Failure> {
        let (version, records) = (settings::version(self.db())?, self.records()?);
        let (directory, now, requests) = (&mut self.memory, self.now, self.requests);
        let context = Context { db: &self.db, now, deployment: &self.deployment };
        let mut step = begin(directory, &context)?;
        loop {
            step = match step {
                Step::Answer(answer) => return Ok(answer),
                Step::AskShardZero { then, .. } => then(directory, &context, Some("4".to_owned())),
                Step::AskShards { question: ShardRequest::Health { .. }, then } => {
                    let failing_since = Some(now.plus_seconds(-10 * 24 * HOUR));
                    let health = EndpointHealth { failing_since, succeeded_at: None, consecutive_410: 0 };
                    then(directory, &context, Ok(vec![json::to_string(&health)]))
                }
                Step::AskShards { then, .. } => {
                    // Every third time a shard does not answer.
                    let unanswered = || Refusal::new(Code::Unavailable, "a shard does not answer");
                    let answers = (!requests.is_multiple_of(3)).then(|| vec!["{}".to_owned(); 4]);
                    then(directory, &context, answers.ok_or_else(unanswered))
                }
                Step::Push { settings, then } => {
                    if recorded > 0 || settings.version > version {
                        assert_eq!(settings.version, version + 1);
                        assert_eq!(count_records(context.db)?, records + recorded);
                    }
                    let confirmed = 3 + u32::from(requests.is_multiple_of(2));
                    then(directory, &context, Pushed { confirmed, in_force: settings.version })
                }
                Step::StoreAlert { body, then, .. } => {
                    assert!(body.len() <= MAX_ALERT_BODY);
                    then(directory, &context, true)
                }
                Step::ReadOrigin { url, then } => {
                    let url = Url::parse(&url).ok();
                    then(directory, &context, url.map(|url| url.origin().ascii_serialization()))
                }
                Step::DrawId { then } => then(directory, &context, [requests; 8]),
                Step::MakeToken { then } => {
                    let master = MasterKey::parse(&"0f".repeat(32)).unwrap();
                    let new = TokenForm::new(&master).issue([requests; 8], &[requests; 32]);
                    then(directory, &context, new)
                }
                Step::MakeSecret { then, .. } => {
                    let secret = EndpointSecret::from_bytes([7; 32]);
                    let sealed = format!("{SEALED} {requests}");
                    then(directory, &context, NewSecret { secret, sealed })
                }
                Step::SealHeaders { headers, then, .. } => then(directory, &context, seal(&headers)),
                Step::SealConfigured { secrets, then } => {
                    let due = secrets.into_iter().filter(|(_, is_due)| *is_due);
                    let sealed = || SEALED.as_bytes().to_vec();
                    let seal = |(fingerprint, _)| SealedSecret { fingerprint, sealed: sealed() };
                    then(directory, &context, Some(due.map(seal).collect()))
                }
                Step::TryToOpen { endpoints, then } => {
                    then(directory, &context, Some(vec![None; endpoints.len()]))
                }
                Step::OpenVtryonSecrets { former, then } => {
                    let configured = vec![(SecretKind::Current, SECRET.as_bytes().to_vec().into())];
                    let former = former.iter().map(|_| None).collect();
                    then(directory, &context, VtryonSecrets { configured, former })
                }
                Step::OpenEndpointSecrets { secrets, then } => {
                    let open = |_: &_| Some(EndpointSecret::from_bytes([7; 32]));
                    then(directory, &context, secrets.iter().map(open).collect())
                }
            }?;
        }
    }

    fn find_token(&mut self, id: String) -> Result<(), Failure> {
        let answer = self.ask(DirectoryRequest::FindToken { id })?;
        let found: Option<StoredToken> = json::read(&answer.json)?;
        assert!(found.is_none_or(|token| token.expires_at.is_none_or(|end| self.now < end)));
        Ok(())
    }

    /// What no shard has confirmed is sent again, and nothing is added to it.
    fn queue_twice(&self) -> Result<(), Failure> {
        let numbers =
            |messages: &[QueuedMessage]| messages.iter().map(|message| message.no).collect::<Vec<_>>();
        let queued = alerts::queue(&self.context())?;
        assert_eq!(numbers(&alerts::queue(&self.context())?), numbers(&queued));
        Ok(())
    }

    /// Lets time pass, and runs the hourly sweep and the alarm.
    fn sweep(&mut self, seconds: i64) -> Result<(), Failure> {
        self.now = self.now.plus_seconds(seconds);
        let is_met = Some(self.requests.is_multiple_of(2));
        let report = SweepReport { has_stalled: is_met, is_nearly_full: is_met, ..SweepReport::default() };
        self.ask(DirectoryRequest::Sweep(report))?;
        self.memory.begin_alarm();
        self.run(0, Directory::run_alarm)?;
        // What is left is held back by a pause.
        assert!(alerts::queue(&self.context())?.is_empty());
        Ok(())
    }

    /// Lets the directory remember the configured secrets, or stores one that was configured before.
    fn remember_secret(&mut self, former: &str) -> Result<(), Failure> {
        if !former.is_empty() {
            return Ok(secrets::remember(&self.context(), former, SEALED.as_bytes())?);
        }
        self.ask(DirectoryRequest::Secrets)?;
        assert!(secrets::to_seal(&self.context())?.iter().all(|(_, is_due)| !is_due));
        Ok(())
    }

    /// Reports a condition as a shard does.
    fn report_condition(&mut self, endpoint: i64, kind: &str) -> Result<(), Failure> {
        let endpoint = if kind == ConditionKind::EventQuarantined.as_str() { 0 } else { endpoint };
        let count = i64::from(self.requests);
        let condition = Condition { kind: kind.to_owned(), endpoint, count, at: self.now };
        let settings_version = settings::version(self.db())?;
        let report = ConditionReport { settings_version, conditions: vec![condition] };
        self.ask(DirectoryRequest::ReportConditions(report)).map(drop)
    }

    /// Reports an endpoint as a shard does; in the health of all shards it has failed for ten days.
    fn report_unhealthy(&mut self, endpoint: i64, reason: &str) -> Result<(), Failure> {
        let settings_version = settings::version(self.db())?;
        let unhealthy = UnhealthyEndpoint { endpoint, reason: reason.to_owned(), settings_version };
        let call = DirectoryCall { request: DirectoryRequest::ReportUnhealthy(unhealthy), audited: None };
        self.run(0, |directory, context| directory.request(context, call))?;
        if settings::version(self.db())? > settings_version {
            assert!(!endpoints::find(self.db(), endpoint)?.endpoint.options.enabled);
        }
        Ok(())
    }

    fn records(&self) -> Result<i64, Failure> {
        Ok(count_records(self.db())?)
    }
}

/// Returns the number of the last record.
fn count_records(db: &dyn Database) -> vtryon_gateway_engine::Result<i64> {
    Ok(db.first("SELECT COALESCE(MAX(no), 0) FROM audit", &[], Row::int)?.unwrap_or(0))
}

/// The request of the API that asks for each change.
fn audited() -> AuditedRequest {
    AuditedRequest { actor: Actor::Root, operation: "any".to_owned(), address: None }
}
