// Writes the vectors, with node:crypto as the oracle for what is signed, Node's URL for the URLs that are
// taken, and the tables below for everything else: `node tests/vectors/generate.js`. With --check it only
// compares.

import { readFileSync, writeFileSync } from "node:fs";
import { delivery } from "./generate/delivery.js";
import { diagnosis } from "./generate/diagnosis.js";
import { endpoint } from "./generate/endpoint.js";
import { event } from "./generate/event.js";
import { health } from "./generate/health.js";
import { lifecycle } from "./generate/lifecycle.js";
import { retry } from "./generate/retry.js";
import { secret } from "./generate/secret.js";
import { shard } from "./generate/shard.js";
import { signature } from "./generate/signature.js";
import { standardWebhooks } from "./generate/standard-webhooks.js";

const check = process.argv.includes("--check");
const stale = [];
const files = {
  secret,
  signature,
  event,
  lifecycle,
  shard,
  retry,
  health,
  endpoint,
  delivery,
  diagnosis,
  standard_webhooks: standardWebhooks,
};
for (const [name, vectors] of Object.entries(files)) {
  const names = vectors.map((vector) => vector.name);
  const repeated = names.filter((name, place) => names.indexOf(name) !== place);
  if (repeated.length > 0) throw new Error(`${name}: named twice: ${repeated}`);
  const file = new URL(`${name}.json`, import.meta.url);
  const text = `[\n${vectors.map((vector) => `  ${JSON.stringify(vector)}`).join(",\n")}\n]\n`;
  if (!check) writeFileSync(file, text);
  else if (readFileSync(file, "utf8") !== text) stale.push(`${name}.json`);
}
if (stale.length > 0) {
  console.error(`not as generated: ${stale.join(", ")}; run node tests/vectors/generate.js`);
  process.exit(1);
}
