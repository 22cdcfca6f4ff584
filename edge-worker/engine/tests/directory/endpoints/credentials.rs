//! Headers of an endpoint and how it authenticates the gateway: what is refused, what replaces what, and what is shown.

use serde_json::{Value, json};
use vtryon_gateway_engine::directory::endpoints::credentials;
use vtryon_gateway_engine::directory::settings;
use vtryon_webhooks::Code;

use crate::fixture::{Fixture, assert_refused};

const URL: &str = "https://shop.example/hook";

fn shown(fixture: &Fixture, no: i64) -> (Value, Value) {
    let view = serde_json::to_value(fixture.find(no).view(fixture.now, None)).unwrap();
    (view["headers"].clone(), view["auth"].clone())
}

/// What a body sends: names and values.
fn sent(body: &Value) -> Vec<(String, String)> {
    let headers = credentials::read(&body.to_string()).unwrap();
    headers.iter().map(|header| (header.name.clone(), header.value.to_string())).collect()
}

#[test]
fn a_header_with_a_mistake_is_refused_by_its_name() {
    let many: Value =
        (0..11).map(|no| (format!("x-{no}"), json!("v"))).collect::<serde_json::Map<_, _>>().into();
    let long = json!({ "a": "v".repeat(2048), "b": "v".repeat(2047) });
    for (headers, words, why) in [
        (json!([]), "`headers` is not null or an object", "a list"),
        (json!("x-api-key"), "`headers` is not null or an object", "a text"),
        (json!({ "": "v" }), "a name that is not 1 to 64 letters, digits", "no name"),
        (json!({ "x".repeat(65): "v" }), "a name that is not 1 to 64 letters, digits", "a long name"),
        (json!({ "x y": "v" }), "a name that is not 1 to 64 letters, digits", "a blank"),
        (json!({ "x:y": "v" }), "a name that is not 1 to 64 letters, digits", "a colon"),
        (json!({ "x\r\ny": "v" }), "a name that is not 1 to 64 letters, digits", "a second header"),
        (json!({ "\u{fc}": "v" }), "a name that is not 1 to 64 letters, digits", "not ASCII"),
        (json!({ "x-api-key": 1 }), "a value of x-api-key that is not 1 to 2048", "a number"),
        (json!({ "x-api-key": null }), "a value of x-api-key that is not 1 to 2048", "null"),
        (json!({ "x-api-key": "" }), "a value of x-api-key that is not 1 to 2048", "nothing"),
        (
            json!({ "x-api-key": "v".repeat(2049) }),
            "a value of x-api-key that is not 1 to 2048",
            "a long value",
        ),
        (json!({ "x-api-key": " v" }), "without blanks at its ends", "a blank before"),
        (json!({ "x-api-key": "v " }), "without blanks at its ends", "a blank after"),
        (json!({ "x-api-key": "a\tb" }), "characters of printable ASCII", "a tab"),
        (json!({ "x-api-key": "a\r\nx-b: c" }), "characters of printable ASCII", "a second header"),
        (json!({ "x-api-key": "a\u{0}" }), "characters of printable ASCII", "a NUL"),
        (json!({ "x-api-key": "\u{fc}" }), "characters of printable ASCII", "not ASCII"),
        (json!({ "X-Key": "a", "x-key": "b" }), "x-key twice: case makes no difference", "the same name"),
        (many, "more than 10 headers", "11"),
        (long, "more than 4096 characters, names and values together", "4097"),
    ] {
        let body = json!({ "url": URL, "headers": headers }).to_string();
        assert_refused(Fixture::new().draft(&body), Code::InvalidRequest, words, why);
    }
}

