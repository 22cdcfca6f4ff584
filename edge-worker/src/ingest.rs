//! `POST /webhooks/vtryon`, and the requests that it rejects.

pub(crate) mod receive;
pub(crate) mod rejections;
