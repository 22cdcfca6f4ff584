//! The memory that JavaScript and the core share. JavaScript writes the payload, its signature and its digests into
//! it, calls the core, and reads the report out of it.

use std::cell::RefCell;

use vtryon_webhooks::{Code, Error, Signature, Verified, Verifier};
use zeroize::Zeroizing;

use crate::report::Report;

/// The length of HMAC's inner key block, which precedes the payload (RFC 2104, for SHA-256).
const KEY_BLOCK: usize = 64;

/// The number of hex digits of a signature.
const SIGNATURE_DIGITS: usize = 64;

pub(crate) struct SharedMemory {
    /// The digits of the signature, then a digest; JavaScript writes both.
    scratch: [u8; SIGNATURE_DIGITS + 32],
    /// A key block, then the payload, which JavaScript writes.
    keyed_payload: Vec<u8>,
    /// The parsed signature.
    signature: Option<Signature>,
    /// The digests that the runtime computed, one per secret.
    digests: Vec<[u8; 32]>,
    pub(crate) report: Report,
    error: Option<Error>,
}

thread_local! {
    /// One instance for all verifiers: calls never overlap. Memory per verifier would leak where JavaScript has no
    /// finalizers, since some programs make a verifier for each request.
    static MEMORY: RefCell<SharedMemory> = const { RefCell::new(SharedMemory::EMPTY) };
}

/// Runs `work` on the shared memory. An error is stored for [`SharedMemory::take_error`].
pub(crate) fn with<T>(work: impl FnOnce(&mut SharedMemory) -> Result<T, Error>) -> Option<T> {
    MEMORY.with_borrow_mut(|memory| work(memory).map_err(|error| memory.error = Some(error)).ok())
}

impl SharedMemory {
    const EMPTY: Self = Self {
        scratch: [0; SIGNATURE_DIGITS + 32],
        keyed_payload: Vec::new(),
        signature: None,
        digests: Vec::new(),
        report: Report::EMPTY,
        error: None,
    };

    /// Returns the address of the scratch area, which never moves.
    pub(crate) fn scratch_ptr(&mut self) -> u32 {
        writable_ptr(&mut self.scratch)
    }

    /// Reserves memory for a payload of `length` bytes and returns its address. A length beyond the memory of wasm32
    /// stops the instance.
    pub(crate) fn reserve(&mut self, length: usize) -> u32 {
        let length = KEY_BLOCK.saturating_add(length);
        if self.keyed_payload.len() < length {
            self.keyed_payload.resize(length, 0);
        }
        writable_ptr(self.keyed_payload.as_mut_slice()) + KEY_BLOCK as u32
    }

    /// Parses the signature in the scratch area, and forgets the signature and the digests of the previous payload.
    pub(crate) fn parse_signature(&mut self) -> Result<(), Error> {
        self.digests.clear();
        self.signature = None;
        let (digits, _) = self.scratch.split_at(SIGNATURE_DIGITS);
        self.signature = Some(Signature::parse(digits)?);
        Ok(())
    }

    /// Writes a key block in front of the payload.
    pub(crate) fn set_key_block(&mut self, key_block: Option<&Zeroizing<[u8; KEY_BLOCK]>>) {
        if let (Some(target), Some(key_block)) = (self.keyed_payload.first_chunk_mut(), key_block) {
            *target = **key_block;
        }
    }

    /// Moves the digest out of the scratch area: SHA-256 of the current key block and the payload. It leaves zeros: if
    /// JavaScript writes no other digest, nothing is verified by the one of a previous payload.
    pub(crate) fn take_digest(&mut self) {
        self.digests.extend(self.scratch.last_chunk_mut::<32>().map(std::mem::take));
    }

    /// Verifies the payload of `length` bytes against the parsed signature; with `hashed`, by the runtime's digests.
    pub(crate) fn verify(
        &mut self,
        verifier: &Verifier,
        length: usize,
        hashed: bool,
    ) -> Result<(Verified<'_>, &mut Report), Error> {
        let signature =
            self.signature.take().ok_or(Error::because(Code::Unavailable, "no signature was parsed"))?;
        let payload = payload(&self.keyed_payload, length)?;
        let verified = if hashed {
            verifier.verify_hashed(payload, &self.digests, &signature)?
        } else {
            verifier.verify(payload, &signature)?
        };
        Ok((verified, &mut self.report))
    }

    /// Returns the payload of `length` bytes, and the report to fill in.
    pub(crate) fn payload(&mut self, length: usize) -> Result<(&[u8], &mut Report), Error> {
        Ok((payload(&self.keyed_payload, length)?, &mut self.report))
    }

    /// Removes and returns the error of the last call that failed.
    pub(crate) fn take_error(&mut self) -> Option<Error> {
        self.error.take()
    }
}

/// Returns the payload of `length` bytes that follows the key block.
fn payload(keyed_payload: &[u8], length: usize) -> Result<&[u8], Error> {
    let end = KEY_BLOCK.checked_add(length);
    let payload = end.and_then(|end| keyed_payload.get(KEY_BLOCK..end));
    payload.ok_or(Error::because(Code::Unavailable, "no memory is reserved for this payload"))
}

/// Returns the address of memory that JavaScript may read and write. An address of wasm32 always fits.
fn writable_ptr(memory: &mut [u8]) -> u32 {
    memory.as_mut_ptr().expose_provenance() as u32
}
