//! Refused webhooks: reported by isolates, and shown with the mistake that the secrets in clear reveal.

use vtryon_gateway_engine::directory::keyring::Keyring;
use vtryon_gateway_engine::directory::rejections;
use vtryon_gateway_engine::protocol::rejection::Rejection;
use worker::Response;

use super::Directory;
use crate::config::Config;
use crate::http::response::{self, ApiError};
use crate::platform::clock;

impl Directory {
    /// Adds what an isolate has counted.
    pub(super) async fn report_rejections(
        &self,
        config: &Config,
        reported: &[Rejection],
    ) -> Result<Response, ApiError> {
        let now = clock::now();
        let keyring = match self.with_memory(|memory| memory.begin_diagnosis(reported, now)) {
            Some(true) => Some(self.keyring(config, now).await?),
            Some(false) | None => None,
        };
        let candidates = keyring.as_ref().map(Keyring::candidates);
        self.with_context(config, now, |context| rejections::add(context, reported, candidates.as_deref()))?;
        self.schedule_alarm()?;
        response::json(200, &())
    }

    pub(super) async fn rejections(&self, config: &Config) -> Result<Response, ApiError> {
        let now = clock::now();
        let causes = self.with_context(config, now, |context| {
            rejections::expire(context.db, now)?;
            rejections::all(context.db)
        })?;
        let keyring = if rejections::are_diagnosable(&causes) {
            self.keyring(config, now).await?
        } else {
            Keyring::default()
        };
        response::json(200, &rejections::list(&causes, &keyring))
    }

    pub(super) fn rejection_totals(&self, config: &Config) -> Result<Response, ApiError> {
        let totals = self.with_context(config, clock::now(), |context| rejections::totals(context.db))?;
        response::json(200, &totals)
    }
}
