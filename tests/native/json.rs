//! The core's pass over JSON against `serde_json`: of any text, both say the same.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, reason = "that is how a test fails")]

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde::de::IgnoredAny;
use vtryon_webhooks::event::MAX_DEPTH;
use vtryon_webhooks::{Code, Event, Secret, Signature, Verifier};

/// Returns how a body is refused; `event` says of every text that is JSON and no event of Vtryon's
/// that it is an `invalid_event`.
fn verdict(body: &str) -> Option<Code> {
    let key = Secret::new("s").unwrap().key();
    let verifier = Verifier::new([Secret::new("s").unwrap()]).unwrap();
    let signature = Signature::sign(&key, body.as_bytes());
    let verified = verifier.verify(body.as_bytes(), &signature).unwrap();
    Event::parse(&verified).err().map(|error| error.code())
}

/// How deep a text nests, outside of its strings, whether it is JSON or not.
fn depth(text: &str) -> usize {
    let (mut depth, mut most) = (0_usize, 0);
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match char {
            '"' => {
                while let Some(char) = chars.next().filter(|char| *char != '"') {
                    if char == '\\' {
                        chars.next();
                    }
                }
            }
            '[' | '{' => depth += 1,
            ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        most = most.max(depth);
    }
    most
}

fn expected(text: &str) -> Code {
    if depth(text) > MAX_DEPTH {
        Code::TooDeep
    } else if serde_json::from_str::<IgnoredAny>(text).is_err() {
        Code::InvalidJson
    } else {
        Code::InvalidEvent
    }
}

fn blanks() -> impl Strategy<Value = String> {
    prop_oneof![8 => Just(String::new()), 1 => "[ \t\n\r]{1,3}"]
}

fn string() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[ -!#-\\[\\]-~]{0,20}",
        1 => "\\PC{0,5}",
        1 => r#"\\["\\/bfnrt]"#,
        1 => "\\\\u[0-9a-fA-F]{4}",
    ];
    vec(piece, 0..4).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        select(vec!["true", "false", "null", "[]", "{}", "\"\""]).prop_map(str::to_owned),
        "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,3})?",
        string(),
    ];
    leaf.prop_recursive(6, 60, 5, |inner| {
        let spaced =
            (blanks(), inner, blanks()).prop_map(|(before, value, after)| before + &value + &after).boxed();
        let member = (blanks(), string(), blanks(), spaced.clone())
            .prop_map(|(before, name, after, value)| format!("{before}{name}{after}:{value}"));
        prop_oneof![
            vec(spaced, 0..5).prop_map(|items| format!("[{}]", items.join(","))),
            vec(member, 0..5).prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    })
}

/// Wraps a text up to a depth around the one that is allowed.
fn nested() -> impl Strategy<Value = String> {
    (value(), 0_usize..70, any::<bool>()).prop_map(|(value, levels, is_array)| {
        let (open, close) = if is_array { ("[", "]") } else { ("{\"\":", "}") };
        open.repeat(levels) + &value + &close.repeat(levels)
    })
}

/// What is put where something else was.
fn slip() -> impl Strategy<Value = (Index, usize, String)> {
    let token = select(vec![
        "", "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "0", "-", "+", ".", "e", "1", " ", "\u{0}",
        "\u{1f}", "\u{7f}", "\u{a0}", "\u{feff}", "é", "t", "nul", "true", "null", "//", "'", "NaN",
    ]);
    (any::<Index>(), 0_usize..3, token.prop_map(str::to_owned))
}

fn slipped(text: &str, slips: &[(Index, usize, String)]) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for (place, removed, token) in slips {
        let start = place.index(chars.len() + 1);
        let end = (start + removed).min(chars.len());
        chars.splice(start..end, token.chars());
    }
    chars.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_json_is_taken_for_json(text in prop_oneof![value(), nested()]) {
        prop_assert_eq!(verdict(&format!("[{text}]")), Some(expected(&format!("[{text}]"))));
    }

    #[test]
    fn any_slip_is_seen_as_serde_json_sees_it(text in prop_oneof![value(), nested()], slips in vec(slip(), 1..3)) {
        for start in ["[", "[{\"data\":"] {
            let text = format!("{start}{}", slipped(&format!("{text}]"), &slips));
            prop_assert_eq!(verdict(&text), Some(expected(&text)), "{}", text);
        }
    }
}

/// Every single byte, in each place that the grammar knows.
#[test]
fn any_byte_anywhere_is_seen_as_serde_json_sees_it() {
    let places = [
        "[@]",
        "[1@]",
        "[0@]",
        "[-@]",
        "[-0@]",
        "[1.@]",
        "[1.0@]",
        "[1e@]",
        "[1e+@]",
        "[1e1@]",
        "[\"@\"]",
        "[\"\\@\"]",
        "[\"\\u@000\"]",
        "[\"\\u000@\"]",
        "[\"1234567@\"]",
        "[\"12345678@\"]",
        "[tru@]",
        "[true@]",
        "[@1]",
        "[1,@]",
        "[1@,1]",
        "[{@}]",
        "[{\"\"@}]",
        "[{\"\"@1}]",
        "[{\"\":@}]",
        "[{\"\":1@}]",
        "[{\"\":1,@}]",
        "[[@]]",
        "[{}@]",
        "[]@",
        "[@",
        "[\"@",
        "[\"\\@",
    ];
    for place in places {
        for byte in 0..=0x7f_u8 {
            for byte in [char::from(byte).to_string(), format!("{}{}", char::from(byte), char::from(byte))] {
                let text = place.replace('@', &byte);
                assert_eq!(verdict(&text), Some(expected(&text)), "{text:?}");
            }
        }
    }
}
