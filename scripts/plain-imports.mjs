// Makes what wasm calls in JavaScript cheap to call: `node plain-imports.mjs FILE`, the file in place.
//
// So that wasm can catch what they throw, wasm-bindgen wraps its imports: each call makes a function and an object of
// its arguments, and applies the one to the other. A `try` around the same code does the same for a fraction of it:
// a webhook makes dozens of such calls.

import { readFileSync, writeFileSync } from "node:fs";

const WRAPPED =
  /function\(\) \{\n\s*return wrapError\(function\(([^)]*)\) \{\n([\s\S]*?)\n\s*\}, arguments\);\n\s*\}/g;

/** What was thrown goes the way that wasm-bindgen has for it. */
const RETHROW = "\nfunction rethrow(fault) {\n  throw fault;\n}\n";

const [file] = process.argv.slice(2);
const glue = readFileSync(file, "utf8");
const plain = glue.replace(
  WRAPPED,
  (_, parameters, body) =>
    `function(${parameters}) { try {\n${body}\n} catch (fault) { wrapError(rethrow, [fault]); } }`,
);
if (plain === glue || plain.includes("arguments);")) {
  throw new Error(`${file}: the imports are not as wasm-bindgen wrote them; look at its new form`);
}
writeFileSync(file, plain + RETHROW);
