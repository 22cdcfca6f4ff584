//! Cloudflare Access: whom it has let in, it says in a signed assertion with every request.
//!
//! <https://developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/authorization-cookie/validating-json/>

mod certs;

use std::rc::Rc;

use vtryon_gateway_engine::access::assertion::Assertion;
use vtryon_gateway_engine::access::claims::{Expected, Identity};
use vtryon_webhooks::Millis;

use self::certs::Certs;
use crate::http::response::ApiError;

/// The domain that every team has its own under.
const DOMAIN: &str = ".cloudflareaccess.com";

/// The team that lets in, and the applications that it lets into.
pub(crate) struct Access {
    expected: Expected,
    certs: Rc<Certs>,
}

impl Access {
    /// Takes what [`Access::issuer`] and [`Access::audiences`] have read.
    pub(crate) fn new(issuer: String, audiences: Vec<String>) -> Self {
        let certs = Rc::new(Certs::new(format!("{issuer}/cdn-cgi/access/certs")));
        Self { expected: Expected { issuer, audiences }, certs }
    }

    /// Reads a team's name, or its domain, as the issuer that its assertions name.
    pub(crate) fn issuer(team: &str) -> Option<String> {
        let team = team.to_ascii_lowercase();
        let name = team.strip_suffix(DOMAIN).unwrap_or(&team);
        // RFC 1123, 2.1: what a label of a domain may be. Nothing in it can lead a fetch to another host.
        let is_label = (1..=63).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !name.starts_with('-')
            && !name.ends_with('-');
        is_label.then(|| format!("https://{name}{DOMAIN}"))
    }

    /// Reads the audience tags of applications: 64 hex digits each, with commas between them.
    pub(crate) fn audiences(list: &str) -> Option<Vec<String>> {
        let tag = |tag: &str| {
            let tag = tag.trim_ascii();
            let is_tag = tag.len() == 64 && tag.bytes().all(|byte| byte.is_ascii_hexdigit());
            is_tag.then(|| tag.to_ascii_lowercase())
        };
        list.split(',').map(tag).collect()
    }

    /// Checks an assertion: its form, what it claims, its signature, and then what is claimed under that. Tells the
    /// log what is wrong with it. What costs little comes first, so that RSA and fetches are spent only on what
    /// claims to be for us.
    ///
    /// # Errors
    /// `unavailable` where the team's keys can't be had: then nobody can be let in.
    pub(super) async fn check(
        &self,
        assertion: &str,
        now: Millis,
    ) -> Result<Result<Identity, &'static str>, ApiError> {
        let assertion = match Assertion::parse(assertion) {
            Ok(assertion) => assertion,
            Err(fault) => return Ok(Err(fault)),
        };
        if let Err(fault) = self.expected.precheck(&assertion, now) {
            return Ok(Err(fault));
        }
        let Some(key) = self.certs.key(assertion.kid(), now).await? else {
            return Ok(Err("its Access assertion is signed with a key that the team does not have"));
        };
        let is_signed = key.verify(assertion.message(), assertion.signature()).await?;
        let Some(verified) = assertion.accept(is_signed) else {
            return Ok(Err("the signature of its Access assertion is wrong"));
        };
        Ok(self.expected.check(&verified, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_team_is_a_name_or_a_domain() {
        let long = "a".repeat(64);
        let teams = [
            ("acme", Some("https://acme.cloudflareaccess.com")),
            ("acme.cloudflareaccess.com", Some("https://acme.cloudflareaccess.com")),
            ("ACME-2", Some("https://acme-2.cloudflareaccess.com")),
            ("", None),
            (".cloudflareaccess.com", None),
            ("https://acme.cloudflareaccess.com", None),
            ("acme.cloudflareaccess.com/", None),
            ("acme.cloudflareaccess.com.", None),
            ("acme.example.com", None),
            ("acme/x", None),
            ("acme@evil", None),
            ("acme#", None),
            ("acme ", None),
            ("-acme", None),
            ("acme-", None),
            ("\u{e4}cme", None),
            (&long, None),
        ];
        for (team, issuer) in teams {
            assert_eq!(Access::issuer(team).as_deref(), issuer, "{team}");
        }
    }

    #[test]
    fn audiences_are_tags_between_commas() {
        let tag = "0123456789abcdef".repeat(4);
        let lists = [
            (tag.clone(), Some(1)),
            (tag.to_uppercase(), Some(1)),
            (format!("{tag},{tag}"), Some(2)),
            (format!(" {tag}, {tag} "), Some(2)),
            (String::new(), None),
            (format!("{tag},"), None),
            (format!("{tag} {tag}"), None),
            (format!("{tag}0"), None),
            (tag.replace('f', "g"), None),
        ];
        for (list, count) in lists {
            let read = Access::audiences(&list);
            assert_eq!(read.as_ref().map(Vec::len), count, "{list}");
            assert!(read.unwrap_or_default().iter().all(|read| *read == tag), "{list}");
        }
    }
}
