//! Who may do what: scopes, who has which one, and what an assertion of Cloudflare Access has to claim. The
//! signature of an assertion is verified by the platform.

pub mod actor;
pub mod assertion;
pub mod claims;
pub mod scope;
pub mod scope_rules;
