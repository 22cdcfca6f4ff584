//! What an isolate remembers of tokens that it has looked up in the directory: each answer for 30 seconds, that there is
//! no such token as well. So a token that was revoked is refused everywhere within 30 seconds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use vtryon_webhooks::{Digest, Millis};

use super::token::PresentedToken;
use crate::access::scope::Scope;

/// How long an answer of the directory is used, in milliseconds from when it was asked for.
const FRESH_FOR: i64 = 30_000;

/// How many answers are remembered at most; then the oldest is forgotten. There are never more than 100 tokens, and
/// nobody can make up ids: the others are of tokens that were revoked.
const MAX_KNOWN: usize = 256;

/// A token as the directory has it, as far as whoever presents it is judged by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredToken {
    pub id: String,
    pub name: String,
    pub scope: Scope,
    /// The SHA-256 of its text, in hex.
    pub digest: String,
    pub expires_at: Option<Millis>,
}

impl StoredToken {
    /// Returns whether a text with this digest is the token, in constant time.
    pub fn matches(&self, digest: &Digest) -> bool {
        self.digest.as_bytes().ct_eq(digest.to_hex().as_bytes()).into()
    }

    pub fn is_expired(&self, now: Millis) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}

/// An answer of the directory, and until when it is used.
#[derive(Clone)]
pub struct TokenLookup {
    /// `None` where there is no such token.
    pub token: Option<StoredToken>,
    pub fresh_until: Millis,
}

impl TokenLookup {
    /// Returns the token, where a text that was presented is it, and it has not expired.
    pub fn admit(self, presented: &PresentedToken, now: Millis) -> Option<StoredToken> {
        self.token.filter(|token| token.matches(&presented.digest) && !token.is_expired(now))
    }
}

/// The answers that an isolate remembers, by the id of the token.
#[derive(Default)]
pub struct KnownTokens(BTreeMap<String, TokenLookup>);

impl KnownTokens {
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Returns an answer that may still be used; otherwise the directory has to be asked.
    pub fn get(&self, id: &str, now: Millis) -> Option<TokenLookup> {
        let is_fresh = |known: &&TokenLookup| {
            let left = known.fresh_until.0.saturating_sub(now.0);
            // More than that is left where the clock went back.
            (1..=FRESH_FOR).contains(&left)
        };
        self.0.get(id).filter(is_fresh).cloned()
    }

    /// Remembers what the directory has answered to a question of `asked_at`.
    pub fn remember(&mut self, id: &str, token: Option<StoredToken>, asked_at: Millis) -> TokenLookup {
        let known = TokenLookup { token, fresh_until: asked_at.plus_millis(FRESH_FOR) };
        if self.0.len() >= MAX_KNOWN && !self.0.contains_key(id) {
            let oldest = self.0.iter().min_by_key(|(_, known)| known.fresh_until).map(|(id, _)| id.clone());
            oldest.map(|id| self.0.remove(&id));
        }
        self.0.insert(id.to_owned(), known.clone());
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_000_000);

    fn token(id: &str) -> StoredToken {
        let digest = Digest::of(id.as_bytes()).to_hex();
        let (id, name) = (id.to_owned(), "ci".to_owned());
        StoredToken { id, name, scope: Scope::Read, digest, expires_at: Some(Millis(NOW.0 + 60_000)) }
    }

    #[test]
    fn an_answer_is_used_for_30_seconds_from_when_it_was_asked_for() {
        for stored in [Some(token("tok_1")), None] {
            let mut known = KnownTokens::new();
            known.remember("tok_1", stored.clone(), NOW);
            // milliseconds later, whether it is used
            for (later, is_used) in
                [(0, true), (29_999, true), (30_000, false), (-1, false), (i64::MAX, false)]
            {
                let found = known.get("tok_1", Millis(NOW.0.saturating_add(later)));
                assert_eq!(
                    found.map(|known| known.token),
                    is_used.then(|| stored.clone()),
                    "{later} ms later"
                );
            }
            assert!(known.get("tok_2", NOW).is_none());
        }
    }

    #[test]
    fn the_oldest_answer_is_forgotten_where_there_are_too_many() {
        let mut known = KnownTokens::new();
        for nth in 0..=MAX_KNOWN {
            known.remember(&format!("tok_{nth}"), None, Millis(NOW.0 + nth as i64));
        }
        assert_eq!(known.0.len(), MAX_KNOWN);
        let now = Millis(NOW.0 + MAX_KNOWN as i64);
        assert!(known.get("tok_0", now).is_none());
        assert!(known.get("tok_1", now).is_some());
        known.remember("tok_1", None, now);
        assert!(known.get("tok_2", now).is_some(), "an answer that is renewed takes no other's place");
    }

    #[test]
    fn a_token_is_its_text_until_it_expires() {
        let token = token("tok_1");
        assert!(token.matches(&Digest::of(b"tok_1")));
        assert!(!token.matches(&Digest::of(b"tok_2")));
        for (now, is_expired) in [(NOW.0 + 59_999, false), (NOW.0 + 60_000, true)] {
            assert_eq!(token.is_expired(Millis(now)), is_expired, "at {now}");
        }
        assert!(!StoredToken { expires_at: None, ..token }.is_expired(Millis(i64::MAX)));
    }
}
