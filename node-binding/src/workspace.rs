//! The memory that JavaScript and the core share. JavaScript writes a payload, its signature and what it has hashed
//! straight into it and reads the report from it; in between a call into the core judges.

use std::cell::RefCell;

use vtryon_webhooks::{Code, Error, Signature, Verified, Verifier};
use zeroize::Zeroizing;

use crate::report::Report;

/// The length of the key block that lies before the payload (RFC 2104, for SHA-256).
const PAD: usize = 64;

/// How many digits a signature has.
const DIGITS: usize = 64;

pub(crate) struct Workspace {
    /// The digits of the signature, and a digest behind them, written by JavaScript.
    desk: [u8; DIGITS + 32],
    /// A key block, and the payload, which JavaScript writes.
    frame: Vec<u8>,
    /// What the digits say.
    claimed: Option<Signature>,
    /// What the host has hashed, for each secret.
    hashed: Vec<[u8; 32]>,
    pub(crate) report: Report,
    refusal: Option<Error>,
}

thread_local! {
    /// One for all receivers: they are asked one after the other, and where JavaScript has no finalizers a
    /// receiver that was made for a single request stays for ever.
    static WORKSPACE: RefCell<Workspace> = const { RefCell::new(Workspace::EMPTY) };
}

/// Works on the one workspace; an error is kept for [`Workspace::refusal`].
pub(crate) fn with<T>(work: impl FnOnce(&mut Workspace) -> Result<T, Error>) -> Option<T> {
    WORKSPACE
        .with_borrow_mut(|workspace| work(workspace).map_err(|error| workspace.refusal = Some(error)).ok())
}

impl Workspace {
    const EMPTY: Self = Self {
        desk: [0; DIGITS + 32],
        frame: Vec::new(),
        claimed: None,
        hashed: Vec::new(),
        report: Report::EMPTY,
        refusal: None,
    };

    /// Returns the address of what JavaScript writes beside payloads, which stays where it is.
    pub(crate) fn desk(&mut self) -> u32 {
        address(&mut self.desk)
    }

    /// Makes room for a payload of `length` bytes; returns its address, until room is made for a longer one.
    pub(crate) fn room(&mut self, length: usize) -> u32 {
        if self.frame.len() < PAD + length {
            self.frame.resize(PAD + length, 0);
        }
        address(self.frame.as_mut_slice()) + PAD as u32
    }

    /// Reads the digits.
    pub(crate) fn claim(&mut self) -> Result<(), Error> {
        self.hashed.clear();
        let (digits, _) = self.desk.split_at(DIGITS);
        self.claimed = Some(Signature::parse(digits)?);
        Ok(())
    }

    /// Puts a key block before the payload.
    pub(crate) fn pad(&mut self, pad: Option<&Zeroizing<[u8; PAD]>>) {
        if let (Some(place), Some(pad)) = (self.frame.first_chunk_mut(), pad) {
            *place = **pad;
        }
    }

    /// Takes the digest of what [`Workspace::pad`] has put before the payload, and the payload.
    pub(crate) fn take_digest(&mut self) {
        self.hashed.extend(self.desk.last_chunk());
    }

    /// Verifies the payload of `length` bytes against the signature claimed, by what the host has hashed where it has.
    pub(crate) fn verified(
        &mut self,
        verifier: &Verifier,
        length: usize,
        hashed: bool,
    ) -> Result<(Verified<'_>, &mut Report), Error> {
        let payload = self.frame.get(PAD..PAD + length).unwrap_or_default();
        let signature =
            self.claimed.take().ok_or(Error::because(Code::Unavailable, "nothing was claimed"))?;
        let verified = if hashed {
            verifier.verify_hashed(payload, &self.hashed, &signature)?
        } else {
            verifier.verify(payload, &signature)?
        };
        Ok((verified, &mut self.report))
    }

    /// Returns the payload of `length` bytes, and where to report on it.
    pub(crate) fn payload(&mut self, length: usize) -> (&[u8], &mut Report) {
        (self.frame.get(PAD..PAD + length).unwrap_or_default(), &mut self.report)
    }

    /// Takes the error of the last call that has failed.
    pub(crate) fn refusal(&mut self) -> Option<Error> {
        self.refusal.take()
    }
}

/// Returns an address through which JavaScript may read and write. Memory of wasm32 has none that does not fit.
fn address(memory: &mut [u8]) -> u32 {
    memory.as_mut_ptr().expose_provenance() as u32
}
