//! RSA signatures, verified by the platform's WebCrypto: in the Worker's own code they would double it.

use js_sys::{Array, Promise, Uint8Array};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::wasm_bindgen;

use super::{import_key, object};

/// RSASSA-PKCS1-v1_5, which with SHA-256 is RS256 (RFC 7518, 3.3).
const ALGORITHM: &str = "RSASSA-PKCS1-v1_5";

/// A public key as WebCrypto holds it. It belongs to no request, so it is kept between them.
#[derive(Clone)]
pub(crate) struct PublicKey(JsValue);

impl PublicKey {
    /// Takes the modulus and the exponent, in base64url (RFC 7518, 6.3.1).
    pub(crate) async fn import(modulus: &str, exponent: &str) -> worker::Result<Self> {
        let jwk = object([("kty", "RSA".into()), ("n", modulus.into()), ("e", exponent.into())])?;
        let algorithm = object([("name", ALGORITHM.into()), ("hash", "SHA-256".into())])?;
        let usages = Array::of1(&"verify".into());
        let key = import_key("jwk", &jwk, &algorithm, false, &usages)?.await?;
        Ok(Self(key))
    }

    /// Returns whether the holder of the private key has signed `message`.
    pub(crate) async fn verify(&self, message: &[u8], signature: &[u8]) -> worker::Result<bool> {
        let good =
            verify(ALGORITHM, &self.0, &Uint8Array::from(signature), &Uint8Array::from(message))?.await?;
        Ok(good.is_truthy())
    }
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"])]
    fn verify(
        algorithm: &str,
        key: &JsValue,
        signature: &Uint8Array,
        data: &Uint8Array,
    ) -> Result<Promise, JsValue>;
}
