//! The quarantine: bodies that cannot be parsed, stored once each. The vectors are the table.

use serde::Deserialize;
use serde_json::Value as Json;
use vtryon_gateway_engine::storage::database::{Bind, Database, Row};

use crate::support::World;

#[derive(Deserialize)]
struct Vector {
    name: String,
    body: Bytes,
    expect: Expected,
}

/// Bytes as the vectors write them.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Bytes {
    Text(String),
    Hex(String),
    Parts(Vec<(String, usize)>),
}

impl Bytes {
    fn get(self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.into_bytes(),
            Self::Hex(digits) => hex::decode(digits).unwrap(),
            Self::Parts(parts) => {
                parts.iter().map(|(text, times)| text.repeat(*times)).collect::<String>().into()
            }
        }
    }
}

#[derive(Deserialize)]
struct Expected {
    code: Option<String>,
    #[serde(default)]
    task_id: String,
    #[serde(default)]
    event: String,
    status: Option<String>,
}

#[test]
fn every_readable_body_is_stored_as_an_event_and_every_other_one_is_quarantined() {
    let vectors: Vec<Vector> =
        serde_json::from_str(include_str!("../../../../../tests/vectors/event.json")).unwrap();
    let mut world = World::new();
    let mut expected = Vec::new();
    for Vector { name, body, expect } in vectors {
        let body = body.get();
        world.post_signed(&body, 0);
        if let Some(code) = expect.code {
            expected.push((code, body.len()));
            continue;
        }
        let task = world.task(&expect.task_id).unwrap();
        let is_in = |event: &Json| {
            event["event"] == expect.event && event["status"].as_str() == expect.status.as_deref()
        };
        assert!(task["events"].as_array().unwrap().iter().any(is_in), "{name}");
    }
    let quarantined = world.quarantine();
    let text = |entry: &Json| entry["code"].as_str().unwrap().to_owned();
    let mut listed: Vec<_> =
        quarantined.iter().map(|entry| (text(entry), entry["bytes"].as_u64().unwrap() as usize)).collect();
    listed.sort();
    expected.sort();
    assert_eq!(listed, expected);
}

#[test]
fn the_same_unreadable_body_is_stored_once() {
    let mut world = World::new();
    for _ in 0..3 {
        world.send("once");
    }
    let [entry] = &world.quarantine()[..] else { panic!("not one") };
    assert_eq!(
        (&entry["code"], &entry["bytes"], &entry["truncated"], &entry["head"]),
        (&"invalid_json".into(), &4.into(), &false.into(), &"once".into())
    );
}

#[test]
fn beyond_64_mib_only_the_beginning_of_a_body_is_kept() {
    const FULL: i64 = 64 * 1024 * 1024;
    // how much is held before a body of 2,000 bytes, and how much of that is kept
    for (held, kept) in [(FULL - 2000, 2000), (FULL - 1999, 1024)] {
        let mut world = World::new();
        world.send("a");
        world.send("b");
        // As if the second one had been as large.
        let grown = "UPDATE quarantine SET cumulative_bytes = ? WHERE no = 2";
        (&world.db.sqlite as &dyn Database).run(grown, &[Bind::Int(held)]).unwrap();
        world.send(&"c".repeat(2000));
        let length = "SELECT LENGTH(body) FROM quarantine WHERE no = 3";
        let length = (&world.db.sqlite as &dyn Database).first(length, &[], Row::int).unwrap();
        assert_eq!(length, Some(kept), "{held}");
    }
}
