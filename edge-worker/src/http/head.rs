//! The head of a request: what is read of every one.

use worker::web_sys::Request;

/// The method, the URL and some headers. A header that is absent is an empty text here.
pub(crate) struct Head {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) signature: String,
    pub(crate) content_length: String,
    pub(crate) content_type: String,
}

impl Head {
    pub(crate) fn of(request: &Request) -> Self {
        let headers = request.headers();
        let header = |name| headers.get(name).ok().flatten().unwrap_or_default();
        Self {
            method: request.method(),
            url: request.url(),
            signature: header("x-vtryon-signature"),
            content_length: header("content-length"),
            content_type: header("content-type"),
        }
    }

    /// The declared length of the body.
    pub(crate) fn declared(&self) -> Option<&str> {
        Some(&*self.content_length).filter(|length| !length.is_empty())
    }
}
