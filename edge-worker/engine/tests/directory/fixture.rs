//! A directory over an empty database, and the steps that a shell would take.

use std::fmt::Debug;

use vtryon_gateway_engine::credentials::tickets::Tickets;
use vtryon_gateway_engine::directory::endpoints::credentials::{self, NewHeader};
use vtryon_gateway_engine::directory::endpoints::fields::{self, FieldRules};
use vtryon_gateway_engine::directory::endpoints::{self, Rotation};
use vtryon_gateway_engine::directory::settings::{self, SettingsChange};
use vtryon_gateway_engine::directory::{Directory, EndpointRecord};
use vtryon_gateway_engine::keys::MasterKey;
use vtryon_gateway_engine::protocol::EndpointHealth;
use vtryon_gateway_engine::protocol::directory::conditions::UnhealthyEndpoint;
use vtryon_gateway_engine::protocol::settings::{EndpointKind, Sealed, SealedHeader};
use vtryon_gateway_engine::storage::database::Database;
use vtryon_gateway_engine::{Context, Deployment, Failure};
use vtryon_webhooks::delivery::EndpointSecret;
use vtryon_webhooks::endpoint::UrlRules;
use vtryon_webhooks::{Code, Millis, Secret, Shards, Verifier};

use crate::life;
use crate::recorder::Recorder;

/// 2026-01-01T00:00:00Z.
pub const START: Millis = Millis(1_767_225_600_000);

pub const HOUR: i64 = 3600;
pub const DAY: i64 = 24 * HOUR;

pub struct Fixture {
    pub db: Recorder,
    pub now: Millis,
    pub deployment: Deployment,
    pub rules: UrlRules,
    pub shards: Shards,
    pub memory: Directory,
}

impl Fixture {
    pub fn new() -> Self {
        Self::with_secrets(&["whsec_current"])
    }

    /// Makes a directory whose deployment has these secrets of Vtryon's.
    pub fn with_secrets(secrets: &[&str]) -> Self {
        let db = Recorder::new();
        let memory = Directory::open(&db).unwrap();
        let (rules, shards) = (UrlRules::default(), Shards::new(4).unwrap());
        Self { db, now: START, deployment: deployment(secrets), rules, shards, memory }
    }

    /// Configures other secrets of Vtryon's.
    pub fn configure(&mut self, secrets: &[&str]) {
        self.deployment = deployment(secrets);
    }

    pub fn db(&self) -> &dyn Database {
        &self.db
    }

    /// The database for statements of a test's own, which are not recorded.
    pub fn sqlite(&self) -> &dyn Database {
        &self.db.sqlite
    }

