//! An assertion of Cloudflare Access: as strangers send it, and any text as its header and as what it claims.

use base64ct::{Base64UrlUnpadded, Encoding};
use vtryon_gateway_engine::access::assertion::Assertion;
use vtryon_gateway_engine::access::claims::Expected;
use vtryon_webhooks::Millis;

use crate::json::Members;

const ISSUER: &str = "https://acme.cloudflareaccess.com";
const NOW: Millis = Millis(1_780_000_000_500);
const LEEWAY: i64 = 60;

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.e30.AA",
        "eyJhbGciOiJub25lIiwia2lkIjoiayJ9.e30.",
        r#"{"alg":"RS256","kid":"k"}"#,
        r#"{"alg":"RS256","kid":"k","crit":[]}"#,
        r#"{"\u0061lg":"RS\u0032\u0035\u0036","kid":""}"#,
        r#"{"iss":"https://acme.cloudflareaccess.com","aud":["one"],"exp":1780000001,"nbf":1780000000,"iat":1}"#,
        r#"{"iss":"https://acme.cloudflareaccess.com","aud":"two","exp":9223372036854775807}"#,
        r#"{"iss":"https://acme.cloudflareaccess.com","aud":["x",1,"two"],"exp":1e99,"exp":1780000001}"#,
    ];
    texts.map(Into::into).to_vec()
}

pub(crate) fn check(input: &[u8]) {
    if let Ok(text) = std::str::from_utf8(input) {
        token(text);
    }
    let base64 = Base64UrlUnpadded::encode_string;
    token(&format!("{}.e30.AA", base64(input)));
    claims(&format!("{}.{}.AA", base64(br#"{"alg":"RS256","kid":"k"}"#), base64(input)), input);
}

/// A token is taken apart exactly if it has three parts of base64url, and names RS256 and a key.
fn token(text: &str) {
    let parsed = Assertion::parse(text);
    let parts: Option<Vec<Vec<u8>>> = text.split('.').map(decode).collect();
    let kid = match parts.as_deref().filter(|_| text.len() <= 8192) {
        Some([header, _, _]) => kid(header),
        _ => None,
    };
    assert_eq!(parsed.as_ref().map(|assertion| assertion.kid()).ok(), kid.as_deref());
    let (Ok(assertion), Some([_, payload, signature])) = (parsed, parts.as_deref()) else { return };
    assert_eq!(assertion.claimed(), payload);
    let message = std::str::from_utf8(assertion.message()).unwrap();
    assert!(text.strip_prefix(message).is_some_and(|rest| rest.starts_with('.')));
    assert_eq!((message.matches('.').count(), assertion.signature()), (1, &**signature));
    assert_eq!(assertion.accept(true).unwrap().payload(), payload);
}

/// Base64url without padding, with no bits to spare that are not zero (RFC 4648, 3.5 and 5).
fn decode(part: &str) -> Option<Vec<u8>> {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for digit in part.chars() {
        bits = bits << 6 | ALPHABET.find(digit)? as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    (count < 6 && bits == 0).then_some(bytes)
}

/// The members of an object with each name once.
fn object(bytes: &[u8]) -> Option<(Members<'_>, Vec<String>)> {
    let members = Members::read(std::str::from_utf8(bytes).ok()?)?;
    let names = members.names()?;
    names.iter().all(|name| members.all(name).len() == 1).then_some((members, names))
}

fn text(members: &Members<'_>, name: &str) -> Option<String> {
    serde_json::from_str(members.all(name).first()?).ok()
}

fn kid(header: &[u8]) -> Option<String> {
    let (members, names) = object(header)?;
    let is_ours =
        text(&members, "alg").as_deref() == Some("RS256") && !names.iter().any(|name| name == "crit");
    text(&members, "kid").filter(|_| is_ours)
}

/// Claims are good exactly if they are for us, and now.
fn claims(token: &str, payload: &[u8]) {
    let audiences = ["one", "two"].map(str::to_owned).to_vec();
    let expected = Expected { issuer: ISSUER.to_owned(), audiences };
    let Ok(assertion) = Assertion::parse(token) else {
        assert!(token.len() > 8192);
        return;
    };
    let is_good = expected.precheck(&assertion, NOW);
    let verified = assertion.accept(true).unwrap();
    let checked = expected.check(&verified, NOW).ok();
    assert_eq!(is_good.is_ok(), checked.is_some());
    let expires_at = checked.map(|identity| identity.expires_at);
    assert_eq!(expires_at, model(payload).map(|end| Millis(end.saturating_mul(1000))));
}

/// Returns when good claims expire, in seconds since 1970.
fn model(payload: &[u8]) -> Option<i64> {
    let (members, names) = object(payload)?;
    let whole = |name: &str| members.all(name).first().and_then(|text| text.parse::<i64>().ok());
    let aud: serde_json::Value = members.all("aud").first().map(|text| lossy(text))?;
    let named = aud.as_array().cloned().unwrap_or_else(|| vec![aud]);
    let is_for_us = named.iter().any(|name| name == "one" || name == "two");
    let now = NOW.0 / 1000;
    let has_begun = ["nbf", "iat"]
        .into_iter()
        .filter(|name| names.iter().any(|known| known == name))
        .all(|name| whole(name).is_some_and(|begin| begin <= now + LEEWAY));
    let end = whole("exp").filter(|end| *end > now)?;
    (text(&members, "iss").as_deref() == Some(ISSUER) && is_for_us && has_begun).then_some(end)
}

/// Reads a value; of an array, those elements that can be decoded.
fn lossy(text: &str) -> serde_json::Value {
    let elements: Option<Vec<&serde_json::value::RawValue>> = serde_json::from_str(text).ok();
    let read = |text: &str| serde_json::from_str(text).unwrap_or_default();
    elements
        .map_or_else(|| read(text), |elements| elements.iter().map(|element| read(element.get())).collect())
}
