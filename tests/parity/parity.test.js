// One verdict everywhere: every vector, in every implementation, printed as one table.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { bytes, sign } from "../vectors/generate/bytes.js";
import { RUNNERS } from "./support/runners.js";
import { eventOf, told } from "./support/told.js";

const vectors = (name) =>
  JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url)));
const hex = (value) => bytes(value).toString("hex");
const TEST_SECRET = { text: "whsec_test" };
const EMPTY = { text: "" };

/** How wide a column is: the longest code. */
const WIDTH = "malformed_message_id".length;

/** A vector as a question, and the code that is expected. A body that is only verified may say anything. */
const verification = (question, { code = "ok", ...expect }) => ({
  question,
  verb: "verify",
  code,
  expect,
});
const CASES = [
  ...vectors("secret").map(({ name, secret, expect }) => {
    const question = { secrets: [hex(secret)], signatures: [sign(secret, EMPTY)], body: "" };
    return { name: `secret: ${name}`, ...verification(question, expect) };
  }),
  ...vectors("signature").map(({ name, secrets, signatures, body, limit, expect }) => {
    const question = { secrets: secrets.map(hex), signatures, body: hex(body), limit };
    return { name: `signature: ${name}`, ...verification(question, expect) };
  }),
  ...vectors("standard_webhooks").map(({ name, why, secrets, body, expect, ...message }) => {
    const question = { ...message, secrets: secrets.map(hex), body: hex(body) };
    const { id: message_id, timestamp, ...verdict } = expect;
    const expected = expect.code === undefined ? { ...verdict, message_id } : verdict;
    return { name: `Standard Webhooks: ${name}`, ...verification(question, expected) };
  }),
  ...vectors("event").map(({ name, body, expect: { code = "ok", field, ...event } }) => ({
    name: `event: ${name}`,
    verb: "open",
    question: {
      secrets: [hex(TEST_SECRET)],
      signatures: [sign(TEST_SECRET, body)],
      body: hex(body),
      limit: 2 ** 20,
    },
    code,
    expect: code === "ok" ? { event: eventOf(event) } : { field: field ?? null },
  })),
  ...vectors("lifecycle").map(({ name, statuses, outcomes, status = null }) => ({
    name: `lifecycle: ${name}`,
    verb: "step",
    question: { statuses },
    code: outcomes.at(-1),
    expect: { outcomes, status },
  })),
];

test("every implementation gives the same result", async () => {
  const names = Object.keys(RUNNERS);
  const answers = await Promise.all(
    names.map((name) => RUNNERS[name](CASES.map(({ question }) => question))),
  );
  const row = (first, cells) => console.log([first.padEnd(60), ...cells].join("  ").trimEnd());
  row(
    "vector",
    names.map((name) => name.padEnd(WIDTH)),
  );
  const differing = [];
  for (const [place, { name, verb, code, expect }] of CASES.entries()) {
    const all = answers.map((answers) => told(verb, answers[place]));
    row(
      name,
      all.map((answer) => (answer.code === code ? code : `${answer.code} (!)`).padEnd(WIDTH)),
    );
    for (const [runner, answer] of all.entries()) {
      try {
        assert.equal(answer.code, code);
        for (const [what, should] of Object.entries(expect)) {
          assert.deepEqual(answer[what], should, what);
        }
      } catch ({ message }) {
        differing.push(`${names[runner]}, ${name}: ${message}`);
      }
    }
  }
  assert.deepEqual(differing, []);
  console.log(`${CASES.length} vectors, ${names.length} implementations, one verdict`);
});
