// A function that gets the secrets of a receiver: when it is called, and what is answered while it fails.

import assert from "node:assert/strict";
import { test } from "node:test";
import { WebhookError } from "vtryon-webhooks";
import * as forWeb from "vtryon-webhooks/web";
import { BODY, SECRET, sign as signature } from "../support/completed-event.js";

/** Holds the clock of pauses; returns what moves it on, by milliseconds. */
function heldClock(t) {
  let now = 5000;
  t.mock.method(performance, "now", () => now);
  return (ms) => {
    now += ms;
  };
}

const request = (body = BODY, headers = { "x-vtryon-signature": signature(body) }) =>
  new Request("https://shop.example/", { method: "POST", body, headers });

const receive = (options) => forWeb.vtryonWebhooks({ onEvent: () => {}, ...options });
const status = async (handler, sent = request()) => (await handler(sent)).status;

test("concurrent requests share one call of the function, which is repeated while it fails", async (t) => {
  const pass = heldClock(t);
  let calls = 0;
  const faults = [];
  let answer = Promise.reject(new Error("the vault is sealed"));
  const handler = receive({
    secrets: () => {
      calls += 1;
      return answer;
    },
    onError: (fault) => faults.push(fault.message),
  });
  const all = () => Promise.all([1, 2, 3].map(() => status(handler)));
  assert.deepEqual(await all(), [503, 503, 503]);
  assert.deepEqual([calls, faults], [1, Array(3).fill("the vault is sealed")]);
  answer = Promise.resolve(SECRET);
  pass(1000);
  assert.deepEqual(await all(), [200, 200, 200]);
  assert.deepEqual(await all(), [200, 200, 200]);
  assert.equal(calls, 2);
});

for (const [name, fail] of [
  [
    "throws",
    () => {
      throw new Error("the rate limit is reached");
    },
  ],
  ["rejects", () => Promise.reject(new Error("the rate limit is reached"))],
  ["returns nothing", () => undefined],
  ["returns a careless secret", () => ""],
]) {
  test(`a function that ${name} is not called again for a second: 503 meanwhile`, async (t) => {
    const pass = heldClock(t);
    const faults = [];
    let calls = 0;
    const handler = receive({
      onError: (fault) => faults.push(fault),
      secrets: () => {
        calls += 1;
        return calls === 1 ? fail() : SECRET;
      },
    });
    const forged = () => request(BODY, { "x-vtryon-signature": "0".repeat(64) });
    assert.equal(await status(handler), 503);
    pass(999);
    for (let times = 0; times < 20; times += 1) {
      const answer = await handler(forged());
      assert.deepEqual([answer.status, answer.headers.get("retry-after")], [503, "10"]);
    }
    assert.equal(calls, 1);
    assert.equal(faults.length, 21);
    for (const { code, message, hint } of faults.slice(1)) {
      assert.equal(code, "secret_missing");
      assert.match(hint, /^let it return the secret/);
      assert.equal(message, "the function `secrets` failed a moment ago");
    }
    pass(1);
    assert.deepEqual(
      [await status(handler), await status(handler, forged()), calls],
      [200, 401, 2],
    );
  });
}

const STANDARD = { scheme: "standard-webhooks" };
for (const [name, options, message] of [
  [
    "is of another scheme",
    { ...STANDARD, secrets: () => "whsec_no-base64!" },
    /^the secret is not whsec_/,
  ],
  ["is far too long", { secrets: () => "x".repeat(70_000) }, /longer than 65536 bytes$/],
  ["is no secret", { secrets: () => ({ secret: SECRET }) }, /neither a text nor bytes$/],
  ["is not set in part", { secrets: () => [SECRET, undefined] }, /^`secrets\[1\]` is undefined$/],
  [
    "is refused by what it asks",
    {
      secrets: () => {
        throw new WebhookError("signature_mismatch", 401, "not yours", "ask another one");
      },
    },
    /^not yours$/,
  ],
]) {
  test(`a secret that ${name} is answered 503 until it is right`, async () => {
    const faults = [];
    const handler = receive({ ...options, onError: (fault) => faults.push(fault.message) });
    const answer = await handler(request());
    assert.deepEqual([answer.status, answer.headers.get("retry-after")], [503, "10"]);
    assert.equal((await answer.json()).error, "unavailable");
    assert.equal(faults.length, 1);
    assert.match(faults[0], message);
  });
}

for (const [variable, values] of [
  ["VTRYON_WEBHOOK_SECRET", ["whsec_no-base64!", ""]],
  [
    "VTRYON_WEBHOOK_SECRET_PREVIOUS",
    ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_no-base64!"],
  ],
]) {
  test(`a secret of another scheme in the environment is answered 503; the log names ${variable}`, async (t) => {
    const log = t.mock.method(console, "error", () => {});
    for (const [nth, suffix] of ["", "_PREVIOUS"].entries()) {
      const before = process.env[`VTRYON_WEBHOOK_SECRET${suffix}`];
      process.env[`VTRYON_WEBHOOK_SECRET${suffix}`] = values[nth];
      t.after(() => {
        if (before === undefined) delete process.env[`VTRYON_WEBHOOK_SECRET${suffix}`];
        else process.env[`VTRYON_WEBHOOK_SECRET${suffix}`] = before;
      });
    }
    const answer = await receive(STANDARD)(request());
    assert.deepEqual([answer.status, answer.headers.get("retry-after")], [503, "10"]);
    const [, line] = log.mock.calls[0].arguments;
    assert.ok(line.startsWith(`invalid_option: \`${variable}\`: the secret is not whsec_`), line);
    assert.doesNotMatch(line, /MfKQ|no-base64/);
  });
}

test("a function that throws or never returns is answered 503, and called again for a later request", async (t) => {
  const pass = heldClock(t);
  let calls = 0;
  const handler = receive({
    deadlineMs: 30,
    onError: () => {},
    secrets: () => {
      calls += 1;
      if (calls === 1) throw new Error("no vault");
      return calls === 2 ? new Promise(() => {}) : SECRET;
    },
  });
  assert.equal(await status(handler), 503);
  pass(1000);
  assert.equal(await status(handler), 503);
  assert.equal(await status(handler), 200);
  assert.equal(calls, 3);
});
