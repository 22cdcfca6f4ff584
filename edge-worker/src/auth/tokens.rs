//! Tokens that were created through the API: looked up in the directory, and remembered by this isolate for a while.

use std::cell::RefCell;

use vtryon_gateway_engine::credentials::known_tokens::{KnownTokens, TokenLookup};
use vtryon_gateway_engine::protocol::DirectoryRequest;
use vtryon_webhooks::Millis;

use crate::clients::DirectoryClient;
use crate::http::response::ApiError;

thread_local! {
    static KNOWN: RefCell<KnownTokens> = const { RefCell::new(KnownTokens::new()) };
}

/// Returns what is known of a token.
///
/// # Errors
/// `unavailable` where nothing is known that is recent enough, and the directory can't be asked.
pub(super) async fn find(
    directory: &DirectoryClient,
    id: &str,
    now: Millis,
) -> Result<TokenLookup, ApiError> {
    if let Some(known) = KNOWN.with_borrow(|tokens| tokens.get(id, now)) {
        return Ok(known);
    }
    let token = directory.read(DirectoryRequest::FindToken { id: id.to_owned() }).await?;
    Ok(KNOWN.with_borrow_mut(|tokens| tokens.remember(id, token, now)))
}
