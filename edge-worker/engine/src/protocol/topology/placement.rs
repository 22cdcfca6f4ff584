//! Where the objects of a deployment lie, as far as it was configured. It is fixed with the number of shards.

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::storage::database::Database;
use crate::storage::meta;
use crate::variables::{JURISDICTION, JURISDICTIONS, LOCATION_HINT, LOCATION_HINTS};

/// The names in `meta`. A deployment without one has no row.
const NAMES: [&str; 2] = ["jurisdiction", "location_hint"];

/// What was configured, each as its place in the list of values, from 1: so it is sent and stored. 0 is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Placement {
    jurisdiction: u8,
    location_hint: u8,
}

impl Placement {
    /// Reads the values of both variables; an empty text is none.
    ///
    /// # Errors
    /// The variable whose value the platform does not know, with the values that it does.
    pub fn parse(
        jurisdiction: &str,
        location_hint: &str,
    ) -> Result<Self, (&'static str, &'static [&'static str])> {
        Ok(Self {
            jurisdiction: code(&JURISDICTIONS, jurisdiction).ok_or((JURISDICTION, &JURISDICTIONS[..]))?,
            location_hint: code(&LOCATION_HINTS, location_hint)
                .ok_or((LOCATION_HINT, &LOCATION_HINTS[..]))?,
        })
    }

    /// Returns the jurisdiction that all objects are restricted to.
    pub fn jurisdiction(self) -> Option<&'static str> {
        name(&JURISDICTIONS, self.jurisdiction)
    }

    /// Returns near where new objects are to be created.
    pub fn location_hint(self) -> Option<&'static str> {
        name(&LOCATION_HINTS, self.location_hint)
    }

    /// Reads what was recorded.
    pub(crate) fn load(db: &dyn Database) -> Result<Self> {
        let read =
            |name| Ok::<_, crate::Error>(meta::get(db, name)?.and_then(|code| u8::try_from(code).ok()));
        let [jurisdiction, location_hint] = NAMES;
        Ok(Self {
            jurisdiction: read(jurisdiction)?.unwrap_or(0),
            location_hint: read(location_hint)?.unwrap_or(0),
        })
    }

    /// Records it, where anything was configured.
    pub(crate) fn record(self, db: &dyn Database) -> Result<()> {
        for (name, code) in NAMES.into_iter().zip([self.jurisdiction, self.location_hint]) {
            if code > 0 {
                meta::set(db, name, code.into())?;
            }
        }
        Ok(())
    }

    /// Says what differs from what was recorded.
    pub(crate) fn mismatch(self, recorded: Self) -> Option<String> {
        let differing = |variable, own: Option<_>, recorded: Option<_>| {
            let (own, recorded) = (own.unwrap_or("not set"), recorded.unwrap_or("none"));
            (own != recorded)
                .then(|| format!("{variable} is {own}, but this deployment was made with {recorded}"))
        };
        if self.jurisdiction != recorded.jurisdiction {
            return differing(JURISDICTION, self.jurisdiction(), recorded.jurisdiction());
        }
        if self.location_hint != recorded.location_hint {
            return differing(LOCATION_HINT, self.location_hint(), recorded.location_hint());
        }
        None
    }
}

fn code(values: &[&str], value: &str) -> Option<u8> {
    if value.is_empty() {
        return Some(0);
    }
    let place = values.iter().position(|known| *known == value)?;
    u8::try_from(place + 1).ok()
}

fn name(values: &'static [&'static str], code: u8) -> Option<&'static str> {
    values.get(usize::from(code).checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_the_platform_are_taken_and_others_name_their_variable() {
        for jurisdiction in JURISDICTIONS {
            for hint in LOCATION_HINTS {
                let placement = Placement::parse(jurisdiction, hint).ok();
                let read = placement.map(|placement| (placement.jurisdiction(), placement.location_hint()));
                assert_eq!(read, Some((Some(jurisdiction), Some(hint))));
            }
        }
        assert_eq!(Placement::parse("", ""), Ok(Placement::default()));
        for (jurisdiction, hint, variable) in [
            ("EU", "", JURISDICTION),
            ("weur", "", JURISDICTION),
            ("", "eu", LOCATION_HINT),
            ("eu", " weur", LOCATION_HINT),
        ] {
            let refused = Placement::parse(jurisdiction, hint).err().map(|(variable, _)| variable);
            assert_eq!(refused, Some(variable), "{jurisdiction} {hint}");
        }
    }

    #[test]
    fn what_differs_is_named() {
        let placement = |jurisdiction, hint| Placement::parse(jurisdiction, hint).unwrap_or_default();
        for (own, recorded, says) in [
            (placement("eu", "weur"), placement("eu", "weur"), None),
            (
                placement("eu", ""),
                placement("", ""),
                Some("JURISDICTION is eu, but this deployment was made with none"),
            ),
            (
                placement("", ""),
                placement("us", ""),
                Some("JURISDICTION is not set, but this deployment was made with us"),
            ),
            (
                placement("eu", ""),
                placement("us", "afr"),
                Some("JURISDICTION is eu, but this deployment was made with us"),
            ),
            (
                placement("", "oc"),
                placement("", "me"),
                Some("LOCATION_HINT is oc, but this deployment was made with me"),
            ),
        ] {
            assert_eq!(own.mismatch(recorded).as_deref(), says);
        }
    }
}
