//! Who may do what: scopes, the tokens that have one, and what an assertion of Cloudflare Access has to claim. The
//! signature of an assertion is verified by the platform.

pub mod actor;
pub mod assertion;
pub mod claims;
pub mod known_tokens;
pub mod scope;
pub mod scope_rules;
pub mod token;
