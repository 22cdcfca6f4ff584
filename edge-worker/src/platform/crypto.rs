//! The platform's WebCrypto (W3C), as far as it is used here: AES-GCM, RSA, and random bytes.

pub(crate) mod rsa;

use js_sys::{Array, Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::wasm_bindgen;
use zeroize::Zeroizing;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = crypto, js_name = getRandomValues)]
    fn get_random_values(array: &Uint8Array) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"], js_name = importKey)]
    fn import_key(
        format: &str,
        key: &JsValue,
        algorithm: &JsValue,
        extractable: bool,
        usages: &Array,
    ) -> Result<Promise, JsValue>;

    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"])]
    fn encrypt(algorithm: &Object, key: &JsValue, data: &Uint8Array) -> Result<Promise, JsValue>;

    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"])]
    fn decrypt(algorithm: &Object, key: &JsValue, data: &Uint8Array) -> Result<Promise, JsValue>;
}

/// The length of AES-GCM's nonce in bytes (NIST SP 800-38D, 8.2).
const NONCE: usize = 12;

/// Returns random bytes that are no secret: nonces and ids.
pub(crate) fn random<const N: usize>() -> worker::Result<[u8; N]> {
    let mut bytes = [0; N];
    fill_random(&mut bytes)?;
    Ok(bytes)
}

/// Returns a random key. Its memory is overwritten when it is dropped.
pub(crate) fn random_key() -> worker::Result<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0; 32]);
    fill_random(&mut *key)?;
    Ok(key)
}

fn fill_random(bytes: &mut [u8]) -> worker::Result<()> {
    let array = Uint8Array::new_with_length(bytes.len() as u32);
    get_random_values(&array)?;
    array.copy_to(bytes);
    erase(&array);
    Ok(())
}

/// Encrypts under a key of 32 bytes, bound to `context`: a fresh nonce, then what AES-GCM makes of it.
pub(crate) async fn seal(key: &[u8; 32], context: &str, plain: &[u8]) -> worker::Result<Vec<u8>> {
    let nonce = random::<NONCE>()?;
    let key = aes_key(key).await?;
    let plain = Uint8Array::from(plain);
    // WebCrypto copies the bytes before it returns the promise (W3C Web Cryptography, 14.3.1).
    let encrypted = encrypt(&aes_gcm(&nonce, context)?, &key, &plain);
    erase(&plain);
    let sealed = encrypted?.await?;
    Ok([&nonce[..], &Uint8Array::new(&sealed).to_vec()].concat())
}

/// Decrypts what [`seal`] made; with another key or context, or a byte changed, there is nothing.
/// The memory of what is returned is overwritten when it is dropped.
pub(crate) async fn open(
    key: &[u8; 32],
    context: &str,
    sealed: &[u8],
) -> worker::Result<Option<Zeroizing<Vec<u8>>>> {
    let Some((nonce, sealed)) = sealed.split_at_checked(NONCE) else { return Ok(None) };
    let key = aes_key(key).await?;
    let plain = decrypt(&aes_gcm(nonce, context)?, &key, &sealed.into())?.await;
    Ok(plain.ok().map(|plain| {
        let array = Uint8Array::new(&plain);
        let bytes = Zeroizing::new(array.to_vec());
        erase(&array);
        bytes
    }))
}

async fn aes_key(key: &[u8; 32]) -> worker::Result<JsValue> {
    let usages = Array::of2(&"encrypt".into(), &"decrypt".into());
    let raw = Uint8Array::from(&key[..]);
    let imported = import_key("raw", raw.as_ref(), &JsValue::from_str("AES-GCM"), false, &usages);
    erase(&raw);
    Ok(imported?.await?)
}

/// Overwrites a copy of a secret in JavaScript's memory. Copies that the runtime makes are out of reach.
fn erase(array: &Uint8Array) {
    array.fill(0, 0, array.length());
}

fn aes_gcm(nonce: &[u8], context: &str) -> worker::Result<Object> {
    object([
        ("name", "AES-GCM".into()),
        ("iv", Uint8Array::from(nonce).into()),
        ("additionalData", Uint8Array::from(context.as_bytes()).into()),
    ])
}

/// Makes an object of JavaScript.
fn object<const N: usize>(members: [(&str, JsValue); N]) -> worker::Result<Object> {
    let object = Object::new();
    for (name, value) in members {
        Reflect::set(&object, &name.into(), &value)?;
    }
    Ok(object)
}
