// Mutated bodies: Rust, npm and Python refuse the same ones, each by the same code, field and offset, and read the same
// events out of the others.

import assert from "node:assert/strict";
import { test } from "node:test";
import { sign } from "../vectors/generate/bytes.js";
import { mutants } from "./support/mutants.js";
import { RUNNERS } from "./support/runners.js";
import { told } from "./support/told.js";

const COUNT = 25_000;
const SEED = Number(process.env.SEED ?? 20261129);
const SECRET = { text: "whsec_test" };
const LANGUAGES = { Rust: RUNNERS.native, npm: RUNNERS.esm, Python: RUNNERS.python };

const question = (body) => {
  const hex = body.toString("hex");
  return {
    secrets: [Buffer.from(SECRET.text).toString("hex")],
    signatures: [sign(SECRET, { hex })],
    body: hex,
  };
};

/** What has to be the same everywhere. */
function verdict(answer) {
  const { code, field = null, offset = null, event = null } = told("open", answer);
  return { code, field, offset, event };
}

test(`${COUNT} mutated bodies have one verdict`, async () => {
  const questions = Array.from(mutants(COUNT, SEED), question);
  const asked = Object.values(LANGUAGES).map((ask) => ask(questions));
  const [rust, ...others] = (await Promise.all(asked)).map((answers) => answers.map(verdict));
  const counts = new Map();
  for (const [place, should] of rust.entries()) {
    counts.set(should.code, (counts.get(should.code) ?? 0) + 1);
    const body = Buffer.from(questions[place].body, "hex");
    for (const [no, name] of Object.keys(LANGUAGES).slice(1).entries()) {
      const why = `${name}, seed ${SEED}, body ${place}: ${JSON.stringify(body.toString("latin1"))}`;
      assert.deepEqual(others[no][place], should, why);
    }
  }
  console.log(Object.fromEntries([...counts].sort(([, one], [, other]) => other - one)));
  // The mutations reach every way of being refused.
  const codes = [
    "ok",
    "invalid_json",
    "invalid_event",
    "duplicate_key",
    "invalid_utf8",
    "too_deep",
  ];
  for (const code of codes) assert.ok(counts.get(code) >= COUNT / 500, `${code} is rare`);
});
