//! Makes the JavaScript for the Worker or for the npm package, from the WebAssembly that cargo has built:
//!     bindgen worker|npm WASM FOLDER

use std::env::args;

use anyhow::{Result, bail};
use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<()> {
    let arguments: Vec<String> = args().skip(1).collect();
    let [kind, wasm, folder] = arguments.as_slice() else { bail!("usage: bindgen worker|npm WASM FOLDER") };
    let mut bindgen = Bindgen::new();
    // The names of functions are a third of the bytes.
    bindgen.input_path(wasm).typescript(false).remove_name_section(true).remove_producers_section(true);
    match kind.as_str() {
        // The entry starts the instance, and after an abort another one (edge-worker/entry.js).
        "worker" => bindgen
            .web(true)?
            .omit_default_module_path(true)
            .reset_state_function(true)
            .force_enable_abort_handler(true)
            .out_name("gateway"),
        "npm" => bindgen.bundler(true)?.out_name("engine"),
        _ => bail!("{kind} is neither worker nor npm"),
    };
    bindgen.generate(folder)
}
