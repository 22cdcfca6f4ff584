//! Lines of an export, and what becomes of them.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "that is how a test fails")]

use super::*;
use vtryon_webhooks::Secret;

const NOW: Millis = Millis(1_700_000_000_000);

fn verifier() -> Verifier {
    let secrets = ["the current secret", "the previous secret"].map(|text| Secret::new(text).unwrap());
    Verifier::new(secrets).unwrap()
}

/// A line of an export, with a field set to something else.
fn line(field: &str, value: &str) -> String {
    let body = br#"{"event":"generation.status_changed","task_id":"task_1","status":"queued"}"#;
    let signature = Signature::sign(&verifier().keys()[1], body).to_hex();
    let mut fields = vec![
        ("id", r#""1.1.0_1""#.to_owned()),
        ("type", r#""event""#.to_owned()),
        ("received_at", r#""2023-11-14T22:00:00.000Z""#.to_owned()),
        ("of_a_later_version", "{}".to_owned()),
        ("body", format!(r#""{}""#, Base64::encode_string(body))),
        ("signature", format!(r#""{signature}""#)),
    ];
    fields.retain(|(name, _)| *name != field);
    if !value.is_empty() {
        fields.push((field, value.to_owned()));
    }
    let fields: Vec<_> = fields.iter().map(|(name, value)| format!(r#""{name}":{value}"#)).collect();
    format!("{{{}}}", fields.join(","))
}

#[test]
fn a_line_is_verified_again_and_keeps_its_time() {
    let line = read(line("", "").as_bytes(), &verifier(), NOW).unwrap();
    let VerifiedLine::Event(VerifiedEvent { event, body, .. }) = line else { panic!("it is an event") };
    assert_eq!(event.received_at, Millis(1_699_999_200_000));
    assert_eq!(event.imported_at, Some(NOW));
    assert_eq!(event.task_id(), Some("task_1"));
    assert_eq!(event.key, verifier().keys()[1].fingerprint().to_string());
    assert_eq!(body.len(), 74);
}

#[test]
fn a_line_is_refused_by_the_name_of_its_field() {
    let other = format!(r#""{}""#, Base64::encode_string(b"{}"));
    for (field, value, code, words) in [
        ("type", "", Code::InvalidRequest, "`type` is missing"),
        ("type", r#""replay""#, Code::InvalidRequest, "`type` is neither event nor erased"),
        ("type", "1", Code::InvalidRequest, "`type` is not a string"),
        ("received_at", r#""yesterday""#, Code::InvalidRequest, "`received_at` is not a time"),
        ("received_at", r#""2023-11-14T22:14:21.000Z""#, Code::InvalidRequest, "`received_at` is before"),
        ("received_at", r#""1969-01-01T00:00:00.000Z""#, Code::InvalidRequest, "`received_at` is before"),
        ("body", "", Code::InvalidRequest, "`body` is missing"),
        ("body", "null", Code::InvalidRequest, "`body` is not a string"),
        ("body", r#""e30""#, Code::InvalidRequest, "`body` is not base64"),
        ("body", &other, Code::SignatureMismatch, ""),
        ("signature", "", Code::InvalidRequest, "`signature` is missing"),
        ("signature", r#""00""#, Code::MalformedSignature, ""),
    ] {
        let refusal = read(line(field, value).as_bytes(), &verifier(), NOW).err().unwrap();
        assert_eq!(refusal.code, code, "{field}: {value}");
        assert!(refusal.message.contains(words), "{field}: {value}: {}", refusal.message);
    }
    for text in [&b""[..], b"[]", b"{", br#"{"type":"event","type":"event"}"#, b"{\"type\":\"\xff\"}"] {
        let refusal = read(text, &verifier(), NOW).err().unwrap();
        assert!(refusal.message.contains("not one JSON object"), "{text:?}");
    }
}

#[test]
fn an_erasure_is_a_digest_and_a_time() {
    let digest = Digest::of(b"task_1").to_hex();
    let text = |digest: &str, at: &str| {
        format!(r#"{{"id":"1.1.0_1","type":"erased","task_digest":"{digest}","erased_at":"{at}"}}"#)
    };
    let at = "2023-11-14T22:00:00.000Z";
    let read = |text: String| read(text.as_bytes(), &verifier(), NOW);
    let Ok(VerifiedLine::Erasure { digest: read_digest, erased_at }) = read(text(&digest, at)) else {
        panic!("it is an erasure")
    };
    assert_eq!((read_digest.to_hex(), erased_at), (digest.clone(), Millis(1_699_999_200_000)));
    for (text, words) in [
        (text(&digest[1..], at), "`task_digest` is not 64"),
        (text(&digest.to_uppercase(), at), "`task_digest` is not 64"),
        (text(&digest, "yesterday"), "`erased_at` is not a time"),
        (text(&digest, "2023-11-14T22:14:21.000Z"), "`erased_at` is before"),
        (text(&digest, at).replace("erased_at", "received_at"), "`erased_at` is missing"),
        (text(&digest, at).replace("task_digest", "task_id"), "`task_digest` is missing"),
    ] {
        let refusal = read(text).err().unwrap();
        assert_eq!(refusal.code, Code::InvalidRequest);
        assert!(refusal.message.contains(words), "{words}: {}", refusal.message);
    }
}

#[test]
fn a_request_has_1_to_200_lines() {
    let numbers =
        |text: &str| lines(text.as_bytes()).map(|lines| lines.iter().map(|line| line.0).collect::<Vec<_>>());
    assert_eq!(numbers("a\r\n\n  \nb").unwrap(), vec![1, 4]);
    assert_eq!(numbers(&"a\n".repeat(200)).unwrap().len(), 200);
    for (body, words) in [(" \n\n", "no line"), (&"a\n".repeat(201), "more than 200 lines")] {
        assert!(lines(body.as_bytes()).err().unwrap().message.contains(words), "{words}");
    }
}

#[test]
fn a_report_counts_its_lines_and_has_them_in_their_order() {
    let refusal = Refusal::new(Code::SignatureMismatch, "no");
    let results = vec![
        LineResult::refused(4, &refusal),
        LineResult::of(3, "capped".to_owned()),
        LineResult::of(1, "late".to_owned()),
        LineResult::of(2, "duplicate".to_owned()),
    ];
    let report = ImportReport::new(results);
    assert_eq!((report.stored, report.duplicates, report.capped, report.refused), (1, 1, 1, 1));
    let shown = crate::text::json::to_string(&report.lines);
    assert_eq!(
        shown,
        concat!(
            r#"[{"line":1,"result":"stored","outcome":"late"},"#,
            r#"{"line":2,"result":"duplicate","outcome":"duplicate"},"#,
            r#"{"line":3,"result":"capped","outcome":"capped"},"#,
            r#"{"line":4,"result":"refused","error":"signature_mismatch","message":"no"}]"#
        )
    );
}
