/** The compiled core: a module where the platform compiles it, else its bytes in base64. */
declare const wasm: WebAssembly.Module | string;
export default wasm;
