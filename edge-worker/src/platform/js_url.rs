//! URLs as the platform reads them (WHATWG URL), which is how it calls them.

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::wasm_bindgen;

/// The longest host with a port, in bytes (RFC 1035, 2.3.4).
const MAX_HOST: usize = 253 + ":65535".len();

#[wasm_bindgen]
extern "C" {
    /// A URL that the platform can read.
    #[wasm_bindgen(js_name = URL)]
    pub(crate) type Url;

    #[wasm_bindgen(catch, constructor, js_class = "URL")]
    pub(crate) fn new(url: &str) -> Result<Url, JsValue>;

    #[wasm_bindgen(catch, constructor, js_class = "URL")]
    fn with_base(url: &str, base: &str) -> Result<Url, JsValue>;

    /// Returns the scheme and the host, and the port where it is not the scheme's own.
    #[wasm_bindgen(method, getter)]
    pub(crate) fn origin(this: &Url) -> String;

    #[wasm_bindgen(method, getter)]
    fn host(this: &Url) -> String;
}

/// Returns the host, and the port where it is not the scheme's own, that a header `location` leads to
/// (RFC 9110, 10.2.2). The path and the query may hold secrets, so they are not kept.
pub(crate) fn location_host(location: &str, base: &str) -> Option<String> {
    let host = Url::with_base(location, base).ok()?.host();
    let is_plain = host.bytes().all(|byte| byte.is_ascii_graphic());
    (is_plain && (1..=MAX_HOST).contains(&host.len())).then_some(host)
}
