//! The directory with its clock, and the requests that a shell would make.

use url::Url;
use vtryon_gateway_engine::access::actor::Actor;
use vtryon_gateway_engine::access::token::TokenForm;
use vtryon_gateway_engine::database::{Database, Row};
use vtryon_gateway_engine::directory::alerts::{self, QueuedMessage};
use vtryon_gateway_engine::directory::credentials::{self, NewHeader};
use vtryon_gateway_engine::directory::endpoints::{self, Rotation};
use vtryon_gateway_engine::directory::fields::{self, FieldRules};
use vtryon_gateway_engine::directory::keyring::Keyring;
use vtryon_gateway_engine::directory::replays::{self, Requested};
use vtryon_gateway_engine::directory::settings::{self, SettingsChange};
use vtryon_gateway_engine::directory::{Directory, EndpointRecord, audit, rejections, secrets, tokens};
use vtryon_gateway_engine::keys::MasterKey;
use vtryon_gateway_engine::protocol::conditions::{Condition, ConditionKind, UnhealthyEndpoint};
use vtryon_gateway_engine::protocol::rejection::Rejection;
use vtryon_gateway_engine::protocol::settings::{EndpointKind, Sealed, SealedHeader};
use vtryon_gateway_engine::protocol::{AuditedRequest, EndpointHealth, SweepReport};
use vtryon_gateway_engine::sqlite::Sqlite;
use vtryon_gateway_engine::tickets::Tickets;
use vtryon_gateway_engine::{Context, Deployment, Failure, MAX_TICKET_SOCKETS, json};
use vtryon_webhooks::delivery::EndpointSecret;
use vtryon_webhooks::endpoint::UrlRules;
use vtryon_webhooks::{Millis, Secret, Shards, Verifier};

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
    deployment: Deployment,
    pub(super) rules: UrlRules,
    pub(super) now: Millis,
    requests: u8,
}

impl World {
    pub(super) fn new() -> Self {
        let db = Sqlite::in_memory().unwrap();
        Directory::open(&db).unwrap();
        let deployment = Deployment {
            verifier: Verifier::new([Secret::new("a secret of the tests").unwrap()]).unwrap(),
            tickets: Tickets::new(&MasterKey::parse(&"0f".repeat(32)).unwrap()),
            retention_hours: 720,
            max_ticket_sockets: MAX_TICKET_SOCKETS,
            max_object_bytes: vtryon_gateway_engine::MAX_OBJECT_BYTES,
            clock_scale: 1,
            log_level: vtryon_gateway_engine::log::Level::Debug,
        };
        Self { db, deployment, rules: UrlRules::default(), now: Millis(1_780_000_000_000), requests: 0 }
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
        let newest = endpoints::all(self.db())?.last().map_or(1, |record| record.endpoint.no);
        match kind {
            'c' | 'a' => {
                let kind = if kind == 'a' { EndpointKind::Alerts } else { EndpointKind::Tasks };
                let (mut record, headers) =
                    endpoints::draft(&self.context(), kind, body, &self.field_rules(body))?;
                let no = endpoints::take_number(self.db())?;
                record.endpoint.no = no;
                record.endpoint.secrets = vec![self.sealed(endpoints::FIRST_SECRET)];
                record.endpoint.headers = seal(&headers);
                self.put(&record)
            }
            'p' => {
                endpoints::find(self.db(), newest)?;
                let headers = seal(&credentials::read(body)?);
                let rules = self.field_rules(body);
                self.put(&endpoints::change(&self.context(), newest, body, &rules, headers)?)
            }
            'r' => {
                let rotation = Rotation::begin(self.db(), newest, body)?;
                self.put(&rotation.finish(&self.context(), self.sealed(rotation.version))?)
            }
            'z' => self.put(&endpoints::retire(&self.context(), newest)?),
            'd' => {
                endpoints::find(self.db(), newest)?;
                self.commit(&SettingsChange::Delete { endpoint: newest })
            }
            'y' => match replays::request(&self.context(), body, None, [self.requests; 8])? {
                Requested::New(replay) => self.commit(&SettingsChange::Replay(&replay)),
                Requested::Known(_) | Requested::DryRun(_) => Ok(()),
            },
            'k' => {
                let master = MasterKey::parse(&"0f".repeat(32)).unwrap();
                let new = TokenForm::new(&master).issue([self.requests; 8], &[self.requests; 32]);
                let created = tokens::draft(&self.context(), body, &new)
                    .and_then(|draft| tokens::create(&self.context(), draft, Some(&audited())));
                created.map(drop)
            }
            'v' => {
                let id = format!("tok_{}", hex::encode([self.requests - 1; 8]));
                tokens::revoke(&self.context(), &id, Some(&audited())).map(drop)
            }
            'f' => {
                let id = format!("tok_{}", hex::encode([self.requests - 1; 8]));
                let found = tokens::find(&self.context(), &id)?;
                assert!(found.is_none_or(|token| token.expires_at.is_none_or(|end| self.now < end)));
                Ok(())
            }
            'e' => self.recorded(1, || audit::record(&self.context(), Some(&audited()), body)),
            'i' => Ok(audit::record_import(&self.context(), Some(&audited()))?),
            's' => self.remember_secret(body),
            'g' => secrets::purge(&self.context(), body, Some(&audited())).map(drop),
            'w' => self.report_condition(newest, body),
            'u' => self.report_unhealthy(newest, body),
            'q' => {
                // What no shard has confirmed is sent again, and nothing is added to it.
                let numbers = |messages: &[QueuedMessage]| {
                    messages.iter().map(|message| message.no).collect::<Vec<_>>()
                };
                let queued = alerts::queue(&self.context())?;
                assert_eq!(numbers(&alerts::queue(&self.context())?), numbers(&queued));
                Ok(())
            }
            'x' => {
                let Some(newest) = settings::current(&self.context())?.replays.pop() else { return Ok(()) };
                match replays::cancel(self.db(), &newest.id)? {
                    Some(cancelled) => self.commit(&SettingsChange::ChangeReplay(&cancelled)),
                    None => Ok(()),
                }
            }
            'j' => {
                let Ok(reported) = json::read::<Vec<Rejection>>(body) else { return Ok(()) };
                Ok(rejections::add(&self.context(), &reported, Some(&Keyring::default().candidates()))?)
            }
            't' => self.sweep(HOUR),
            'T' => self.sweep(31 * 24 * HOUR),
            _ => Ok(()),
        }
    }

