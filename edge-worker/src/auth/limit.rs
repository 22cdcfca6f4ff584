//! How often a client may be wrong before it is answered 429. Counted in the memory of the isolate, so that no
//! guess costs a row: a client that reaches several isolates has as many counts.
//!
//! Only failures are counted and throttled. Credentials are compared before anybody looks here, so that a client
//! that shares an address with one that guesses is let in all the same.

use std::collections::VecDeque;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use vtryon_webhooks::Millis;
use worker::Request;

use crate::http::response::ApiError;

/// How many failures a client has, and within how many milliseconds from the first.
const FAILURES: u32 = 10;
const FAILURE_WINDOW_MS: i64 = 60_000;

/// How many clients are remembered at most. When there are more, those whose minute began first go.
const CLIENTS: usize = 1024;

/// Where a request comes from. Those that do not say share one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ClientAddress(Option<IpAddr>);

impl ClientAddress {
    /// Reads the address that Cloudflare has seen; it overwrites one that a sender claims.
    pub(super) fn of(request: &Request) -> Result<Self, ApiError> {
        Ok(Self::group(address(request)?))
    }

    fn group(address: Option<IpAddr>) -> Self {
        Self(address.map(|address| match address {
            IpAddr::V4(address) => address.into(),
            // A /64 is what one household or one server is given: all its addresses are one client's.
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        }))
    }
}

/// Reads the address that Cloudflare has seen.
pub(super) fn address(request: &Request) -> Result<Option<IpAddr>, ApiError> {
    Ok(parse_address(request.headers().get("cf-connecting-ip")?.as_deref()))
}

fn parse_address(text: Option<&str>) -> Option<IpAddr> {
    text.and_then(|text| text.parse::<IpAddr>().ok()).map(|address| address.to_canonical())
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(IpAddr::V4(address)) => write!(f, "{address}"),
            Some(IpAddr::V6(address)) => {
                let [a, b, c, d, ..] = address.segments();
                write!(f, "{a:x}:{b:x}:{c:x}:{d:x}::/64")
            }
            None => f.write_str("an unknown address"),
        }
    }
}

/// The failures of the last minute, by client, in the order of each client's first.
pub(super) struct Failures(VecDeque<Window>);

/// What is said to a client that has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ThrottleDecision {
    /// The first of its minute.
    First,
    /// One that is not the first, and within the limit.
    Further,
    /// One beyond the limit, and how many seconds are left of the minute, 1 to 60.
    Throttled(i64),
}

struct Window {
    client: ClientAddress,
    since: Millis,
    count: u32,
}

impl Window {
    /// Returns how many milliseconds are left of it; nothing once it is over, or if the clock went back.
    fn left(&self, now: Millis) -> Option<i64> {
        self.since.remaining(FAILURE_WINDOW_MS, now)
    }
}

impl Failures {
    pub(super) const fn new() -> Self {
        Self(VecDeque::new())
    }

    /// Counts a failure.
    pub(super) fn record(&mut self, client: ClientAddress, now: Millis) -> ThrottleDecision {
        self.0.retain(|window| window.left(now).is_some());
        if let Some(window) = self.0.iter_mut().find(|window| window.client == client) {
            if window.count >= FAILURES {
                return ThrottleDecision::Throttled(
                    (window.left(now).unwrap_or(FAILURE_WINDOW_MS) + 999) / 1000,
                );
            }
            window.count += 1;
            return ThrottleDecision::Further;
        }
        if self.0.len() >= CLIENTS {
            self.0.pop_front();
        }
        self.0.push_back(Window { client, since: now, count: 1 });
        ThrottleDecision::First
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: ClientAddress = ClientAddress(Some(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1))));
    const OTHER: ClientAddress = ClientAddress(None);

    #[test]
    fn beyond_ten_failures_the_rest_of_the_minute_is_throttled() {
        let mut failures = Failures::new();
        assert_eq!(failures.record(ONE, Millis(1_000)), ThrottleDecision::First);
        for nth in 1..10 {
            assert_eq!(failures.record(ONE, Millis(1_000 + nth)), ThrottleDecision::Further, "failure {nth}");
        }
        // milliseconds since 1970, the seconds to wait
        for (now, seconds) in [(1_010, 60), (1_999, 60), (2_000, 59), (60_999, 1)] {
            assert_eq!(failures.record(ONE, Millis(now)), ThrottleDecision::Throttled(seconds), "at {now}");
        }
        assert_eq!(failures.record(OTHER, Millis(60_999)), ThrottleDecision::First, "another client");
        assert_eq!(failures.record(ONE, Millis(61_000)), ThrottleDecision::First, "a new minute");
        assert_eq!(failures.record(ONE, Millis(60_999)), ThrottleDecision::First, "the clock went back");
    }

    #[test]
    fn failures_further_apart_than_a_minute_never_add_up() {
        let mut failures = Failures::new();
        for nth in 0..100 {
            let failure = failures.record(ONE, Millis(nth * 7_000));
            assert!(!matches!(failure, ThrottleDecision::Throttled(_)), "failure {nth}");
        }
    }

    #[test]
    fn the_oldest_clients_are_forgotten_first() {
        let mut failures = Failures::new();
        let client = |nth: u32| ClientAddress(Some(IpAddr::V4(nth.into())));
        let now = Millis(0);
        for _ in 0..FAILURES {
            failures.record(client(0), now);
            failures.record(client(1), now);
        }
        for nth in 2..=CLIENTS as u32 {
            failures.record(client(nth), now);
        }
        assert_eq!(failures.0.len(), CLIENTS);
        assert_eq!(failures.record(client(1), now), ThrottleDecision::Throttled(60));
        assert_eq!(failures.record(client(0), now), ThrottleDecision::First);
    }

    #[test]
    fn clients_are_told_apart_by_what_they_are_given() {
        let shown = [
            (Some("192.0.2.7"), "192.0.2.7"),
            (Some("::ffff:192.0.2.7"), "192.0.2.7"),
            (Some("2001:db8:1:2:ffff:4:5:6"), "2001:db8:1:2::/64"),
            (Some("2001:db8:1:2::"), "2001:db8:1:2::/64"),
            (Some("2001:db8:1:3::6"), "2001:db8:1:3::/64"),
            (Some("192.0.2.7, 192.0.2.8"), "an unknown address"),
            (Some(""), "an unknown address"),
            (None, "an unknown address"),
        ];
        for (address, name) in shown {
            let client = ClientAddress::group(parse_address(address));
            assert_eq!(client.to_string(), name, "{address:?}");
            for (other, other_name) in shown {
                assert_eq!(
                    client == ClientAddress::group(parse_address(other)),
                    name == other_name,
                    "{address:?} and {other:?}"
                );
            }
        }
    }
}
