// The runtime as `wrangler.toml` asks for it: tests and benchmarks start the gateway on the same one.

import { read } from "./pages.js";

const config = read("wrangler.toml");

/** Reads a key of the top level. TOML writes a text, and an array of texts on one line, as JSON does. */
const value = (key) => JSON.parse(new RegExp(`^${key} = (.+)$`, "m").exec(config)[1]);

export const RUNTIME = {
  compatibilityDate: value("compatibility_date"),
  compatibilityFlags: value("compatibility_flags"),
};

/** The same for a configuration of workerd itself. */
export const RUNTIME_CAPNP = `  compatibilityDate = ${JSON.stringify(RUNTIME.compatibilityDate)},
  compatibilityFlags = ${JSON.stringify(RUNTIME.compatibilityFlags)},`;