#[test]
fn reserved_names_are_refused_in_whatever_case_with_the_reason() {
    for (name, why) in [
        ("connection", "belongs to one connection"),
        ("HTTP2-Settings", "belongs to one connection"),
        ("Keep-Alive", "belongs to one connection"),
        ("proxy-authorization", "belongs to one connection"),
        ("Proxy-Connection", "belongs to one connection"),
        ("TE", "belongs to one connection"),
        ("trailer", "belongs to one connection"),
        ("Transfer-Encoding", "belongs to one connection"),
        ("upgrade", "belongs to one connection"),
        ("Host", "describes the request"),
        ("content-encoding", "describes the request"),
        ("Content-Length", "describes the request"),
        ("content-range", "describes the request"),
        ("CONTENT-TYPE", "describes the request"),
        ("expect", "describes the request"),
        ("User-Agent", "is the gateway's own"),
        ("webhook-id", "is the gateway's own"),
        ("Webhook-Anything", "is the gateway's own"),
        ("X-Vtryon-Signature", "is the gateway's own"),
        ("x-vtryon-anything", "is the gateway's own"),
        ("cdn-loop", "is set by Cloudflare"),
        ("CF-Connecting-IP", "is set by Cloudflare"),
        ("cf-access-jwt-assertion", "is set by Cloudflare"),
        ("true-client-ip", "is set by Cloudflare"),
        ("X-Forwarded-For", "is set by Cloudflare"),
        ("x-real-ip", "is set by Cloudflare"),
    ] {
        let body = json!({ "url": URL, "headers": { name: "v" } }).to_string();
        let words = format!("`headers` has {name}, which {why}");
        assert_refused(Fixture::new().draft(&body), Code::InvalidRequest, &words, name);
    }
    for name in
        ["CF-Access-Client-Id", "cf-access-client-secret", "Cookie", "apikey", "host-id", "x-webhook-id"]
    {
        assert_eq!(sent(&json!({ "headers": { name: "v" } })), [(name.to_owned(), "v".to_owned())]);
    }
}

#[test]
fn auth_with_a_mistake_is_refused_by_the_name_of_its_field() {
    for (auth, words) in [
        (json!("basic"), "`auth` is not null or an object"),
        (json!({}), "`auth.type` is not one of basic, bearer"),
        (json!({ "type": "digest" }), "`auth.type` is not one of basic, bearer"),
        (json!({ "type": "basic", "username": "u" }), "`auth.password` is not a text"),
        (json!({ "type": "basic", "password": "p" }), "`auth.username` is not a text"),
        (json!({ "type": "basic", "username": "a:b", "password": "p" }), "`auth.username` has a colon"),
        (json!({ "type": "basic", "username": "u", "password": "p".repeat(256) }), "at most 255 characters"),
        (json!({ "type": "basic", "username": "u\n", "password": "p" }), "characters of printable ASCII"),
        (
            json!({ "type": "basic", "username": "u", "password": "p", "token": "t" }),
            "none of type, username, password",
        ),
        (json!({ "type": "bearer" }), "`auth.token` is not 1 to 2048"),
        (json!({ "type": "bearer", "token": "" }), "`auth.token` is not 1 to 2048"),
        (json!({ "type": "bearer", "token": "a b" }), "without blanks"),
        (json!({ "type": "bearer", "token": "t".repeat(2049) }), "`auth.token` is not 1 to 2048"),
        (json!({ "type": "bearer", "token": "t", "username": "u" }), "none of type, token"),
    ] {
        let body = json!({ "url": URL, "auth": auth }).to_string();
        assert_refused(Fixture::new().draft(&body), Code::InvalidRequest, words, &auth);
    }
}

#[test]
fn auth_is_sent_as_authorization() {
    for (auth, value, why) in [
        // RFC 7617, 2.
        (
            json!({ "type": "basic", "username": "Aladdin", "password": "open sesame" }),
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
            "the example of its RFC",
        ),
        (json!({ "type": "basic", "username": "", "password": "p:q" }), "Basic OnA6cQ==", "a password alone"),
        (json!({ "type": "bearer", "token": "mF_9.B5f-4.1JqM" }), "Bearer mF_9.B5f-4.1JqM", "RFC 6750, 2.1"),
    ] {
        assert_eq!(sent(&json!({ "auth": auth })), [("authorization".to_owned(), value.to_owned())], "{why}");
    }
}

