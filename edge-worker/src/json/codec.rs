//! What the codec of our own types promises, held to serde_json.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use vtryon_webhooks::Millis;

use super::{MOST, Raw, Read, object, one_of, read, to_string};

/// A member of every kind.
struct Everything {
    text: String,
    maybe: Option<String>,
    yes: bool,
    list: Vec<u32>,
    inner: Option<Inner>,
    signed: i64,
    unsigned: u64,
    short: u16,
    at: Millis,
    pair: (i64, String),
    triple: (bool, u32, Vec<String>),
    one: Vec<One>,
    raw: Raw,
}

object!(Everything { text, maybe?, yes?, list, inner, signed, unsigned, short, at, pair, triple, one, raw });

struct Inner {
    id: i64,
}

object!(Inner { id });

#[derive(Debug, PartialEq)]
enum One {
    Plain,
    Held(i64),
    Named { text: String, no: i64 },
}

one_of!(One {
    "plain" => Plain,
    "held" => Held(held),
    "named" => Named { text, no },
});

fn everything() -> Everything {
    Everything {
        text: TEXT.to_owned(),
        maybe: Some(String::new()),
        yes: true,
        list: vec![0, u32::MAX],
        inner: Some(Inner { id: -1 }),
        signed: i64::MIN,
        unsigned: u64::MAX,
        short: u16::MAX,
        at: Millis(i64::MAX),
        pair: (0, "\"".to_owned()),
        triple: (false, 1, vec!["a,b".to_owned(), "]}".to_owned()]),
        one: vec![One::Plain, One::Held(5), One::Named { text: "{".to_owned(), no: 7 }],
        raw: Raw(r#"{"b":[1.5e300,null],"a":""}"#.to_owned()),
    }
}

/// Every control character and what else is escaped or might be, and each length of UTF-8.
const TEXT: &str = "\0\u{1}\u{8}\t\n\u{b}\u{c}\r\u{1f} !\"/\\\u{7f}\u{80}é\u{2028}\u{2029}\u{feff}\u{ffff}😀";

fn expected() -> Value {
    json!({
        "text": TEXT,
        "maybe": "",
        "yes": true,
        "list": [0, u32::MAX],
        "inner": { "id": -1 },
        "signed": i64::MIN,
        "unsigned": u64::MAX,
        "short": u16::MAX,
        "at": i64::MAX,
        "pair": [0, "\""],
        "triple": [false, 1, ["a,b", "]}"]],
        "one": ["plain", { "held": 5 }, { "named": { "text": "{", "no": 7 } }],
        "raw": { "b": [1.5e300, null], "a": "" },
    })
}

/// What serde_json makes of the text that a value is written as.
fn parsed(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

/// What is left of a text when it is read and written again, if it can be.
fn again(text: &str) -> Option<Value> {
    parsed(&to_string(&read::<Everything>(text).ok()?))
}

fn can_read<T: Read>(text: &str) -> bool {
    read::<T>(text).is_ok()
}

/// `expected`, changed.
fn changed(change: impl FnOnce(&mut serde_json::Map<String, Value>)) -> String {
    let mut value = expected();
    value.as_object_mut().map(change);
    value.to_string()
}

#[test]
fn what_is_written_is_the_same_to_serde_json() {
    assert_eq!(parsed(&to_string(&everything())), Some(expected()));
    let sorted: BTreeMap<String, i64> = [("b\"".to_owned(), 1), ("a".to_owned(), 2)].into_iter().collect();
    assert_eq!(to_string(&sorted), r#"{"a":2,"b\"":1}"#);
    for text in TEXT.chars().map(String::from).chain(["".to_owned(), TEXT.to_owned()]) {
        assert_eq!(Some(to_string(&text)), serde_json::to_string(&text).ok());
    }
}

#[test]
fn what_serde_json_writes_is_read_as_the_same() {
    for text in [expected().to_string(), format!("{:#}", expected()), to_string(&everything())] {
        assert_eq!(again(&text), Some(expected()), "{text}");
    }
    // Escapes, in a name and in a value, a pair of surrogates among them.
    let text = r#"{ "\u0069d" : 7 , "note" : "\ud83d\ude00" }"#;
    assert_eq!(read::<Inner>(text).ok().map(|inner| inner.id), Some(7));
    assert_eq!(read::<String>(r#""\ud83d\ude00\u0000\/""#).ok().as_deref(), Some("😀\0/"));
}

#[test]
fn a_member_that_is_empty_may_be_missing() {
    let empty = [("text", json!("")), ("maybe", Value::Null), ("yes", json!(false)), ("list", json!([]))];
    for (name, value) in empty.into_iter().chain([("inner", Value::Null), ("one", json!([]))]) {
        let text = changed(|members| drop(members.remove(name)));
        let read = again(&text);
        // `maybe` and `yes` are left out again.
        let member = read.as_ref().map(|members| members.get(name).unwrap_or(&value));
        assert_eq!(member, Some(&value), "{name}");
    }
    let bare = Everything { maybe: None, yes: false, ..everything() };
    let bare = parsed(&to_string(&bare));
    let left_out = bare.map(|bare| ["maybe", "yes"].map(|name| bare.get(name).is_none()));
    assert_eq!(left_out, Some([true, true]));
}

#[test]
fn every_other_member_must_be_there() {
    for name in ["signed", "unsigned", "short", "at", "pair", "triple", "raw"] {
        assert!(!can_read::<Everything>(&changed(|members| drop(members.remove(name)))), "{name}");
    }
    for text in ["{}", r#"{"id":null}"#, r#"{"ID":1}"#] {
        assert!(!can_read::<Inner>(text), "{text}");
    }
}

#[test]
fn what_is_not_known_is_ignored_and_what_comes_twice_is_refused() {
    for (text, is_read) in [
        (r#"{"new":{"id":[2]},"id":1,"newer":null}"#, true),
        (r#"{"id":1,"id":1}"#, false),
        (r#"{"id":1,"\u0069d":1}"#, false),
        (r#"{"id":1,"new":1,"new":2}"#, false),
    ] {
        assert_eq!(can_read::<Inner>(text), is_read, "{text}");
    }
    let object = |more: usize| {
        let members: String = (0..more).map(|nth| format!(",\"m{nth}\":0")).collect();
        format!("{{\"id\":1{members}}}")
    };
    assert!(can_read::<Inner>(&object(MOST - 1)));
    assert!(!can_read::<Inner>(&object(MOST)), "more than are compared");
}

#[test]
fn another_type_is_refused() {
    let others = [json!(null), json!(true), json!(1), json!(1.5), json!("1"), json!([1]), json!({ "id": 1 })];
    for (name, fitting) in [
        ("text", vec![json!("1")]),
        ("maybe", vec![json!(null), json!("1")]),
        ("yes", vec![json!(true)]),
        ("list", vec![json!([1])]),
        ("inner", vec![json!(null), json!({ "id": 1 })]),
        ("signed", vec![json!(1)]),
        ("unsigned", vec![json!(1)]),
        ("short", vec![json!(1)]),
        ("at", vec![json!(1)]),
        ("pair", vec![]),
        ("triple", vec![]),
        ("one", vec![]),
        ("raw", others.to_vec()),
    ] {
        for other in &others {
            let text = changed(|members| drop(members.insert(name.to_owned(), other.clone())));
            assert_eq!(can_read::<Everything>(&text), fitting.contains(other), "{name}: {other}");
        }
    }
    for pair in ["[1]", r#"[1,"a","b"]"#, r#"["a",1]"#, "[]"] {
        assert!(!can_read::<(i64, String)>(pair), "{pair}");
    }
}

#[test]
fn a_number_is_whole_and_within_its_bounds() {
    // serde_json judges alike, but for a zero with a sign, which is none here either.
    macro_rules! hold {
        ($($number:ty)*) => {$(
            for text in [
                "0", "1", "-1", "65535", "65536", "4294967295", "4294967296", "9007199254740993",
                "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
                "18446744073709551615", "18446744073709551616", "1.0", "1.5", "1e3", "1E-3", "1e400",
                "1.7976931348623157e308", "5e-324", "01", "+1", "0x1", "NaN", "Infinity", "1_000", "",
            ] {
                let expected = serde_json::from_str::<$number>(text).ok();
                assert_eq!(read::<$number>(text).ok(), expected, "{text} as {}", stringify!($number));
            }
        )*};
    }
    hold!(i64 u64 u32 u16 usize);
}

#[test]
fn one_of_several_has_one_name() {
    for (text, expected) in [
        (r#""plain""#, Some(One::Plain)),
        (r#"{"held":-5}"#, Some(One::Held(-5))),
        (r#"{"named":{"no":1,"new":2}}"#, Some(One::Named { text: String::new(), no: 1 })),
        (r#"{"named":{"text":"a"}}"#, None),
        (r#"{"held":1,"held":2}"#, None),
        (r#"{"new":1,"held":2}"#, None),
        (r#"{"held":2,"new":1}"#, None),
        (r#"{"held":"1"}"#, None),
        (r#""held""#, None),
        (r#""named""#, None),
        (r#""new""#, None),
        (r#""Plain""#, None),
        ("{}", None),
        ("null", None),
        (r#"["plain"]"#, None),
    ] {
        assert_eq!(read::<One>(text).ok(), expected, "{text}");
    }
}

#[test]
fn what_is_no_json_is_refused_whatever_is_asked_for() {
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    for (text, is_json) in [
        // Nothing here goes down into a value, so no depth is too much.
        (nested(100_000), true),
        (nested(100_000).replace('1', ""), true),
        (format!("{}]", nested(3)), false),
        ("[1]".to_owned(), true),
        ("[1] ".to_owned(), true),
        ("[1]x".to_owned(), false),
        ("[1][1]".to_owned(), false),
        ("[1,]".to_owned(), false),
        ("[1".to_owned(), false),
        (r#"{"a":1,}"#.to_owned(), false),
        (r#"["\ud83d"]"#.to_owned(), true),
        ("[\"\u{1f}\"]".to_owned(), false),
    ] {
        assert_eq!(can_read::<Raw>(&text), is_json, "{:.40}", text);
    }
    let told = read::<Inner>(r#"{"id":"whsec_kept"}"#).err().map(|error| error.to_string());
    assert!(told.is_some_and(|told| !told.contains("whsec")), "an error tells nothing of what it was about");
}
