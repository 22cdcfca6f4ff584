//! What an assertion claims: by whom it is, for whom, and for how long (RFC 7519, 4.1).

use vtryon_webhooks::Millis;

use super::assertion::{Assertion, VerifiedJwt};
use crate::text::excerpt;
use crate::text::json::{self, Object};

/// How many seconds the clock of Access may be ahead of ours.
const LEEWAY: i64 = 60;

/// How long a name may be that is shown and stored, in bytes: as long as an e-mail address (RFC 5321, 4.5.3.1).
const MAX_NAME: usize = 320;

/// Whom Access has let in.
#[derive(Debug)]
pub struct Identity {
    /// The e-mail address, or the client id of a service token.
    pub name: String,
    /// The groups that the identity provider names, where the Access application passes them on.
    pub groups: Vec<String>,
    pub expires_at: Millis,
}

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

    /// Checks the claims and returns whose they are, or tells the log which of them is wrong.
    pub fn check(&self, verified: &VerifiedJwt, now: Millis) -> Result<Identity, &'static str> {
        self.check_payload(verified.payload(), now)
    }

    fn check_payload(&self, payload: &[u8], now: Millis) -> Result<Identity, &'static str> {
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
        let expires_at = Millis(end.saturating_mul(1000));
        Ok(Identity { name: name(&claims), groups: groups(&claims), expires_at })
    }
}

/// Reads who somebody is. The assertion of a service token has its client id as `common_name`.
fn name(claims: &Object<'_>) -> String {
    let names = ["email", "common_name", "sub"].into_iter().filter_map(|claim| claims.text(claim));
    let name = names.into_iter().find(|name| !name.is_empty()).unwrap_or_else(|| "unknown".to_owned());
    excerpt::line(name.as_bytes(), MAX_NAME)
}

/// Reads the groups: of the assertion itself, and of `custom`, where claims of the identity provider are.
fn groups(claims: &Object<'_>) -> Vec<String> {
    let custom = claims.get("custom").and_then(|custom| Object::parse(custom.as_bytes()));
    let lists = [claims.get("groups"), custom.as_ref().and_then(|custom| custom.get("groups"))];
    lists.into_iter().flatten().flat_map(named).collect()
}

/// Reads one name, or a list of them; anything else names nobody.
fn named(value: &str) -> Vec<String> {
    match json::list(value) {
        Some(names) => names.iter().filter_map(|name| json::text(name)).collect(),
        None => json::text(value).into_iter().collect(),
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
                None => assert!(verdict.is_ok_and(|identity| identity.expires_at > NOW), "{payload}"),
                Some(told) => assert!(verdict.is_err_and(|fault| fault.contains(told)), "{payload}"),
            }
        }
    }

    #[test]
    fn an_identity_has_a_name_and_groups() {
        let expected = Expected { issuer: ISSUER.to_owned(), audiences: vec!["one".to_owned()] };
        // the claims beside those that are checked, the name, the groups
        let rows = [
            (r#""email":"a@b.example","sub":"1""#, "a@b.example", ""),
            (r#""email":"","common_name":"1f.access","sub":"""#, "1f.access", ""),
            (r#""sub":"1""#, "1", ""),
            (r#""type":"app""#, "unknown", ""),
            (r#""email":"a\u202eb""#, "a\u{fffd}b", ""),
            (r#""email":7,"groups":["x","y"]"#, "unknown", "x y"),
            (r#""email":"a","groups":"x","custom":{"groups":["y",7]}"#, "a", "x y"),
            (r#""email":"a","custom":"groups""#, "a", ""),
        ];
        for (claims, name, groups) in rows {
            let payload = format!(r#"{{"iss":"{ISSUER}","aud":"one","exp":1001,{claims}}}"#);
            let identity = expected.check_payload(payload.as_bytes(), NOW).ok();
            let found = identity.map(|identity| (identity.name, identity.groups.join(" ")));
            assert_eq!(found, Some((name.to_owned(), groups.to_owned())), "{claims}");
        }
    }
}
