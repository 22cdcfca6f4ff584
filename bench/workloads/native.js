// The core as Rust calls it, beside other crates: bench/native measures, in rounds of its own.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { SECRET, SIZES, signed } from "../lib/corpus.js";

const ROOT = path.resolve(import.meta.dirname, "../..");

/** The program is built for speed, as a receiver in Rust is; the Worker and the npm package are built small. */
const PROFILE = "native";

/** The sizes at which the hash is all that counts. */
const LARGE = ["16 KB", "256 KB", "1 MB"];

/** Returns the version of a crate, of several the first. */
function versionOf(crate) {
  const lock = readFileSync(path.join(ROOT, "Cargo.lock"), "utf8");
  return new RegExp(`name = "${crate}"\nversion = "([^"]+)"`).exec(lock)[1];
}

export default {
  name: "native",
  title: "Native: verify",
  unit: "µs",
  about:
    "The core as a Rust program calls it. Our second line also reads the header and the event.",
  short: true,

  async measure({ short }) {
    const cases = Object.keys(SIZES).map((name) => {
      const { body, signature } = signed(name);
      return { case: name, body: body.toString(), signature };
    });
    const how = { rounds: short ? 5 : 9, slots: short ? 6 : 12, slotMs: 3 };
    const input = JSON.stringify({ secret: SECRET, how, cases });
    const run = ["run", "--quiet", `--profile=${PROFILE}`, "--package=vtryon-webhooks-bench"];
    const output = execFileSync("cargo", run, {
      cwd: ROOT,
      input,
      encoding: "utf8",
      stdio: ["pipe", "pipe", "inherit"],
    });
    const peer = (name) => ({ name, role: "peer", version: versionOf(name) });
    return {
      cases: JSON.parse(output),
      variants: [
        { name: "ours", role: "ours", version: versionOf("vtryon-webhooks") },
        { name: "ours, event read", role: "ours" },
        peer("ring"),
        peer("standardwebhooks"),
        { name: "hmac, a key per call", role: "peer", version: versionOf("hmac") },
        { name: "one SHA-256", role: "limit", version: versionOf("sha2") },
      ],
      floors: [
        { case: "350 B", of: "ring", over: "ours", target: 0.85 },
        { case: "350 B", of: "standardwebhooks", over: "ours", target: 6 },
        ...LARGE.map((name) => ({ case: name, of: "one SHA-256", over: "ours", target: 0.97 })),
      ],
    };
  },
};
