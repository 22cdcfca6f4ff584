//! What must hold of everything that the directory stores.

use serde_json::Value as Json;
use vtryon_gateway_engine::directory::secrets::keyring::Keyring;
use vtryon_gateway_engine::directory::{
    Directory, alerts, audit, endpoints, rejections, secrets, settings, tokens,
};
use vtryon_gateway_engine::storage::database::Row;
use vtryon_gateway_engine::text::json;

use super::world::{OWN_ORIGIN, SEALED, World};

/// How many endpoints and alert destinations there may be, and secrets and headers of one, `authorization` included.
const MAX_ENDPOINTS: usize = 20 + 5;
const MAX_SECRETS: usize = 3;
const MAX_HEADERS: usize = 11;

impl World {
    /// What the API would show, and the shards would get.
    pub(super) fn all_as_json(&self) -> [String; 5] {
        let causes = rejections::all(self.db()).unwrap();
        let list = json::to_string(&rejections::list(&causes, &Keyring::default()));
        let records = audit::page(self.db(), None, 100).ok().unwrap();
        let tokens = tokens::list(&self.context()).ok().unwrap();
        let settings = settings::current(&self.context()).unwrap();
        let alerts = json::to_string(&alerts::list(&self.context()).unwrap());
        [json::to_string(&settings), list, json::to_string(&tokens), json::to_string(&records), alerts]
    }

    /// What must hold of everything that is stored.
    pub(super) fn check(&self) {
        let records = endpoints::all(self.db()).unwrap();
        assert!(records.len() <= MAX_ENDPOINTS);
        for record in &records {
            let options = &record.endpoint.options;
            self.deployment.endpoint_urls.check(&options.url).unwrap();
            assert!(!options.url.to_ascii_lowercase().starts_with(&format!("{OWN_ORIGIN}/")));
            assert_eq!(record.disabled.is_some(), !options.enabled);
            let secrets = &record.endpoint.secrets;
            assert!((1..=MAX_SECRETS).contains(&secrets.len()));
            assert!(secrets.is_sorted_by(|newer, older| newer.version > older.version));
            assert!(record.endpoint.headers.len() <= MAX_HEADERS);
            let view = json::to_string(&record.view(self.now, None));
            assert!(!view.contains(SEALED) || record.description.contains(SEALED), "{view}");
        }
        self.check_audit();
        let secrets = json::to_string(&secrets::list(&self.context()).unwrap());
        assert!(!secrets.contains("\"sealed\""), "{secrets}");
        let memory = &mut Directory::open(&self.db).unwrap();
        memory.set_alarm(&self.db, self.now, 1).unwrap();
        let alarm = memory.take_effects().alarm;
        let is_unconfirmed = settings::has_unconfirmed(self.db()).unwrap();
        assert!(alarm.is_some() || !is_unconfirmed, "settings that no shard has confirmed are sent again");
    }

    /// The trail is read from page to page: every record once, the latest first.
    fn check_audit(&self) {
        let all = self.db().first("SELECT COUNT(*) FROM audit", &[], Row::int).unwrap().unwrap();
        let (mut cursor, mut count) = (None, 0);
        loop {
            let page = audit::page(self.db(), cursor.as_deref(), 3).ok().unwrap();
            let page: Json = serde_json::from_str(&json::to_string(&page)).unwrap();
            count += page["records"].as_array().unwrap().len() as i64;
            match page["cursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => break,
            }
        }
        assert_eq!(count, all);
    }
}
