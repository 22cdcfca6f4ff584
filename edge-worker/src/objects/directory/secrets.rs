//! Secrets in clear: made, sealed and opened for the engine, which knows them sealed.

use vtryon_gateway_engine::directory::secrets::StoredSecret;
use vtryon_gateway_engine::directory::{NewSecret, SealedSecret, Unreadable, VtryonSecrets};
use vtryon_gateway_engine::protocol::settings::{Endpoint, Sealed};
use vtryon_webhooks::delivery::EndpointSecret;
use worker::{Env, Result};

use crate::config::Config;
use crate::platform::crypto;
use crate::sealing::Sealer;

/// Makes a secret of an endpoint, as its version of that number.
pub(super) async fn make(sealer: &Sealer<'_>, endpoint: i64, version: i64) -> Result<NewSecret> {
    let secret = EndpointSecret::from_bytes(crypto::random_key()?);
    let sealed = sealer.seal_endpoint_secret(endpoint, version, &secret).await?;
    Ok(NewSecret { secret, sealed })
}

/// Seals the configured secrets that are due, each with its fingerprint.
pub(super) async fn seal_configured(
    sealer: &Sealer<'_>,
    env: &Env,
    configured: &[(String, bool)],
) -> Result<Vec<SealedSecret>> {
    let mut sealed = Vec::new();
    for ((fingerprint, is_due), (_, secret)) in configured.iter().zip(Config::webhook_secrets(env)) {
        if *is_due {
            let secret = sealer.seal_vtryon_secret(fingerprint, &secret).await?;
            sealed.push(SealedSecret { fingerprint: fingerprint.clone(), sealed: secret });
        }
    }
    Ok(sealed)
}

/// Opens former secrets of Vtryon's, beside the configured ones.
pub(super) async fn open_vtryon(
    sealer: &Sealer<'_>,
    env: &Env,
    former: &[StoredSecret],
) -> Result<VtryonSecrets> {
    let mut opened = Vec::with_capacity(former.len());
    for known in former {
        opened.push(sealer.open_vtryon_secret(&known.fingerprint, &known.sealed).await?);
    }
    Ok(VtryonSecrets { configured: Config::webhook_secrets(env).collect(), former: opened })
}

/// Opens secrets of endpoints.
pub(super) async fn open(
    sealer: &Sealer<'_>,
    secrets: &[(i64, Sealed)],
) -> Result<Vec<Option<EndpointSecret>>> {
    let mut opened = Vec::with_capacity(secrets.len());
    for (endpoint, secret) in secrets {
        opened.push(sealer.open_endpoint_secret(*endpoint, secret).await?);
    }
    Ok(opened)
}

/// Returns what the master key does not open of each endpoint, of what an attempt needs.
pub(super) async fn unreadable(
    sealer: &Sealer<'_>,
    endpoints: &[Endpoint],
) -> Result<Vec<Option<Unreadable>>> {
    let mut unreadable = Vec::with_capacity(endpoints.len());
    for endpoint in endpoints {
        unreadable.push(unreadable_of(sealer, endpoint).await?);
    }
    Ok(unreadable)
}

async fn unreadable_of(sealer: &Sealer<'_>, endpoint: &Endpoint) -> Result<Option<Unreadable>> {
    let secret = match endpoint.secrets.first() {
        Some(secret) => sealer.open_endpoint_secret(endpoint.no, secret).await?,
        None => None,
    };
    if secret.is_none() {
        return Ok(Some(Unreadable::Secret));
    }
    for header in &endpoint.headers {
        if sealer.open_header(endpoint.no, header).await?.is_none() {
            return Ok(Some(Unreadable::Headers));
        }
    }
    Ok(None)
}
