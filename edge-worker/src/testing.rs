//! What only the build for tests has, by the feature `faults`: faults on purpose, and metering. In the release it is empty.

pub(crate) mod faults;
pub(crate) mod metering;
