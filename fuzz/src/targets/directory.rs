//! Requests of an administrator against the directory's database. Each line is one: a letter, and the JSON that was sent.

use url::Url;
use vtryon_gateway_engine::access::actor::Actor;
use vtryon_gateway_engine::access::token::TokenForm;
use vtryon_gateway_engine::database::Database;
use vtryon_gateway_engine::directory::alerts;
use vtryon_gateway_engine::directory::credentials::{self, NewHeader};
use vtryon_gateway_engine::directory::endpoints::{self, Rotation};
use vtryon_gateway_engine::directory::fields::{self, FieldRules};
use vtryon_gateway_engine::directory::keyring::Keyring;
use vtryon_gateway_engine::directory::replays::{self, Requested};
use vtryon_gateway_engine::directory::settings::{self, SettingsChange};
use vtryon_gateway_engine::directory::{Directory, EndpointRecord, audit, rejections, tokens};
use vtryon_gateway_engine::keys::MasterKey;
use vtryon_gateway_engine::protocol::rejection::Rejection;
use vtryon_gateway_engine::protocol::settings::{EndpointKind, Sealed, SealedHeader};
use vtryon_gateway_engine::protocol::{AuditedRequest, SweepReport};
use vtryon_gateway_engine::sqlite::Sqlite;
use vtryon_gateway_engine::tickets::Tickets;
use vtryon_gateway_engine::{Context, Deployment, Failure, MAX_TICKET_SOCKETS, json};
use vtryon_webhooks::delivery::EndpointSecret;
use vtryon_webhooks::endpoint::UrlRules;
use vtryon_webhooks::{Millis, Secret, Shards, Verifier};

/// The address of the gateway itself.
const OWN_ORIGIN: &str = "https://gateway.example";

/// What stands for a secret that is encrypted.
const SEALED: &str = "a sealed secret";

/// How long an alert may be, in bytes.
const MAX_ALERT_BODY: usize = 2048;

/// How many endpoints and alert destinations there may be, and secrets and headers of one, `authorization` included.
const MAX_ENDPOINTS: usize = 20 + 5;
const MAX_SECRETS: usize = 3;
const MAX_HEADERS: usize = 11;

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let scripts = [
        "c{\"url\":\"https://shop.example/a\"}\np{\"enabled\":false,\"description\":\"x\"}\nr{\"overlap_hours\":0}\nd",
        "c{\"url\":\"https://shop.example/\",\"order\":\"all\",\"statuses\":[\"completed\"],\"events\":[\"a.b\"],\"include\":[\"unknown\",\"quarantined\"],\"timeout_seconds\":30}\nr\nr{\"overlap_hours\":168}\nt\nr{\"overlap_hours\":1e0}\ne",
        "c{\"url\":\"https://shop.example/\",\"headers\":{\"x-api-key\":\"a b\",\"CF-Access-Client-Id\":\"c\"},\"auth\":{\"type\":\"basic\",\"username\":\"u\",\"password\":\"p\"}}\np{\"url\":\"https://other.example/\"}\np{\"headers\":{\"authorization\":\"a\"}}\np{\"headers\":null,\"auth\":{\"type\":\"bearer\",\"token\":\"t\"}}\np{\"headers\":{\"host\":\"a\"}}",
        "a{\"url\":\"https://ops.example/\",\"events\":[\"gateway.endpoint_failing\"],\"format\":\"slack\"}\na{\"url\":\"https://ops.example/\"}\nc{\"url\":\"https://shop.example/\"}\np{\"enabled\":false}\nt\np{\"enabled\":true}\nt",
        "c{\"url\":\"https://gateway.example/\"}\nc{\"url\":\"https://xn--a/\"}\nc{\"url\":1}\nc{}\nc",
        "c{\"url\":\"https://shop.example/\"}\ny{\"endpoint\":\"ep_1\",\"which\":\"all\",\"from\":\"2026-01-01T00:00:00Z\"}\nx\nx\ny{\"endpoint\":\"ep_1\",\"dry_run\":true}\ny{\"endpoint\":\"ep_1\",\"until\":\"2025-12-31T23:59:60+01:00\"}",
        "j[{\"code\":\"signature_mismatch\",\"path\":\"/webhooks/vtryon\",\"count\":3,\"first_at\":1,\"last_at\":2,\"first\":{\"received_at\":1,\"header\":\"ab\",\"header_bytes\":2,\"content_type\":null,\"body\":\"7b7d\",\"body_bytes\":2},\"last\":null}]\nt\nj[{\"code\":\"x\",\"count\":-1}]",
        "k{\"name\":\"ci\",\"scope\":\"replay\",\"expires_at\":\"2026-05-28T21:00:00Z\"}\nk{\"name\":\"\",\"scope\":\"root\"}\nt\nk{\"name\":\"x\",\"scope\":\"tickets\"}\nv\nv",
    ];
    scripts.map(Into::into).to_vec()
}

