//! Retention: what is deleted, when, and what is left of it.

mod erasure;
mod imported_erasures;
mod pruning;
mod tombstones;
