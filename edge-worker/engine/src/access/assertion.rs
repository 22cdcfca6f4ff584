//! An assertion: a JSON Web Token (RFC 7519) with an RSA signature, taken apart and verified.

use base64ct::{Base64UrlUnpadded, Encoding};

use crate::text::json::Object;

/// How long an assertion may be, in bytes. Access makes them about one thousand long.
const LIMIT: usize = 8192;

/// An assertion of which nothing is known but its form.
pub struct Assertion<'a> {
    kid: String,
    signed: &'a str,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

/// The payload of an assertion that the team has signed. Only [`Assertion::accept`] makes one.
pub struct VerifiedJwt(Vec<u8>);

impl<'a> Assertion<'a> {
    /// Takes apart `<header>.<payload>.<signature>` (RFC 7515, 3.1), and tells the log what is wrong.
    ///
    /// The algorithm is RS256, the only one that Access signs with. That a token could choose it is how
    /// others were made to take a public key for a shared secret, or no signature for one.
    pub fn parse(text: &'a str) -> Result<Self, &'static str> {
        const FORM: &str = "its Access assertion is not a signed token";
        if text.len() > LIMIT {
            return Err("its Access assertion is longer than 8 KiB");
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(FORM)?;
        let (header, payload) = signed.split_once('.').ok_or(FORM)?;
        let [header, payload, signature] =
            [header, payload, signature].map(|part| Base64UrlUnpadded::decode_vec(part).or(Err(FORM)));
        let header = header?;
        let header = Object::parse(&header).ok_or(FORM)?;
        // RFC 7515, 4.1.11: `crit` names what has to be understood, and we understand nothing more.
        if header.text("alg").as_deref() != Some("RS256") || header.get("crit").is_some() {
            return Err("its Access assertion is not signed by RS256");
        }
        let kid = header.text("kid").ok_or(FORM)?;
        Ok(Self { kid, signed, payload: payload?, signature: signature? })
    }

    /// Returns the name of the key that it says it is signed with.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Returns what it claims while nobody knows whether that is true: a reason to refuse it, never one to let it in.
    pub fn claimed(&self) -> &[u8] {
        &self.payload
    }

    /// Returns what is signed.
    pub const fn message(&self) -> &[u8] {
        self.signed.as_bytes()
    }

    /// Returns the signature of the message, which the platform verifies by the key that is named.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// Takes the answer: whether the key's holder has signed the message with the signature.
    pub fn accept(self, is_signed: bool) -> Option<VerifiedJwt> {
        is_signed.then_some(VerifiedJwt(self.payload))
    }
}

impl VerifiedJwt {
    pub fn payload(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// the token, a part of the error; none where its form is good
    const TOKENS: [(&str, Option<&str>); 22] = [
        // {"alg":"RS256","kid":"k"}
        ("eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.e30.AA", None),
        ("eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ..", None),
        ("eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.e30", Some("not a signed token")),
        ("eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.e30.AA.AA", Some("not a signed token")),
        ("eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.e30.AA==", Some("not a signed token")),
        ("eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.e30.AB", Some("not a signed token")),
        (" eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.e30.AA", Some("not a signed token")),
        // What base64url writes, and every wrong form of it: RFC 4648, 10.
        ("eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.e30.-_-_", None),
        ("eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.e30.+/-_", Some("not a signed token")),
        ("eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.e30.Zm9", Some("not a signed token")),
        ("eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.e30.Z", Some("not a signed token")),
        ("eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.e30.Zm9vY", Some("not a signed token")),
        ("eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.e30.Zm 8", Some("not a signed token")),
        ("eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.e30.Zm9v\n", Some("not a signed token")),
        ("eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.e30.Zm\u{f6}v", Some("not a signed token")),
        ("e30.e30.AA", Some("RS256")),
        // ["RS256","k",null]
        ("WyJSUzI1NiIsImsiLG51bGxd.e30.AA", Some("not a signed token")),
        ("", Some("not a signed token")),
        // {"alg":"none","kid":"k"}, {"alg":"HS256","kid":"k"}, {"alg":"rs256","kid":"k"}
        ("eyJhbGciOiJub25lIiwia2lkIjoiayJ9.e30.", Some("RS256")),
        ("eyJhbGciOiJIUzI1NiIsImtpZCI6ImsifQ.e30.AA", Some("RS256")),
        ("eyJhbGciOiJyczI1NiIsImtpZCI6ImsifQ.e30.AA", Some("RS256")),
        // {"alg":"RS256","kid":"k","crit":["exp"]}
        ("eyJhbGciOiJSUzI1NiIsImtpZCI6ImsiLCJjcml0IjpbImV4cCJdfQ.e30.AA", Some("RS256")),
    ];

    #[test]
    fn one_form_and_one_algorithm() {
        for (token, told) in TOKENS {
            match (Assertion::parse(token), told) {
                (Ok(assertion), None) => assert_eq!(assertion.kid(), "k", "{token}"),
                (Err(fault), Some(told)) => assert!(fault.contains(told), "{token}: {fault}"),
                (Ok(_), Some(told)) => assert!(told.is_empty(), "{token} is taken"),
                (Err(fault), None) => assert!(fault.is_empty(), "{token}: {fault}"),
            }
        }
        for (is_signed, payload) in [(true, Some(&b"{}"[..])), (false, None)] {
            let assertion = Assertion::parse("eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.e30.AQ");
            assert!(assertion.as_ref().is_ok_and(|assertion| assertion.claimed() == b"{}"));
            let message = &b"eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.e30"[..];
            let parts = assertion.as_ref().ok().map(|assertion| (assertion.message(), assertion.signature()));
            assert_eq!(parts, Some((message, &[1][..])));
            let accepted = assertion.ok().and_then(|assertion| assertion.accept(is_signed));
            assert_eq!(accepted.as_ref().map(VerifiedJwt::payload), payload);
        }
        let long = format!("eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.{}.AA", "AAAA".repeat(2048));
        assert!(Assertion::parse(&long).is_err_and(|fault| fault.contains("8 KiB")));
    }
}