    /// Lets time pass, and runs the hourly sweep and the alarm.
    fn sweep(&mut self, seconds: i64) -> Result<(), Failure> {
        self.now = self.now.plus_seconds(seconds);
        let is_met = Some(self.requests.is_multiple_of(2));
        let context = self.context();
        rejections::expire(context.db, context.now)?;
        tokens::expire(context.db, context.now)?;
        audit::expire(&context)?;
        secrets::forget_old(&context)?;
        alerts::sweep(&context, SweepReport { has_stalled: is_met, is_nearly_full: is_met })?;
        for message in alerts::queue(&context)? {
            message.parts.iter().for_each(|part| assert!(part.body.len() <= MAX_ALERT_BODY));
            alerts::confirm(self.db(), &message)?;
        }
        // What is left is held back by a pause.
        assert!(alerts::queue(&context)?.is_empty());
        Ok(())
    }

    /// Stores a configured secret as the shell does, or one that was configured before.
    fn remember_secret(&self, former: &str) -> Result<(), Failure> {
        if !former.is_empty() {
            return Ok(secrets::remember(&self.context(), former, SEALED.as_bytes())?);
        }
        for (fingerprint, is_due) in secrets::to_seal(&self.context())? {
            if is_due {
                secrets::remember(&self.context(), &fingerprint, SEALED.as_bytes())?;
            }
        }
        assert!(secrets::to_seal(&self.context())?.iter().all(|(_, is_due)| !is_due));
        Ok(())
    }

    /// Reports a condition as a shard does.
    fn report_condition(&self, endpoint: i64, kind: &str) -> Result<(), Failure> {
        let endpoint = if kind == ConditionKind::EventQuarantined.as_str() { 0 } else { endpoint };
        let count = i64::from(self.requests);
        Ok(alerts::report(
            &self.context(),
            &[Condition { kind: kind.to_owned(), endpoint, count, at: self.now }],
        )?)
    }

    /// Reports an endpoint as a shard does; in the health of all shards it has failed for ten days.
    fn report_unhealthy(&self, endpoint: i64, reason: &str) -> Result<(), Failure> {
        let failing_since = Some(self.now.plus_seconds(-10 * 24 * HOUR));
        let health = EndpointHealth { failing_since, succeeded_at: None, consecutive_410: 0 };
        let settings_version = settings::version(self.db())?;
        let unhealthy = UnhealthyEndpoint { endpoint, reason: reason.to_owned(), settings_version };
        match endpoints::disable(&self.context(), &unhealthy, &[health])? {
            Some(record) => {
                assert!(!record.endpoint.options.enabled);
                self.put(&record)
            }
            None => Ok(()),
        }
    }

    /// Makes a change that is recorded so many times.
    fn recorded(
        &self,
        times: i64,
        change: impl FnOnce() -> vtryon_gateway_engine::Result<()>,
    ) -> Result<(), Failure> {
        let last = || self.db().first("SELECT COALESCE(MAX(no), 0) FROM audit", &[], Row::int);
        let before = last()?;
        change()?;
        assert_eq!(last()?.zip(before).map(|(after, before)| after - before), Some(times));
        Ok(())
    }

    /// What the fields of a body are held to, with where its URL leads as the platform reads it.
    fn field_rules(&self, body: &str) -> FieldRules<'_> {
        let url = fields::url(body).and_then(|url| Url::parse(&url).ok());
        let origin = url.map(|url| url.origin().ascii_serialization());
        FieldRules { urls: &self.rules, own_origin: OWN_ORIGIN, origin, shards: shards() }
    }

    fn put(&self, record: &EndpointRecord) -> Result<(), Failure> {
        self.commit(&SettingsChange::Put(record))
    }

    fn commit(&self, change: &SettingsChange<'_>) -> Result<(), Failure> {
        let version = settings::current(&self.context())?.version;
        self.recorded(1, || settings::commit(&self.context(), change, Some(&audited())))?;
        assert_eq!(settings::current(&self.context())?.version, version + 1);
        Ok(())
    }

    fn sealed(&self, version: i64) -> Sealed {
        Sealed::new(
            version,
            format!("{SEALED} {}", self.requests),
            &EndpointSecret::from_bytes([7; 32]),
            self.now,
        )
    }
}

fn shards() -> Shards {
    Shards::new(4).unwrap()
}

/// The request of the API that asks for each change.
fn audited() -> AuditedRequest {
    AuditedRequest { actor: Actor::Root, operation: "any".to_owned(), address: None }
}
