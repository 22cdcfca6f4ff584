//! What holds for all schedules, endpoints, deliveries and refused requests.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, reason = "that is how a test fails")]

use std::net::IpAddr;

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use vtryon_webhooks::delivery::EndpointSecret;
use vtryon_webhooks::diagnosis::{Candidate, Mistake, Sample, SecretKind, diagnose};
use vtryon_webhooks::endpoint::{Filter, Order, UrlRules, host};
use vtryon_webhooks::health::{Health, SUCCESS_GRAIN};
use vtryon_webhooks::lifecycle::Outcome;
use vtryon_webhooks::retry::{self, MAX_RETRIES, Reply, WINDOW};
use vtryon_webhooks::{Digest, Millis, Secret, Signature};

const OUTCOMES: [Outcome; 7] = [
    Outcome::Applied,
    Outcome::Duplicate,
    Outcome::Late,
    Outcome::Conflict,
    Outcome::Unknown,
    Outcome::Capped,
    Outcome::Quarantined,
];

/// What looks like a URL, with everything in it that may be wrong.
fn url() -> impl Strategy<Value = String> {
    let scheme =
        prop_oneof![8 => Just("https://"), 2 => Just("http://"), 1 => Just("HTTPS://"), 1 => Just("//")];
    let user = prop_oneof![9 => Just(""), 1 => Just("me@"), 1 => Just("a.example:b@")];
    let label = prop_oneof![
        4 => "[a-zA-Z0-9-]{1,5}",
        1 => "0[xX][0-9a-f]{0,8}",
        1 => "[0-9]{1,10}",
        1 => Just("localhost".to_owned()),
        1 => "xn--(bcher-kva)?[a-z0-9-]{0,6}",
        1 => "[!-~]{0,3}",
        1 => "\\PC",
    ];
    let name = vec(label, 1..5).prop_map(|labels| labels.join("."));
    let name = prop_oneof![
        8 => name,
        1 => Just("127.0.0.1".to_owned()),
        1 => Just("[::1]".to_owned()),
        1 => "\\[[0-9a-f:.]{0,9}\\]",
    ];
    let port =
        prop_oneof![4 => Just(String::new()), 1 => Just(":8443".to_owned()), 1 => ":[0-9]{0,6}", 1 => ":.?"];
    let rest = prop_oneof![1 => Just(String::new()), 1 => "[/?#][!-~]{0,12}", 1 => "/[a-z.%2e/]{0,12}", 1 => "\\PC{0,3}"];
    (scheme, user, name, port, rest)
        .prop_map(|(scheme, user, name, port, rest)| [scheme, user, &name, &port, &rest].concat())
}

fn names() -> impl Strategy<Value = Vec<String>> {
    vec(prop_oneof![Just("queued".to_owned()), Just("generation.status_changed".to_owned()), "[a-c]"], 0..3)
}

fn reply() -> impl Strategy<Value = Option<Reply>> {
    of(prop_oneof![Just(200_u16), Just(410), Just(401), any::<u16>()].prop_map(Reply::from_status))
}