    pub fn context(&self) -> Context<'_> {
        Context { db: &self.db, now: self.now, deployment: &self.deployment }
    }

    /// Returns when an instance that has not set the alarm yet wants it. The clock runs `clock_scale` times faster than the
    /// machine.
    pub fn alarm(&self, clock_scale: i64) -> Option<Millis> {
        let mut memory = Directory::open(&self.db).unwrap();
        memory.set_alarm(&self.db, self.now, clock_scale).unwrap();
        memory.take_effects().alarm
    }

    pub fn pass(&mut self, seconds: i64) {
        self.now = self.now.plus_seconds(seconds);
    }

    /// Returns what the fields of a body are held to. Its URL leads to `https://<host>`, or nowhere where the host is not one.
    pub fn field_rules(&self, body: &str) -> FieldRules<'_> {
        let origin = |url: String| Some(url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/"));
        let is_callable = |origin: &String| !origin.contains("xn--");
        let origin = fields::url(body).and_then(origin).filter(is_callable);
        let (urls, own_origin) = (&self.rules, "https://gateway.example");
        FieldRules { urls, own_origin, origin, shards: self.shards }
    }

    pub fn draft(&self, body: &str) -> Result<EndpointRecord, Failure> {
        self.draft_of(EndpointKind::Tasks, body)
    }

    pub fn draft_of(&self, kind: EndpointKind, body: &str) -> Result<EndpointRecord, Failure> {
        Ok(endpoints::draft(&self.context(), kind, body, &self.field_rules(body))?.0)
    }

    pub fn change(&self, no: i64, body: &str) -> Result<EndpointRecord, Failure> {
        let seen_url = endpoints::find(self.db(), no)?.endpoint.options.url;
        let headers = seal(&credentials::read(body)?);
        let rules = self.field_rules(body);
        let record = endpoints::change(&self.context(), no, body, &rules, headers, &seen_url)?;
        self.commit(&SettingsChange::Put(&record));
        Ok(record)
    }

    /// Registers an endpoint, and returns its number.
    pub fn register(&self, body: &str) -> i64 {
        self.register_of(EndpointKind::Tasks, body)
    }

    pub fn register_of(&self, kind: EndpointKind, body: &str) -> i64 {
        let (mut record, headers) =
            endpoints::draft(&self.context(), kind, body, &self.field_rules(body)).unwrap();
        let no = endpoints::take_number(self.db()).unwrap();
        record.endpoint.no = no;
        record.endpoint.secrets = vec![self.sealed(no, endpoints::FIRST_SECRET)];
        record.endpoint.headers = seal(&headers);
        self.commit(&SettingsChange::Put(&record));
        no
    }

    /// Rotates an endpoint's secret.
    pub fn rotate(&self, no: i64, body: &str) -> Result<EndpointRecord, Failure> {
        let rotation = Rotation::begin(self.db(), no, body)?;
        let record = rotation.finish(&self.context(), self.sealed(no, rotation.version))?;
        self.commit(&SettingsChange::Put(&record));
        Ok(record)
    }

    /// Disables an endpoint where the report of a shard stands that has the current settings.
    pub fn disable(
        &self,
        no: i64,
        reason: &str,
        healths: &[EndpointHealth],
    ) -> Result<Option<EndpointRecord>, Failure> {
        let settings_version = settings::version(self.db())?;
        let unhealthy = UnhealthyEndpoint { endpoint: no, reason: reason.to_owned(), settings_version };
        endpoints::disable(&self.context(), &unhealthy, healths)
    }

    pub fn commit(&self, change: &SettingsChange<'_>) {
        settings::commit(&self.context(), change, None).unwrap();
    }

    pub fn find(&self, no: i64) -> EndpointRecord {
        endpoints::find(self.db(), no).unwrap()
    }

    /// Stands in for the encryption of a secret.
    pub fn sealed(&self, endpoint: i64, version: i64) -> Sealed {
        let mut bytes = [0; 32];
        bytes[0] = u8::try_from(endpoint).unwrap();
        bytes[1] = u8::try_from(version).unwrap();
        let secret = EndpointSecret::from_bytes(bytes);
        Sealed::new(version, format!("{endpoint}/{version}"), &secret, self.now)
    }
}

impl Drop for Fixture {
    /// What a test reaches is compared as well.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.db.assert_part_of(life::statements_of_life());
        }
    }
}

/// Stands in for the encryption of headers: their values backwards.
pub fn seal(headers: &[NewHeader]) -> Vec<SealedHeader> {
    headers.iter().map(|header| header.sealed(header.value.chars().rev().collect())).collect()
}

pub fn deployment(secrets: &[&str]) -> Deployment {
    let master = MasterKey::parse(&"0f".repeat(32)).unwrap();
    let secrets = secrets.iter().map(|text| Secret::new(*text).unwrap());
    Deployment {
        log_level: vtryon_gateway_engine::log::Level::Debug,
        ..Deployment::new(
            Verifier::new(secrets.collect::<Vec<_>>()).unwrap(),
            Tickets::new(&master),
            Shards::new(4).unwrap(),
        )
    }
}

/// Returns why a request was refused.
pub fn refused<T>(result: Result<T, Failure>) -> (Code, String) {
    match result {
        Err(Failure::Refused(refusal)) => (refusal.code, refusal.message.into_owned()),
        Err(Failure::Fault(fault)) => panic!("a fault: {fault}"),
        Ok(_) => panic!("it was not refused"),
    }
}

/// Asserts that a request is refused by a code, with a message that has these words.
pub fn assert_refused<T>(result: Result<T, Failure>, code: Code, words: &str, why: impl Debug) {
    let (found, message) = refused(result);
    assert_eq!(found, code, "{why:?}: {message}");
    assert!(message.contains(words), "{why:?}: {message}");
}
