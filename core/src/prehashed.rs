//! HMAC-SHA256 (RFC 2104) of a message whose inner hash the host has computed, for
//! [`Verifier::verify_hashed`](crate::Verifier::verify_hashed).
//!
//! HMAC is `SHA-256(outer pad ‖ SHA-256(inner pad ‖ message))`. The host hashes the inner pad and the message, which is
//! all the work for a long message. The crate `hmac` has no function that takes the inner hash, so this module makes
//! the pads and the outer hash with `sha2`. Every other MAC of this crate comes from `hmac`.

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// The block length of SHA-256 in bytes (FIPS 180-4).
pub(crate) const BLOCK: usize = 64;

/// Returns the block that is hashed before the message.
pub(crate) fn inner_pad(key_block: &[u8; BLOCK]) -> Zeroizing<[u8; BLOCK]> {
    Zeroizing::new(key_block.map(|byte| byte ^ 0x36))
}

/// SHA-256 after the outer pad. `sha2` overwrites the state when it is dropped.
pub(crate) struct OuterHash(Sha256);

impl OuterHash {
    /// Hashes the outer pad of a key.
    pub(crate) fn new(key_block: &[u8; BLOCK]) -> Self {
        let outer_pad = Zeroizing::new(key_block.map(|byte| byte ^ 0x5c));
        Self(Sha256::new().chain_update(&outer_pad))
    }

    /// Completes the MAC from the SHA-256 of the inner pad and the message.
    pub(crate) fn finish(&self, inner_hash: &[u8; 32]) -> [u8; 32] {
        self.0.clone().chain_update(inner_hash).finalize().into()
    }
}
