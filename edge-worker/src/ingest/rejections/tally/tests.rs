//! When rejections are reported, and what is kept of them.

use super::*;

fn cause(code: Code, path: PathKind, at: i64, header: &str, body: &[u8]) -> RejectionCause {
    let request = RejectedRequest {
        received_at: Millis(at),
        header: header.to_owned(),
        header_bytes: header.len(),
        content_type: None,
        body: body.to_vec(),
        body_bytes: None,
    };
    RejectionCause::of(code, path, request)
}

#[test]
fn a_cause_is_counted_with_its_first_and_last_request() {
    let mut tally = Tally::EMPTY;
    for (code, path, at, header) in [
        (Code::SignatureMismatch, PathKind::Webhook, 20, "b"),
        (Code::MissingSignature, PathKind::Webhook, 21, ""),
        (Code::SignatureMismatch, PathKind::Webhook, 30, "c"),
        (Code::SignatureMismatch, PathKind::Webhook, 30, "d"),
        // What was not reported comes back.
        (Code::SignatureMismatch, PathKind::Webhook, 10, "a"),
        (Code::NotFound, PathKind::Webhooks, 22, "e"),
        // The same code at another kind of path is another cause.
        (Code::NotFound, PathKind::Api, 23, "f"),
    ] {
        let known = tally.causes.iter().any(|cause| (cause.code, cause.path) == (code, path));
        assert_eq!(tally.add(cause(code, path, at, header, b"")), !known, "{header}");
    }
    let reported: Vec<_> = tally.take(Millis(40)).iter().map(RejectionCause::report).collect();
    let reported: Vec<_> = reported
        .iter()
        .map(|rejection| {
            let Rejection { code, path, count, first_at, last_at, first, last } = rejection;
            let last = last.as_ref().map(|last| &*last.header);
            (&**code, &**path, *count, first_at.0, last_at.0, &*first.header, last)
        })
        .collect();
    let expected = [
        ("signature_mismatch", "/webhooks/vtryon", 4, 10, 30, "a", Some("d")),
        ("missing_signature", "/webhooks/vtryon", 1, 21, 21, "", None),
        ("not_found", "/webhooks/*", 1, 22, 22, "e", None),
        ("not_found", "/api/*", 1, 23, 23, "f", None),
    ];
    assert_eq!(reported, expected);
    assert!(tally.take(Millis(50)).is_empty());
}

#[test]
fn what_was_logged_is_not_logged_again_when_its_report_has_failed() {
    let rejected = |at| cause(Code::MissingSignature, PathKind::Webhook, at, "", b"");
    let mut tally = Tally::EMPTY;
    for (requests, unlogged) in [(1, 0), (3, 3), (0, 0), (1, 1)] {
        for at in 0..requests {
            tally.add(rejected(at));
        }
        let mut taken = tally.take(Millis(50));
        let counts: Vec<_> = taken.iter_mut().map(RejectionCause::take_unlogged).collect();
        assert_eq!(counts, [unlogged]);
        for cause in taken {
            tally.add(cause);
        }
    }
    assert_eq!(tally.take(Millis(60)).first().map(|cause| cause.count), Some(5));
}

#[test]
fn noise_before_and_after_it_does_not_overwrite_an_event() {
    const EVENT: &[u8] = br#"{"event":"a","task_id":"b"}"#;
    let mut tally = Tally::EMPTY;
    for (at, header, body) in
        [(10, "noise", &b"{}"[..]), (20, "event", EVENT), (30, "copy", EVENT), (40, "more noise", b"task_id")]
    {
        tally.add(cause(Code::SignatureMismatch, PathKind::Webhook, at, header, body));
    }
    let reported: Vec<_> = tally.take(Millis(50)).iter().map(RejectionCause::report).collect();
    let headers = reported
        .first()
        .map(|reported| (&*reported.first.header, reported.last.as_ref().map(|last| &*last.header)));
    assert_eq!(headers, Some(("event", Some("more noise"))));
}

/// What happens when, in milliseconds, and how long the one who asks is to wait; none: not at all.
enum Happens {
    Rejected(Option<u64>),
    Reported,
}

#[test]
fn the_directory_gets_one_report_in_a_pause() {
    use Happens::{Rejected, Reported};
    let mut tally = Tally::EMPTY;
    for (at, happens, why) in [
        (0, Rejected(Some(1000)), "the first one waits for others"),
        (1, Rejected(None), "which leave it to the first"),
        (1000, Reported, ""),
        (1001, Rejected(Some(9999)), "then there is a pause"),
        (10_999, Rejected(None), "for all"),
        (11_000, Reported, ""),
        (21_500, Rejected(Some(1000)), "after an idle time it is as at first"),
        (42_500, Rejected(None), "the report was due 20 s ago, and may still come"),
        (42_501, Rejected(Some(1000)), "it will not come: that request has ended"),
        (50_000, Reported, ""),
        (20_000, Rejected(Some(10_000)), "the clock went back: the pause is no longer"),
        (20_001, Rejected(None), "and the report is awaited"),
        (0, Rejected(Some(10_000)), "the clock went back meanwhile: that one may have ended"),
    ] {
        match happens {
            Rejected(wait) => {
                assert_eq!(tally.wait(Millis(at)), wait.map(Duration::from_millis), "{why}")
            }
            Reported => drop(tally.take(Millis(at))),
        }
    }
}
