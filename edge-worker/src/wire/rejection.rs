//! What the directory is told of webhooks that were refused: how many, and the last one.

use vtryon_webhooks::Millis;

use crate::json::object;

/// Webhooks refused for one cause, as an isolate has counted them.
pub(crate) struct Rejection {
    pub(crate) code: String,
    pub(crate) count: i64,
    pub(crate) first_at: Millis,
    pub(crate) last_at: Millis,
    /// The last one.
    pub(crate) sample: Sample,
}

object!(Rejection { code, count, first_at, last_at, sample });

/// What is kept of a request that was refused; [`crate::rejections`] bounds it.
pub(crate) struct Sample {
    /// The value of the signature's header, or its beginning.
    pub(crate) header: String,
    /// How long all of it was, in bytes.
    pub(crate) header_bytes: usize,
    pub(crate) content_type: Option<String>,
    /// The body or its beginning, in hex.
    pub(crate) body: String,
    /// How long all of it was; none where that was neither declared nor seen.
    pub(crate) body_bytes: Option<usize>,
}

object!(Sample { header, header_bytes, content_type, body, body_bytes });
