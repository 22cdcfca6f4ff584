//! Who acts in the world, each as far as the gateway sees it: what they send and read, and what they lose.

pub mod attempts;
pub mod clients;
pub mod erasure;
pub mod import;
pub mod placement;
pub mod publisher;
pub mod readers;
pub mod search;
pub mod worker;
