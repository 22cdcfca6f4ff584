//! Receives Vtryon's webhooks with axum.
//!
//! ```sh
//! VTRYON_WEBHOOK_SECRET=whsec_example cargo run --package vtryon-webhooks --example axum
//!
//! body='{"event":"generation.status_changed","task_id":"task_123","status":"queued"}'
//! signature=$(printf %s "$body" | openssl dgst -sha256 -hmac whsec_example -r | cut -d ' ' -f 1)
//! curl -i http://127.0.0.1:3000/webhooks/vtryon --data "$body" --header "x-vtryon-signature: $signature"
//! ```

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::routing::post;
use vtryon_webhooks::{Error, Event, SIGNATURE_HEADER, Secret, Signature, Verifier};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let secret = std::env::var("VTRYON_WEBHOOK_SECRET")?;
    let verifier = Arc::new(Verifier::new([Secret::new(secret)?])?);
    let limit = DefaultBodyLimit::max(verifier.limit().bytes());
    let app = Router::new().route("/webhooks/vtryon", post(receive)).layer(limit).with_state(verifier);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("listening on http://{}/webhooks/vtryon", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}

/// Answers a request. `Bytes` is the raw body: an extractor such as `Json` would lose the bytes that were signed.
async fn receive(State(verifier): State<Arc<Verifier>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    match process(&verifier, &headers, &body) {
        Ok(()) => StatusCode::OK,
        Err(error) => {
            // The log gets the exact code; the sender only learns what `public` leaves of it.
            eprintln!("refused: {}: {error}; {}", error.code(), error.hint());
            StatusCode::from_u16(error.code().public().http_status()).unwrap_or(StatusCode::BAD_REQUEST)
        }
    }
}

/// Verifies the request and reads its event.
fn process(verifier: &Verifier, headers: &HeaderMap, body: &[u8]) -> Result<(), Error> {
    let values = headers.get_all(SIGNATURE_HEADER).iter().map(HeaderValue::as_bytes);
    let verified = verifier.verify(body, &Signature::from_values(values)?)?;
    let event = Event::parse(&verified)?;
    // Store the event under this key before you answer. Vtryon sends an event again if an answer is lost, so skip a
    // key that is stored already.
    println!("{}: {:?}, result {:?}", event.idempotency_key(), event.status(), event.result_url());
    Ok(())
}