/// Steps in the life of one endpoint: [a change, the names and the auth that are shown afterwards]
#[test]
fn a_change_replaces_the_whole_set_and_null_or_an_empty_one_clears_it() {
    let fixture = Fixture::new();
    let no = fixture.register(&json!({ "url": URL, "headers": { "X-A": "1", "x-b": "2" } }).to_string());
    assert_eq!(shown(&fixture, no), (json!(["X-A", "x-b"]), Value::Null));
    let basic = json!({ "type": "basic", "username": "u", "password": "p" });
    for (change, headers, auth) in [
        (json!({ "auth": basic }), json!(["X-A", "x-b"]), json!("basic")),
        (json!({ "headers": { "x-c": "3" } }), json!(["x-c"]), json!("basic")),
        (json!({ "description": "d" }), json!(["x-c"]), json!("basic")),
        (json!({ "auth": { "type": "bearer", "token": "t" } }), json!(["x-c"]), json!("bearer")),
        (json!({ "auth": null }), json!(["x-c"]), Value::Null),
        (json!({ "headers": {} }), json!([]), Value::Null),
        (json!({ "headers": { "Authorization": "Token t" } }), json!(["Authorization"]), Value::Null),
        (json!({ "headers": null, "auth": basic }), json!([]), json!("basic")),
    ] {
        fixture.change(no, &change.to_string()).unwrap();
        assert_eq!(shown(&fixture, no), (headers, auth), "{change}");
    }
}

#[test]
fn authorization_is_set_once() {
    let fixture = Fixture::new();
    let auth = json!({ "type": "bearer", "token": "t" });
    let headers = json!({ "Authorization": "v" });
    let words = "`headers` has authorization, which `auth` sets";
    let both = json!({ "url": URL, "headers": headers, "auth": auth }).to_string();
    assert_refused(fixture.draft(&both), Code::InvalidRequest, words, "in one body");
    let no = fixture.register(&json!({ "url": URL, "auth": auth }).to_string());
    let change = json!({ "headers": headers }).to_string();
    assert_refused(fixture.change(no, &change), Code::InvalidRequest, words, "beside what is stored");
    let no = fixture.register(&json!({ "url": URL, "headers": headers }).to_string());
    let change = json!({ "auth": auth }).to_string();
    assert_refused(fixture.change(no, &change), Code::InvalidRequest, words, "the other way round");
}

#[test]
fn headers_stay_with_the_origin_that_they_were_set_for() {
    let auth = json!({ "type": "bearer", "token": "t" });
    let headers = json!({ "x-a": "v" });
    for (endpoint, change, is_taken, why) in [
        (json!({ "headers": headers }), json!({ "url": "https://shop.example/other" }), true, "another path"),
        (json!({ "headers": headers }), json!({ "url": "https://shop.example:443/" }), true, "its own port"),
        (
            json!({ "headers": headers }),
            json!({ "url": "https://shop.example:8443/" }),
            false,
            "another port",
        ),
        (json!({ "headers": headers }), json!({ "url": "https://other.example/" }), false, "another host"),
        (json!({ "auth": auth }), json!({ "url": "https://other.example/" }), false, "auth too"),
        (
            json!({ "auth": auth, "headers": headers }),
            json!({ "url": "https://other.example/", "auth": auth }),
            false,
            "half of it",
        ),
        (
            json!({ "auth": auth, "headers": headers }),
            json!({ "url": "https://other.example/", "auth": auth, "headers": null }),
            true,
            "sent again and cleared",
        ),
        (json!({}), json!({ "url": "https://other.example/" }), true, "there are none"),
    ] {
        let fixture = Fixture::new();
        let mut body = endpoint.clone();
        body["url"] = json!(URL);
        let no = fixture.register(&body.to_string());
        let before = serde_json::to_value(fixture.find(no)).unwrap();
        let changed = fixture.change(no, &change.to_string());
        if is_taken {
            assert_eq!(changed.unwrap().endpoint.options.url, change["url"], "{why}");
        } else {
            assert_refused(
                changed,
                Code::Conflict,
                "send both again, or null for what it does not need",
                why,
            );
            assert_eq!(serde_json::to_value(fixture.find(no)).unwrap(), before, "{why}: nothing is changed");
        }
    }
}

#[test]
fn shards_are_sent_headers_as_they_were_sealed() {
    let fixture = Fixture::new();
    let auth = json!({ "type": "bearer", "token": "token" });
    let no =
        fixture.register(&json!({ "url": URL, "headers": { "x-a": "value" }, "auth": auth }).to_string());
    let pushed = settings::current(&fixture.context()).unwrap();
    let headers = &pushed.endpoint(no).unwrap().headers;
    let sealed: Vec<_> = headers.iter().map(|header| (&*header.name, &*header.sealed)).collect();
    assert_eq!(sealed, [("x-a", "eulav"), ("authorization", "nekot reraeB")]);
}
