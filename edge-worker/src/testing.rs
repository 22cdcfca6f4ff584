//! What only the builds for tests have: faults on purpose, and metering. Without the feature `faults` all of it is empty.

pub(crate) mod faults;
pub(crate) mod metering;
