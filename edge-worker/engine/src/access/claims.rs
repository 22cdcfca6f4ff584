//! What an assertion claims: by whom it is, for whom, and for how long (RFC 7519, 4.1).

use vtryon_webhooks::Millis;

use super::assertion::{Assertion, VerifiedJwt};
use crate::json::{self, Object};

/// How many seconds the clock of Access may be ahead of ours.
const LEEWAY: i64 = 60;

/// What an assertion has to claim.
pub struct Expected {
    pub issuer: String,
    pub audiences: Vec<String>,
}

impl Expected {
    /// Refuses what could not let in even if its signature were right, before anything costly is done for it.
    pub fn precheck(&self, assertion: &Assertion<'_>, now: Millis) -> Result<(), &'static str> {
        self.check_payload(assertion.claimed(), now).map(|_| ())
    }

    /// Checks the claims and returns when they expire, or tells the log which of them is wrong.
    pub fn check(&self, verified: &VerifiedJwt, now: Millis) -> Result<Millis, &'static str> {
        self.check_payload(verified.payload(), now)
    }

    fn check_payload(&self, payload: &[u8], now: Millis) -> Result<Millis, &'static str> {
        let claims = Object::parse(payload).ok_or("its Access assertion claims nothing")?;
        if claims.text("iss").as_deref() != Some(&self.issuer) {
            return Err("its Access assertion is of another team: iss");
        }
        let is_named = |aud| named(aud).iter().any(|name| self.audiences.contains(name));
        if !claims.get("aud").is_some_and(is_named) {
            return Err("its Access assertion is for another application: aud");
        }
        let now = now.0.div_euclid(1000);
        let end = claims.get("exp").and_then(time).filter(|end| *end > now);
        let end = end.ok_or("its Access assertion has expired: exp")?;
        // The assertions of service tokens have no `nbf`.
        let has_begun = |begin| time(begin).is_some_and(|begin| begin <= now.saturating_add(LEEWAY));
        if !["nbf", "iat"].into_iter().filter_map(|name| claims.get(name)).all(has_begun) {
            return Err("its Access assertion begins in the future: nbf or iat");
        }
        Ok(Millis(end.saturating_mul(1000)))
    }
}

/// Reads an audience: one name, or a list of them; anything else names nobody.
fn named(aud: &str) -> Vec<String> {
    match json::list(aud) {
        Some(names) => names.iter().filter_map(|name| json::text(name)).collect(),
        None => json::text(aud).into_iter().collect(),
    }
}

/// Reads a time as Access writes it, in whole seconds since 1970; any other number is none.
fn time(number: &str) -> Option<i64> {
    number.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://acme.cloudflareaccess.com";
    const NOW: Millis = Millis(1_000_500);

    /// the payload, a word of the error; none where it is good
    const PAYLOADS: [(&str, Option<&str>); 26] = [
        (r#"{"iss":"ISS","aud":"one","exp":1001}"#, None),
        (r#"{"iss":"ISS","aud":["one"],"exp":1001,"nbf":1060,"iat":1060,"email":"a@b"}"#, None),
        (r#"{"iss":"ISS","aud":["x","two"],"exp":9223372036854775807,"nbf":-1}"#, None),
        (r#"{"iss":"ISS","aud":"one","exp":1000}"#, Some("exp")),
        (r#"{"iss":"ISS","aud":"one","exp":-9223372036854775808}"#, Some("exp")),
        (r#"{"iss":"ISS","aud":"one","exp":1001,"nbf":1061}"#, Some("nbf")),
        (r#"{"iss":"ISS","aud":"one","exp":1001,"iat":1061}"#, Some("iat")),
        (r#"{"iss":"ISS/","aud":"one","exp":1001}"#, Some("iss")),
        (r#"{"iss":"https://evil.example","aud":"one","exp":1001}"#, Some("iss")),
        (r#"{"iss":"ISS","aud":"on","exp":1001}"#, Some("aud")),
        (r#"{"iss":"ISS","aud":"one,two","exp":1001}"#, Some("aud")),
        (r#"{"iss":"ISS","aud":[],"exp":1001}"#, Some("aud")),
        (r#"{"iss":"ISS","aud":["o",1,null],"exp":1001}"#, Some("aud")),
        (r#"{"iss":"ISS","aud":{"one":"one"},"exp":1001}"#, Some("aud")),
        (r#"{"iss":"ISS","aud":null,"exp":1001}"#, Some("aud")),
        (r#"{"iss":"ISS","exp":1001}"#, Some("aud")),
        (r#"{"aud":"one","exp":1001}"#, Some("iss")),
        (r#"{"iss":"ISS","aud":"one"}"#, Some("exp")),
        (r#"{"iss":"ISS","aud":"one","exp":"1001"}"#, Some("exp")),
        (r#"{"iss":"ISS","aud":"one","exp":1e99}"#, Some("exp")),
        (r#"{"iss":"ISS","aud":"one","exp":99999999999999999999}"#, Some("exp")),
        (r#"{"iss":"ISS","aud":"one","exp":1001,"nbf":null}"#, Some("nbf")),
        (r#"{"iss":"ISS","aud":"one","exp":1001,"iat":"1000"}"#, Some("iat")),
        (r#"{"iss":"ISS","aud":"one","exp":1001,"exp":1001}"#, Some("nothing")),
        (r#"["ISS","one",1001,null,null]"#, Some("nothing")),
        ("", Some("nothing")),
    ];

    #[test]
    fn claims_decide() {
        let expected =
            Expected { issuer: ISSUER.to_owned(), audiences: vec!["one".to_owned(), "two".to_owned()] };
        for (payload, told) in PAYLOADS {
            let payload = payload.replace("ISS", ISSUER);
            let verdict = expected.check_payload(payload.as_bytes(), NOW);
            match told {
                None => assert!(verdict.is_ok_and(|end| end > NOW), "{payload}"),
                Some(told) => assert!(verdict.is_err_and(|fault| fault.contains(told)), "{payload}"),
            }
        }
    }
}
