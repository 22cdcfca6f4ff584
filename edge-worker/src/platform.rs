//! What the Cloudflare platform offers, with types: the clock, SQL, bodies, cryptography, URLs, timeouts.

pub(crate) mod body_writer;
pub(crate) mod clock;
pub(crate) mod crypto;
pub(crate) mod js;
pub(crate) mod js_url;
pub(crate) mod storage;
pub(crate) mod timeout;
