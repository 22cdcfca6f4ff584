//! Secrets in clear: Vtryon's are sealed to be remembered, and all are opened to look for a sender's mistake.

use std::error::Error;

use vtryon_gateway_engine::Context;
use vtryon_gateway_engine::directory::keyring::Keyring;
use vtryon_gateway_engine::directory::secrets;
use vtryon_gateway_engine::protocol::AuditedRequest;
use vtryon_webhooks::Millis;
use vtryon_webhooks::diagnosis::SecretKind;
use worker::{Response, console_error};
use zeroize::Zeroizing;

use super::Directory;
use crate::config::Config;
use crate::http::response::{self, ApiError};
use crate::platform::clock;
use crate::sealing::Sealer;

impl Directory {
    /// Remembers Vtryon's secrets that are configured. A fault is no reason to leave anything else undone.
    pub(super) async fn remember_secrets(&self, config: &Config, now: Millis) {
        if self.with_memory(|memory| memory.secrets_are_due(now)) != Some(true) {
            return;
        }
        match self.seal_secrets(config, now).await {
            Ok(()) => {
                self.with_memory(|memory| memory.note_secrets(now));
            }
            Err(error) => console_error!("directory: the webhook secrets are not remembered: {error}"),
        }
    }

    async fn seal_secrets(&self, config: &Config, now: Millis) -> Result<(), Box<dyn Error>> {
        let configured = self.with_context(config, now, secrets::to_seal)?;
        let sealer = Sealer::new(&config.master);
        for ((fingerprint, is_due), (_, secret)) in configured.iter().zip(Config::webhook_secrets(&self.env))
        {
            if *is_due {
                let sealed = sealer.seal_vtryon_secret(fingerprint, &secret).await?;
                self.with_context(config, now, |context| secrets::remember(context, fingerprint, &sealed))?;
            }
        }
        Ok(self.with_context(config, now, secrets::forget_old)?)
    }

    /// Gathers the likeliest secrets: Vtryon's, those that were Vtryon's, then the endpoints'.
    pub(super) async fn keyring(&self, config: &Config, now: Millis) -> Result<Keyring, ApiError> {
        let mut keyring = Keyring::new(Config::webhook_secrets(&self.env));
        let sealer = Sealer::new(&config.master);
        for known in self.with_context(config, now, secrets::retired)? {
            let secret = sealer.open_vtryon_secret(&known.fingerprint, &known.sealed).await?;
            keyring.add(SecretKind::Retired, secret);
        }
        for (endpoint, sealed) in
            self.with_context(config, now, |context| keyring.of_endpoints(context.db))?
        {
            let secret = sealer.open_endpoint_secret(endpoint, &sealed).await?;
            keyring
                .add(SecretKind::Endpoint, secret.map(|secret| Zeroizing::new(secret.as_bytes().to_vec())));
        }
        Ok(keyring)
    }

    pub(super) fn secrets(&self, config: &Config) -> Result<Response, ApiError> {
        response::json(200, &self.with_context(config, clock::now(), secrets::list)?)
    }

    pub(super) fn purge_secret(
        &self,
        config: &Config,
        fingerprint: &str,
        audited: Option<&AuditedRequest>,
    ) -> Result<Response, ApiError> {
        let purge = |context: &Context<'_>| secrets::purge(context, fingerprint, audited);
        response::json(200, &self.with_context(config, clock::now(), purge)?)
    }
}
