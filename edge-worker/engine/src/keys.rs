//! The master key, and the keys that are derived from it, one for each purpose.

use base64ct::{Base64, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

/// The 32 bytes that all other keys of the gateway come from. It is not printed, and its memory is
/// overwritten when it goes.
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl MasterKey {
    /// Reads 32 bytes written as 64 hex digits or in base64; anything else is no key.
    pub fn parse(text: &str) -> Option<Self> {
        let mut key = Zeroizing::new([0; 32]);
        // 64 hex digits would be 48 bytes in base64, so no text can be read in both ways.
        if hex::decode_to_slice(text, &mut *key).is_err() {
            key = decode_pasted(text)?;
        }
        Some(Self(key))
    }

    /// Derives the key for the purpose that `label` names: HMAC-SHA256 of the label, under this key.
    pub fn derive(&self, label: &str) -> Zeroizing<[u8; 32]> {
        derive(&self.0, label.as_bytes())
    }
}

/// How many digits of base64 write 32 bytes, without padding.
const DIGITS: usize = 43;

/// Decodes 32 bytes in base64 as people paste it: in either alphabet of RFC 4648, with padding or without, and whatever
/// the two bits are that the last digit has to spare.
fn decode_pasted(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let digits = text.strip_suffix('=').unwrap_or(text);
    if digits.len() != DIGITS {
        return None;
    }
    // With one digit more they write whole bytes, of which the last one is made of spare bits.
    let mut whole = Zeroizing::new([b'A'; DIGITS + 1]);
    for (to, digit) in whole.iter_mut().zip(digits.bytes()) {
        *to = match digit {
            b'-' => b'+',
            b'_' => b'/',
            other => other,
        };
    }
    let mut bytes = Zeroizing::new([0; 33]);
    Base64::decode(whole.as_slice(), &mut *bytes).ok()?;
    let mut key = Zeroizing::new([0; 32]);
    key.copy_from_slice(bytes.first_chunk::<32>()?);
    Some(key)
}

/// Derives a key from another one: HMAC-SHA256 of `info`. Its memory is overwritten when it is dropped.
pub fn derive(key: &[u8; 32], info: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut mac = hmac_sha256(key).chain_update(info).finalize().into_bytes();
    let mut derived = Zeroizing::new([0; 32]);
    derived.copy_from_slice(&mac);
    mac.as_mut_slice().zeroize();
    derived
}

/// Prepares HMAC-SHA256 (RFC 2104) under a key of 32 bytes.
pub fn hmac_sha256(key: &[u8; 32]) -> Hmac<Sha256> {
    // RFC 2104, 2: a key that is shorter than a block is padded with zeros.
    let mut block = Zeroizing::new([0; 64]);
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    Hmac::new((&*block).into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "that is how a test fails")]

    use super::*;

    const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff";

    /// One key in every way that it may be written.
    const SAME: [&str; 6] = [
        HEX,
        "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1EFF",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHv8=",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHv8",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHv9=",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHv9",
    ];

    /// Another key in both alphabets.
    const ALPHABETS: [&str; 2] =
        ["-_-_AwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHv8=", "+/+/AwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHv8"];

    const NONE: [&str; 13] = [
        "",
        "0f",
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e",
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff00",
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1ef ",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHv8A",
        " AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHv8=",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHv8==",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHv8\n",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHv=8",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd Hv8",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHv",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdH\u{f6}8",
    ];

    #[test]
    fn a_key_is_32_bytes_in_hex_or_base64() {
        for text in SAME {
            assert_eq!(hex::encode(*MasterKey::parse(text).unwrap().0), HEX, "{text}");
        }
        for text in ALPHABETS {
            let hex = HEX.replace("000102", "fbffbf");
            assert_eq!(hex::encode(*MasterKey::parse(text).unwrap().0), hex, "{text}");
        }
        for text in NONE {
            assert!(MasterKey::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn keys_are_overwritten_when_they_are_dropped() {
        fn is_overwritten<T: zeroize::ZeroizeOnDrop>(_: &T) {}
        let master = MasterKey::parse(HEX).unwrap();
        is_overwritten(&master.0);
        is_overwritten(&master.derive(""));
        is_overwritten(&derive(&master.0, b""));
    }

    /// What is sealed under these keys is read back by later versions, so they are pinned.
    #[test]
    fn derived_keys_are_pinned() {
        let pinned = [
            ("vtryon-webhooks secrets 1", "0ad99defc378092648ac79522c158f4f52c105bdb3d4ce8ab8e3f919ce2f171d"),
            ("vtryon-webhooks seal 1", "e88f4cf3d89676423e6d63ed36522a23492cc6506f486c3101685d2ef85a15de"),
            ("vtryon-webhooks session 1", "661b02ececf3a88d47a40c4ed0e64a7e6be44efc0c78d9b5f01c3863d86980cd"),
        ];
        let master = MasterKey::parse(HEX).unwrap();
        for (label, key) in pinned {
            assert_eq!(hex::encode(*master.derive(label)), key, "{label}");
        }
    }
}
