//! Cloudflare Access: an assertion taken apart, and what it has to claim. Its signature is verified by the platform.

pub mod assertion;
pub mod claims;
