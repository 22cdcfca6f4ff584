//! Tokens that are created through the API: `vtg_<id><secret><mac>`, in hex.
//!
//! The id finds the token in the directory, which stores the SHA-256 of the whole and nothing more. The MAC is made under
//! a key of the gateway: what no gateway has made is refused without asking the directory, however much of it comes.

use hmac::{Hmac, Mac};
use sha2::Sha256;
use vtryon_webhooks::Digest;
use zeroize::Zeroizing;

use crate::keys::{MasterKey, hmac_sha256};

/// What a token begins with, so that scanners of repositories and logs recognise it.
const PREFIX: &str = "vtg_";

/// What the id begins with where it is shown.
const ID_PREFIX: &str = "tok_";

/// The lengths of the parts, in bytes. The secret has 256 bits. To guess 64 bits of a MAC gains one call of the
/// directory, and no access.
const ID: usize = 8;
const SECRET: usize = 32;
const MAC: usize = 8;

/// How long a token is, in characters.
const LENGTH: usize = PREFIX.len() + 2 * (ID + SECRET + MAC);

/// What the key of the MAC is derived by.
const LABEL: &str = "vtryon-webhooks token 1";

/// Makes tokens, and recognises those that it has made.
pub struct TokenForm(Hmac<Sha256>);

/// A new token. Its text is shown once.
pub struct NewToken {
    pub id: String,
    pub digest: Digest,
    pub text: Zeroizing<String>,
}

/// A token that was sent: made by this gateway, and not yet looked up.
pub struct PresentedToken {
    pub id: String,
    pub digest: Digest,
}

impl TokenForm {
    pub fn new(master: &MasterKey) -> Self {
        Self(hmac_sha256(&master.derive(LABEL)))
    }

    /// Makes a token of random bytes.
    pub fn issue(&self, id: [u8; ID], secret: &[u8; SECRET]) -> NewToken {
        let id = hex::encode(id);
        let mut text = Zeroizing::new(String::with_capacity(LENGTH));
        text.push_str(PREFIX);
        text.push_str(&id);
        text.push_str(&Zeroizing::new(hex::encode(secret)));
        let mac = self.0.clone().chain_update(text.as_bytes()).finalize().into_bytes();
        text.push_str(&hex::encode(mac.get(..MAC).unwrap_or_default()));
        NewToken { id: format!("{ID_PREFIX}{id}"), digest: Digest::of(text.as_bytes()), text }
    }

    /// Reads a token that this gateway has made, in constant time; nothing else has its form.
    pub fn parse(&self, text: &str) -> Option<PresentedToken> {
        // Hex has two cases, a token has one spelling.
        let is_spelled =
            |text: &&str| text.len() == LENGTH && !text.bytes().any(|byte| byte.is_ascii_uppercase());
        let (signed, mac) = Some(text).filter(is_spelled)?.split_at_checked(LENGTH - 2 * MAC)?;
        let mut bytes = [0; MAC];
        hex::decode_to_slice(mac, &mut bytes).ok()?;
        self.0.clone().chain_update(signed).verify_truncated_left(&bytes).ok()?;
        // From here on it is what we have written.
        let id = signed.strip_prefix(PREFIX)?.get(..2 * ID)?;
        Some(PresentedToken { id: format!("{ID_PREFIX}{id}"), digest: Digest::of(text.as_bytes()) })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "that is how a test fails")]

    use super::*;

    fn form(master: &str) -> TokenForm {
        TokenForm::new(&MasterKey::parse(&master.repeat(32)).unwrap())
    }

    /// Programs hold them while the next version is deployed, so the form is pinned.
    #[test]
    fn a_token_is_pinned() {
        let token = form("0f").issue([0xab; ID], &[7; SECRET]);
        assert_eq!(token.id, "tok_abababababababab");
        assert_eq!(*token.text, format!("vtg_abababababababab{}86c468cf0625dd2a", "07".repeat(32)));
    }

    #[test]
    fn a_token_is_recognised_by_the_gateway_that_made_it_and_in_no_other_form() {
        let form_of_ours = form("0f");
        let token = form_of_ours.issue([1; ID], &[2; SECRET]);
        let read = form_of_ours.parse(&token.text).unwrap();
        assert_eq!((&read.id, read.digest), (&token.id, token.digest));
        assert!(form("0e").parse(&token.text).is_none(), "under another master key");
        for at in 0..token.text.len() {
            for digit in ["0", "1", "f", "F", "_", "x", &token.text[at..=at].to_uppercase()] {
                let mut altered = token.text.to_string();
                altered.replace_range(at..=at, digit);
                assert!(altered == *token.text || form_of_ours.parse(&altered).is_none(), "{altered}");
            }
            assert!(form_of_ours.parse(&token.text[..at]).is_none());
        }
        for text in [
            "",
            "vtg_",
            &format!("{}0", *token.text),
            &format!(" {}", *token.text),
            &"\u{e4}".repeat(LENGTH / 2),
        ] {
            assert!(form_of_ours.parse(text).is_none(), "{text:?}");
        }
    }
}
