//! Faults that tests cause on purpose, by the feature `faults`. The release has functions in their place that do nothing.

#[cfg(not(feature = "faults"))]
mod off;
#[cfg(feature = "faults")]
mod on;

#[cfg(not(feature = "faults"))]
pub(crate) use self::off::*;
#[cfg(feature = "faults")]
pub(crate) use self::on::*;
