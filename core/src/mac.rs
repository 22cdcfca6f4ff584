//! HMAC-SHA256 (RFC 2104) from prepared states, over the block function of `sha2`.
//!
//! The crate `hmac` holds the same states, but can't be entered with a digest that the host has computed, and spends
//! as much on its buffer as the hash of half a block takes. A property test holds this to it.

use sha2::block_api::compress256;
use zeroize::Zeroizing;

/// The block length of SHA-256 in bytes (FIPS 180-4).
pub(crate) const BLOCK: usize = 64;

/// SHA-256 begins here (FIPS 180-4, 5.3.3).
const INITIAL: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// A key made ready: the states of SHA-256 after the inner and the outer key block.
pub(crate) struct Mac {
    inner: Zeroizing<[u32; 8]>,
    outer: Zeroizing<[u32; 8]>,
}

impl Mac {
    /// Takes a key as it was fitted to a block.
    pub(crate) fn new(block: &[u8; BLOCK]) -> Self {
        let after = |pad: &[u8; BLOCK]| {
            let mut state = Zeroizing::new(INITIAL);
            compress256(&mut state, core::slice::from_ref(pad));
            state
        };
        Self { inner: after(&inner_pad(block)), outer: after(&Zeroizing::new(block.map(|byte| byte ^ 0x5c))) }
    }

    /// Computes the MAC of a message.
    pub(crate) fn of(&self, message: &[u8]) -> [u8; 32] {
        let (blocks, rest) = message.as_chunks();
        let mut state = *self.inner;
        compress256(&mut state, blocks);
        self.of_digest(&finished(state, rest, BLOCK + message.len()))
    }

    /// Computes the MAC of a message from the digest of the inner pad and the message.
    pub(crate) fn of_digest(&self, inner: &[u8; 32]) -> [u8; 32] {
        finished(*self.outer, inner, BLOCK + inner.len())
    }
}

/// The key block that is hashed before the message.
pub(crate) fn inner_pad(block: &[u8; BLOCK]) -> Zeroizing<[u8; BLOCK]> {
    Zeroizing::new(block.map(|byte| byte ^ 0x36))
}

/// Hashes the rest of `length` bytes, less than a block, with the padding of FIPS 180-4, 5.1.1.
fn finished(mut state: [u32; 8], rest: &[u8], length: usize) -> [u8; 32] {
    let mut last = [0; BLOCK];
    if let Some((whole, after)) = last.split_at_mut_checked(rest.len()) {
        whole.copy_from_slice(rest);
        if let Some(mark) = after.first_mut() {
            *mark = 0x80;
        }
    }
    // The length takes eight bytes.
    if rest.len() + 9 > BLOCK {
        compress256(&mut state, &[last]);
        last = [0; BLOCK];
    }
    if let Some(end) = last.last_chunk_mut() {
        *end = (length as u64 * 8).to_be_bytes();
    }
    compress256(&mut state, &[last]);
    let mut digest = [0; 32];
    for (to, from) in digest.as_chunks_mut().0.iter_mut().zip(state) {
        *to = from.to_be_bytes();
    }
    digest
}