pub(crate) fn check(input: &[u8]) {
    let mut office = Office::new();
    for line in input.split(|byte| *byte == b'\n').take(32) {
        let Ok(line) = std::str::from_utf8(line) else { continue };
        let Some(kind) = line.chars().next() else { continue };
        let body = &line[kind.len_utf8()..];
        let before = office.all_as_json();
        let result = office.request(kind, body);
        match result {
            Ok(()) => office.check(),
            Err(Failure::Refused(refusal)) => {
                assert!(!refusal.message.is_empty());
                assert_eq!(office.all_as_json(), before, "a refused request changes nothing");
            }
            Err(Failure::Fault(fault)) => panic!("{line}: {fault}"),
        }
    }
}

/// Stands in for the encryption of headers.
fn seal(headers: &[NewHeader]) -> Vec<SealedHeader> {
    headers.iter().map(|header| header.sealed(SEALED.to_owned())).collect()
}

/// The directory with its clock.
struct Office {
    db: Sqlite,
    deployment: Deployment,
    rules: UrlRules,
    now: Millis,
    requests: u8,
}

impl Office {
    fn new() -> Self {
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

    fn context(&self) -> Context<'_> {
        Context { db: &self.db, now: self.now, deployment: &self.deployment }
    }

    fn db(&self) -> &dyn Database {
        &self.db
    }

    /// Carries out a request as the shell does. Those about one endpoint are about the newest.
    fn request(&mut self, kind: char, body: &str) -> Result<(), Failure> {
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
            'e' => self.put(&endpoints::retire(&self.context(), newest)?),
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
            't' => {
                self.now = self.now.plus_seconds(3600);
                let is_met = Some(self.requests.is_multiple_of(2));
                let report = SweepReport { has_stalled: is_met, is_nearly_full: is_met };
                alerts::sweep(&self.context(), report)?;
                for message in alerts::queue(&self.context())? {
                    message.parts.iter().for_each(|part| assert!(part.body.len() <= MAX_ALERT_BODY));
                    alerts::confirm(self.db(), &message)?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
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
        settings::commit(&self.context(), change, Some(&audited()))?;
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

    /// What the API would show, and the shards would get.
    fn all_as_json(&self) -> [String; 4] {
        let causes = rejections::all(self.db()).unwrap();
        let list = json::to_string(&rejections::list(&causes, &Keyring::default()));
        let records = audit::page(self.db(), None, 100).ok().unwrap();
        let tokens = tokens::list(&self.context()).ok().unwrap();
        let settings = settings::current(&self.context()).unwrap();
        [json::to_string(&settings), list, json::to_string(&tokens), json::to_string(&records)]
    }

    /// What must hold of everything that is stored.
    fn check(&self) {
        let records = endpoints::all(self.db()).unwrap();
        assert!(records.len() <= MAX_ENDPOINTS);
        for record in &records {
            let options = &record.endpoint.options;
            self.rules.check(&options.url).unwrap();
            assert!(!options.url.to_ascii_lowercase().starts_with(&format!("{OWN_ORIGIN}/")));
            assert_eq!(record.disabled.is_some(), !options.enabled);
            let secrets = &record.endpoint.secrets;
            assert!((1..=MAX_SECRETS).contains(&secrets.len()));
            assert!(secrets.is_sorted_by(|newer, older| newer.version > older.version));
            assert!(record.endpoint.headers.len() <= MAX_HEADERS);
            let view = json::to_string(&record.view(self.now, None));
            assert!(!view.contains(SEALED) || record.description.contains(SEALED), "{view}");
        }
    }
}

/// The request of the API that asks for each change.
fn shards() -> Shards {
    Shards::new(4).unwrap()
}

fn audited() -> AuditedRequest {
    AuditedRequest { actor: Actor::Root, operation: "any".to_owned(), address: None }
}