#[test]
fn a_span_is_left_until_it_is_over_or_the_clock_goes_back() {
    for (since, now, remaining) in [
        (5, 5, Some(1000)),
        (5, 1004, Some(1)),
        (5, 1005, None),
        (5, 4, None),
        (i64::MIN, i64::MAX, None),
        (i64::MAX, i64::MIN, None),
    ] {
        assert_eq!(Millis(since).remaining(1000, Millis(now)), remaining, "from {since}, at {now}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn times_stay_within_their_range(at: i64, span: i64) {
        let exact = i128::from(at) + i128::from(span);
        let later = i128::from(Millis(at).plus_millis(span).0);
        prop_assert_eq!(later, exact.clamp(i64::MIN.into(), i64::MAX.into()));
        prop_assert_eq!(Millis(at).plus_seconds(span / 1000), Millis(at).plus_millis(span / 1000 * 1000));
        prop_assert!(Millis(0).plus_seconds(span.saturating_mul(1000)).0.signum() == span.signum());
    }

    #[test]
    fn pauses_grow_and_stay_within_a_day(id in vec(any::<u8>(), 0..40)) {
        let subject = Digest::of(&id);
        let pauses: Vec<i64> = (1..=MAX_RETRIES).map(|retry| retry::delay(&subject, retry).unwrap()).collect();
        prop_assert!(pauses.iter().sum::<i64>() <= WINDOW, "{:?}", pauses);
        prop_assert!(pauses.is_sorted_by(|one, next| one < next), "{:?}", pauses);
        for (retry, pause) in (1..).zip(pauses) {
            let nominal = retry::nominal(retry).unwrap();
            prop_assert!(pause <= nominal && pause >= nominal - nominal / 10);
        }
    }

    #[test]
    fn no_retry_is_hastened_or_put_off_beyond_the_window(
        attempt in 0_u32..8, first_at in any::<i64>(), attempted_at in any::<i64>(), asked in of(any::<i64>())
    ) {
        let (subject, first_at, attempted_at) = (Digest::of(b"a"), Millis(first_at), Millis(attempted_at));
        let planned = retry::next(&subject, attempt, first_at, attempted_at, None);
        let next = retry::next(&subject, attempt, first_at, attempted_at, asked);
        prop_assert_eq!(next.is_some(), (1..=MAX_RETRIES).contains(&attempt));
        prop_assert!(next >= planned);
        prop_assert!(next <= planned.max(Some(first_at.plus_millis(WINDOW))));
    }

    #[test]
    fn any_header_asks_for_a_pause_within_the_window_or_none(text in "[0-9]{0,25}|\\PC{0,9}") {
        let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let pause = retry::retry_after(&text);
        prop_assert_eq!(pause.is_some(), is_digits);
        prop_assert!(pause.is_none_or(|pause| (0..=WINDOW).contains(&pause)));
    }

    #[test]
    fn a_healthy_endpoint_writes_once_an_hour(times in vec(0..SUCCESS_GRAIN, 1..20)) {
        let first = Health::default().after(Some(Reply::Delivered), Millis(0));
        for at in times {
            prop_assert_eq!(first.after(Some(Reply::Delivered), Millis(at)), first);
        }
    }

    #[test]
    fn health_tells_whether_the_last_attempt_failed(attempts in vec((reply(), any::<i64>()), 0..12)) {
        let mut health = Health::default();
        for (reply, at) in attempts {
            health = health.after(reply, Millis(at));
            prop_assert_eq!(health.failing_since.is_none(), reply == Some(Reply::Delivered));
            prop_assert!(health.consecutive_410 == 0 || reply == Some(Reply::Gone));
        }
    }

    #[test]
    fn what_passes_is_a_public_name_to_every_parser(text in url(), any in "\\PC{0,40}", allow_insecure: bool) {
        let rules = UrlRules { allow_insecure, hosts: Vec::new() };
        let _ = (rules.check(&any), host(&any));
        if rules.check(&text).is_ok() {
            let host = host(&text).unwrap();
            let read = match url::Url::parse(&text) {
                Ok(read) => read,
                // The one thing that is not judged: whether punycode names letters that a host may have.
                Err(error) => {
                    prop_assert!(error == url::ParseError::IdnaError && host.to_ascii_lowercase().contains("xn--"), "{}", error);
                    return Ok(());
                }
            };
            prop_assert_eq!(read.host_str().unwrap(), host.to_ascii_lowercase());
            prop_assert_eq!((read.username(), read.password(), read.fragment()), ("", None, None));
            prop_assert!(read.scheme() == "https" || allow_insecure);
            let is_loopback = ["localhost", "127.0.0.1", "[::1]"].contains(&read.host_str().unwrap());
            prop_assert_eq!(read.domain().is_some() && host.contains('.'), !is_loopback, "{}", host);
            prop_assert!(!is_loopback || allow_insecure);
            prop_assert!(is_loopback || host.parse::<IpAddr>().is_err());
            prop_assert!(text.ends_with(&read[url::Position::BeforePath..]) || read.path() == "/");
        }
    }

    #[test]
    fn an_endpoint_gets_only_what_is_news(
        statuses in names(), events in names(), unknown: bool, quarantined: bool, name in names(), status in of("[a-c]|queued")
    ) {
        let filter = Filter { statuses, events, unknown, quarantined };
        let name = name.concat();
        for outcome in OUTCOMES {
            let is_news = [Outcome::Applied, Outcome::Unknown, Outcome::Quarantined].contains(&outcome);
            prop_assert!(is_news || !filter.matches(outcome, &name, status.as_deref()));
            prop_assert!(!Order::All.supersedes(outcome, true));
            prop_assert_eq!(Order::Latest.supersedes(outcome, true), outcome == Outcome::Applied);
        }
        prop_assert_eq!(filter.matches(Outcome::Quarantined, &name, None), quarantined);
    }

    #[test]
    fn a_secret_is_read_as_it_is_shown_and_signs_what_a_receiver_verifies(bytes: [u8; 32], body in vec(any::<u8>(), 0..99)) {
        let secret = EndpointSecret::from_bytes(bytes);
        let text = secret.reveal();
        let read = EndpointSecret::parse(&text).unwrap();
        prop_assert_eq!(read.as_bytes(), &bytes);
        let received = Secret::new(text.as_str()).unwrap().key();
        prop_assert_eq!(secret.signer().vtryon(&body), Signature::sign(&received, &body).to_hex());
        prop_assert_eq!(secret.fingerprint(), received.fingerprint());
    }

    #[test]
    fn any_request_has_a_diagnosis(
        header in prop_oneof![vec(any::<u8>(), 0..140), "[0-9a-f]{64}".prop_map(String::into_bytes)],
        body in prop_oneof![vec(any::<u8>(), 0..200), "[\\[\\]{}\",: \n\\\\a1]{0,60}".prop_map(String::into_bytes)],
        secret in vec(any::<u8>(), 0..60),
        is_whole: bool,
    ) {
        let all = [SecretKind::Current, SecretKind::Previous, SecretKind::Retired, SecretKind::Endpoint];
        let candidates = all.map(|kind| Candidate { kind, secret: &secret });
        let mistake = diagnose(&Sample { header: &header, body: &body, is_whole }, &candidates);
        // What is drawn at random was signed by nobody.
        let proven = [Mistake::RetiredSecret, Mistake::EndpointSecret, Mistake::VerifiesNow, Mistake::BodyReserialised];
        prop_assert!(!proven.contains(&mistake));
        prop_assert!(is_whole || mistake != Mistake::Unknown);
    }

    #[test]
    fn any_layout_of_json_is_recognised(depth in 0_usize..6, width in 1_usize..4, place in 0_usize..3, from in 0_usize..2) {
        let mut value = serde_json::json!({ "a, \"b\": [": "c: {", "none": {}, "no": [], "π": 1.5 });
        for _ in 0..depth {
            value = vec![value; width].into();
        }
        let (compact, pretty) = (serde_json::to_string(&value).unwrap(), serde_json::to_string_pretty(&value).unwrap());
        prop_assume!(pretty.len() < 4 * compact.len());
        let signed = if from == 0 { &compact } else { &pretty };
        let blanks = [" ", "\n\t", "\r\n"].get(place).unwrap();
        let came = format!("{blanks}{}", if from == 0 { &pretty } else { &compact });
        let key = Secret::new("whsec_test").unwrap().key();
        let header = Signature::sign(&key, signed.as_bytes()).to_hex();
        let sample = Sample { header: header.as_bytes(), body: came.as_bytes(), is_whole: true };
        let candidates = [Candidate { kind: SecretKind::Current, secret: b"whsec_test" }];
        prop_assert_eq!(diagnose(&sample, &candidates), Mistake::BodyReserialised);
    }
}
