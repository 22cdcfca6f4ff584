//! Sessions: a cookie that says when it ends, signed under the master key and the admin token together,
//! so that it is void as soon as either changes. Nothing is stored.

use hmac::{Hmac, Mac};
use sha2::Sha256;
use vtryon_webhooks::Millis;

use crate::keys::{MasterKey, derive, hmac_sha256};

/// How long a session lasts, in seconds: 12 hours.
const LENGTH: i64 = 43_200;

/// How many digits its end has at most. Nothing longer is hashed.
const END_DIGITS: usize = 20;

/// What the key of the sessions is derived by.
const LABEL: &str = "vtryon-webhooks session 1";

/// The cookie's name. Browsers take `__Host-` from this host alone, never from one beside or below it
/// (RFC 6265bis, 4.1.3.2).
const NAME: &str = "__Host-vtryon_session";

/// Ends the browser's session. The cookie goes; one that was copied stays good until it ends or the
/// token changes, since nothing is stored.
pub const CLEARED: &str = "__Host-vtryon_session=; Path=/; HttpOnly; Secure; SameSite=Strict; Max-Age=0";

/// The sessions of one admin token.
pub struct Sessions(Hmac<Sha256>);

impl Sessions {
    pub fn new(master: &MasterKey, token: &[u8]) -> Self {
        Self(hmac_sha256(&derive(&master.derive(LABEL), token)))
    }

    /// Opens a session: the value of a `set-cookie` header.
    pub fn open(&self, now: Millis) -> String {
        let end = seconds(now) + LENGTH;
        let mac = hex::encode(self.mac(&end.to_string()).finalize().into_bytes());
        format!("{NAME}={end}.{mac}; Path=/; HttpOnly; Secure; SameSite=Strict; Max-Age={LENGTH}")
    }

    /// Checks a cookie's value `<end in seconds since 1970>.<HMAC-SHA256 of these digits>`, in constant
    /// time, and returns its end; a void one has none.
    pub fn check(&self, value: &str, now: Millis) -> Option<Millis> {
        let (end, claim) = value.split_once('.')?;
        let mut mac = [0; 32];
        hex::decode_to_slice(claim, &mut mac).ok()?;
        if end.len() > END_DIGITS {
            return None;
        }
        self.mac(end).verify_slice(&mac).ok()?;
        // What we have signed is a number that we have written.
        let left = end.parse::<i64>().ok()?.saturating_sub(seconds(now));
        // A second more: the clock that opened it may have been ahead by a part of one.
        (1..=LENGTH + 1).contains(&left).then(|| Millis((seconds(now) + left) * 1000))
    }

    fn mac(&self, end: &str) -> Hmac<Sha256> {
        self.0.clone().chain_update(end)
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
        let cookie = sessions("0f", "token").open(Millis(1_000_999));
        assert_eq!(
            cookie,
            "__Host-vtryon_session=44200.34b3e66a86e858cc36cc5d707b062c3ca057852efc67ca9902f6499ec5e658d1; \
             Path=/; HttpOnly; Secure; SameSite=Strict; Max-Age=43200"
        );
    }

    #[test]
    fn a_session_lasts_12_hours_from_when_it_was_opened() {
        let opened = sessions("0f", "token");
        let cookie = opened.open(Millis(1_000_000));
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
            assert_eq!(opened.check(value, Millis(now)).is_some(), good, "at {now}");
        }
        for other in [sessions("0e", "token"), sessions("0f", "token2"), sessions("0f", "")] {
            assert!(other.check(value, Millis(1_000_000)).is_none());
        }
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
