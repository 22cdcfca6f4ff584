//! The core's pass over JSON against `serde_json`: any text as the value of a member of an event.

use vtryon_webhooks::event::MAX_DEPTH;
use vtryon_webhooks::{Code, Event, Secret, Signature, Verifier};

use crate::json::{Members, first_deeper_than, is_json};
use crate::vectors::column;

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = column(include_str!("../../../tests/vectors/event.json"), "body");
    let values: [&str; 12] = [
        "-0.5e+10",
        "01",
        "1.",
        "\"\\ud83d\\ude00\"",
        "\"\\ud800\"",
        "\"\\x\"",
        "\"\t\"",
        "[1,]",
        "{\"a\":{},}",
        "nul",
        " [ ] ",
        "1}",
    ];
    seeds.extend(values.map(Into::into));
    seeds
}

pub(crate) fn check(value: &[u8]) {
    let Ok(value) = std::str::from_utf8(value) else { return };
    let body = format!("{{\"event\":\"x\",\"task_id\":\"t\",\"data\":{value}}}");
    let key = Secret::new("s").unwrap().key();
    let verifier = Verifier::new([Secret::new("s").unwrap()]).unwrap();
    let verified = verifier.verify(body.as_bytes(), &Signature::sign(&key, body.as_bytes())).unwrap();
    let parsed = Event::parse(&verified);
    if let Some(offset) = first_deeper_than(&body, MAX_DEPTH) {
        let error = parsed.unwrap_err();
        assert_eq!((error.code(), error.offset()), (Code::TooDeep, Some(offset)));
    } else if !is_json(&body) {
        let error = parsed.unwrap_err();
        assert_eq!(error.code(), Code::InvalidJson);
        assert!(error.offset().unwrap() <= body.len());
    } else if is_json(value) {
        assert_eq!(parsed.unwrap().data(), Some(value.trim_matches([' ', '\t', '\n', '\r'])));
    } else {
        // The text has ended the member and begun others.
        let members = Members::read(&body).unwrap();
        if let Ok(event) = parsed {
            assert_eq!(event.data(), members.all("data").first().copied());
        }
    }
}
