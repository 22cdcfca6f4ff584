//! `POST /webhooks/vtryon`: verify, parse, decide, commit, 200 — in this order, and nothing after it.

use vtryon_webhooks::{Code, Error, SIGNATURE_HEADER, Signature};
use worker::{Env, Request, Response, console_warn};

use crate::clock::Millis;
use crate::config::Config;
use crate::reply::{self, Refusal};
use crate::wire::{Arrival, Ask};
use crate::{body, stub};

/// Receives an event. Its 200 means that a shard has stored it, or has had it before.
pub(crate) async fn receive(mut request: Request, env: &Env, config: &Config) -> Result<Response, Refusal> {
    let header = request.headers().get(SIGNATURE_HEADER)?.unwrap_or_default();
    let signature = Signature::parse(header.as_bytes()).map_err(rejected)?;
    let body = body::read(&mut request, config.verifier.limit()).await?;
    let verified = config.verifier.verify(&body, &signature).map_err(rejected)?;
    let (digest, arrival) = Arrival::read(&verified, Millis::now());
    let shard = config.shards.of(&digest);
    let kept = stub::ask(env, config.shards, shard, Ask::Keep(arrival), verified.payload()).await?;
    kept.ok_or(Refusal::new(Code::Unavailable))?;
    reply::json_text(200, r#"{"received":true}"#.to_owned())
}

/// Tells the log why, and the sender only that.
fn rejected(error: Error) -> Refusal {
    console_warn!("rejected: {} ({error})", error.code());
    error.into()
}
