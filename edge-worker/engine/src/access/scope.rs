//! Scopes: what a credential lets its holder do. The routes of the Worker say which scope each operation needs.

use serde::{Deserialize, Serialize};
use vtryon_webhooks::Code;

use crate::Refusal;

/// What a credential lets its holder do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Read tasks, deliveries, endpoints and metrics.
    Read,
    /// Also watch live streams, and read the bodies of deliveries.
    Listen,
    /// Also replay deliveries.
    Replay,
    /// Issue tickets, and nothing else: for a shop's backend.
    Tickets,
    /// Everything.
    Admin,
}

impl Scope {
    pub const ALL: [Self; 5] = [Self::Read, Self::Listen, Self::Replay, Self::Tickets, Self::Admin];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Listen => "listen",
            Self::Replay => "replay",
            Self::Tickets => "tickets",
            Self::Admin => "admin",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == name)
    }

    /// Returns whether a credential of this scope suffices for an operation that needs `needed`.
    pub fn allows(self, needed: Self) -> bool {
        let allowed: &[Self] = match self {
            Self::Read => &[Self::Read],
            Self::Listen => &[Self::Read, Self::Listen],
            Self::Replay => &[Self::Read, Self::Listen, Self::Replay],
            Self::Tickets => &[Self::Tickets],
            Self::Admin => &Self::ALL,
        };
        allowed.contains(&needed)
    }

    /// Refuses an operation that needs `self` to a credential whose scope does not suffice. `held` is `None` where
    /// `ACCESS_SCOPES` gives its holder no scope.
    pub fn check(self, held: Option<Self>) -> Result<(), Refusal> {
        let needed = self.as_str();
        let message = match held {
            Some(held) if held.allows(self) => return Ok(()),
            Some(held) => {
                format!(
                    "this needs the scope `{needed}`; the credential that was sent has `{}`",
                    held.as_str()
                )
            }
            None => format!("this needs the scope `{needed}`; ACCESS_SCOPES gives you none"),
        };
        Err(Refusal::new(Code::Forbidden, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_allows_what_its_row_names() {
        // the scope of the credential, the scopes that it suffices for
        let rows = [
            ("read", "read"),
            ("listen", "read listen"),
            ("replay", "read listen replay"),
            ("tickets", "tickets"),
            ("admin", "read listen replay tickets admin"),
        ];
        for (name, allowed) in rows {
            let scope = Scope::from_name(name);
            let found =
                Scope::ALL.into_iter().filter(|needed| scope.is_some_and(|scope| scope.allows(*needed)));
            assert_eq!(found.map(Scope::as_str).collect::<Vec<_>>().join(" "), allowed, "{name}");
        }
        for name in ["", "Read", "root", "read "] {
            assert_eq!(Scope::from_name(name), None, "{name:?}");
        }
    }

    #[test]
    fn a_refusal_names_the_scope_that_is_needed_and_the_one_that_was_sent() {
        // the scope that is needed, the one that was sent, a part of the message; nothing where it suffices
        let rows = [
            (Scope::Read, Some(Scope::Replay), None),
            (
                Scope::Admin,
                Some(Scope::Read),
                Some("needs the scope `admin`; the credential that was sent has `read`"),
            ),
            (Scope::Listen, None, Some("needs the scope `listen`; ACCESS_SCOPES gives you none")),
        ];
        for (needed, held, words) in rows {
            let refusal = needed.check(held).err();
            let is_told = |words| refusal.as_ref().is_some_and(|refusal| refusal.message.contains(words));
            assert_eq!(refusal.is_some(), words.is_some(), "{needed:?} by {held:?}");
            assert!(words.is_none_or(is_told), "{refusal:?}");
        }
    }
}
