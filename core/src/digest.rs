//! The digest of a task or a body.

use alloc::string::String;
use core::fmt;

use sha2::{Digest as _, Sha256};

/// The SHA-256 (FIPS 180-4) of a task's id or of a body. The gateway stores records under it and derives the shard from it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Computes the digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Computes the digest of a task's id.
    ///
    /// ```
    /// use vtryon_webhooks::Digest;
    /// assert_eq!(Digest::of_task("task_123"), Digest::of(b"task_123"));
    /// ```
    pub fn of_task(task_id: &str) -> Self {
        Self::of(task_id.as_bytes())
    }

    /// Parses the text that [`Digest::to_hex`] returns; returns `None` for any other text, upper-case digits included.
    ///
    /// ```
    /// use vtryon_webhooks::Digest;
    /// let digest = Digest::of(b"");
    /// assert_eq!(Digest::from_hex(&digest.to_hex()), Some(digest));
    /// assert_eq!(Digest::from_hex(&digest.to_hex().to_uppercase()), None);
    /// ```
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut digest = [0; 32];
        hex::decode_to_slice(text, &mut digest).ok()?;
        Some(Self(digest)).filter(|digest| digest.to_hex() == text)
    }

    /// Returns the 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the first 8 bytes as a number, big-endian.
    pub(crate) fn head(&self) -> u64 {
        self.0.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    /// Returns 64 lower-case hex digits.
    pub fn to_hex(&self) -> String {
        hex::encode(self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({})", self.to_hex())
    }
}
