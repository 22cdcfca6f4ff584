//! Deliveries: when an attempt may be made, in which order, and what becomes of a delivery and its endpoint.

mod health;
mod leases;
mod limits;
mod order;
mod paused;
mod replays;
mod schedule;
