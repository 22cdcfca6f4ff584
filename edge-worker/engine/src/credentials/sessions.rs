//! Sessions: a cookie that says when it ends and who has opened it, signed under the master key and the admin token
//! together, so that it is void as soon as either changes. Nothing is stored; a session that a token has opened is worth
//! what that token is worth at the moment.

use hmac::{Hmac, Mac};
use sha2::Sha256;
use vtryon_webhooks::Millis;

use crate::keys::{MasterKey, derive, hmac_sha256};

/// How long a session lasts, in seconds: 12 hours.
const LENGTH: i64 = 43_200;

/// How long its end and its opener are together, in characters. Nothing longer is hashed.
const MAX_CLAIM: usize = 64;

/// What stands for the admin token.
const ROOT: &str = "root";

/// What the key of the sessions is derived by.
const LABEL: &str = "vtryon-webhooks session 1";

/// The cookie's name. Browsers take `__Host-` from this host alone, never from one beside or below it
/// (RFC 6265bis, 4.1.3.2).
const NAME: &str = "__Host-vtryon_session";

/// Ends the browser's session. The cookie goes; one that was copied stays good until it ends or the
/// token changes, since nothing is stored.
pub const CLEARED: &str = "__Host-vtryon_session=; Path=/; HttpOnly; Secure; SameSite=Strict; Max-Age=0";

/// The sessions under one admin token.
pub struct Sessions(Hmac<Sha256>);

/// A session that is good.
#[derive(Debug, PartialEq, Eq)]
pub struct Session {
    pub end: Millis,
    /// The id of the token that has opened it; `None` for the admin token.
    pub token_id: Option<String>,
}

impl Sessions {
    pub fn new(master: &MasterKey, token: &[u8]) -> Self {
        Self(hmac_sha256(&derive(&master.derive(LABEL), token)))
    }

    /// Opens a session for the admin token, or for a token by its id: the value of a `set-cookie` header.
    pub fn open(&self, token_id: Option<&str>, now: Millis) -> String {
        let claim = format!("{}.{}", seconds(now) + LENGTH, token_id.unwrap_or(ROOT));
        let mac = hex::encode(self.mac(&claim).finalize().into_bytes());
        format!("{NAME}={claim}.{mac}; Path=/; HttpOnly; Secure; SameSite=Strict; Max-Age={LENGTH}")
    }

    /// Checks a cookie's value `<end in seconds since 1970>.<opener>.<HMAC-SHA256 of what stands before>`, in constant
    /// time; a void one is none.
    pub fn check(&self, value: &str, now: Millis) -> Option<Session> {
        let (claim, mac) = value.rsplit_once('.')?;
        let mut bytes = [0; 32];
        hex::decode_to_slice(mac, &mut bytes).ok()?;
        if claim.len() > MAX_CLAIM {
            return None;
        }
        self.mac(claim).verify_slice(&bytes).ok()?;
        // What we have signed is what we have written.
        let (end, opener) = claim.split_once('.')?;
        let left = end.parse::<i64>().ok()?.saturating_sub(seconds(now));
        // A second more: the clock that opened it may have been ahead by a part of one.
        let is_good = (1..=LENGTH + 1).contains(&left);
        let token_id = (opener != ROOT).then(|| opener.to_owned());
        is_good.then(|| Session { end: Millis((seconds(now) + left) * 1000), token_id })
    }

    fn mac(&self, claim: &str) -> Hmac<Sha256> {
        self.0.clone().chain_update(claim)
    }
}

/// Finds the session in a `cookie` header (RFC 6265, 5.4). A browser sends one; of several none counts.
pub fn find(cookies: &str) -> Option<&str> {
    let mut values = cookies
        .split(';')
        .filter_map(|pair| pair.trim_ascii().split_once('='))
        .filter_map(|(name, value)| (name == NAME).then_some(value));
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

const fn seconds(now: Millis) -> i64 {
    now.0.div_euclid(1000)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "that is how a test fails")]

    use super::*;

    fn sessions(master: &str, token: &str) -> Sessions {
        Sessions::new(&MasterKey::parse(&master.repeat(32)).unwrap(), token.as_bytes())
    }

    /// What browsers hold is read by the next version too, so it is pinned.
    #[test]
    fn a_session_is_pinned() {
        for (token_id, claim, mac) in [
            (None, "44200.root", "7f4f1131d6a356a8bd5e1bca11b17da92109c3886e068c950d5867c2513740ce"),
            (
                Some("tok_0a"),
                "44200.tok_0a",
                "8effbf27f03108eb4143ca0e982db13b793b8a874cc26e50b1f4de7e6899196c",
            ),
        ] {
            let cookie = sessions("0f", "token").open(token_id, Millis(1_000_999));
            let attributes = "Path=/; HttpOnly; Secure; SameSite=Strict; Max-Age=43200";
            assert_eq!(cookie, format!("__Host-vtryon_session={claim}.{mac}; {attributes}"));
        }
    }

    #[test]
    fn a_session_lasts_12_hours_from_when_it_was_opened() {
        let opened = sessions("0f", "token");
        let cookie = opened.open(Some("tok_0a"), Millis(1_000_000));
        let value = find(cookie.split(';').next().unwrap()).unwrap();
        // milliseconds since 1970, whether it is good then
        let times = [
            (998_999, false),
            (999_000, true),
            (1_000_000, true),
            (44_199_999, true),
            (44_200_000, false),
            (i64::MIN, false),
            (i64::MAX, false),
        ];
        for (now, good) in times {
            let session = opened.check(value, Millis(now));
            let expected = Session { end: Millis(44_200_000), token_id: Some("tok_0a".to_owned()) };
            assert_eq!(session, good.then_some(expected), "at {now}");
        }
        for other in [sessions("0e", "token"), sessions("0f", "token2"), sessions("0f", "")] {
            assert!(other.check(value, Millis(1_000_000)).is_none());
        }
        let of_root = value.replace("tok_0a", "root");
        assert!(opened.check(&of_root, Millis(1_000_000)).is_none(), "the opener is signed too");
    }

    #[test]
    fn one_session_is_found_among_other_cookies() {
        let cookies = [
            ("__Host-vtryon_session=1.a", Some("1.a")),
            ("a=b; __Host-vtryon_session=1.a; c=d", Some("1.a")),
            ("a=b;__Host-vtryon_session=1.a", Some("1.a")),
            ("__Host-vtryon_session=1.a=", Some("1.a=")),
            ("__Host-vtryon_session=", Some("")),
            ("__Host-vtryon_session", None),
            ("__host-vtryon_session=1.a", None),
            ("vtryon_session=1.a", None),
            ("x__Host-vtryon_session=1.a", None),
            ("__Host-vtryon_session=1.a; __Host-vtryon_session=2.b", None),
            ("", None),
        ];
        for (header, value) in cookies {
            assert_eq!(find(header), value, "{header}");
        }
    }
}
