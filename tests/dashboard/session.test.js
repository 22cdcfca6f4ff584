// Signing in: what the page shows once the API has answered, and what it keeps where the API does not let it in.

import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { askApi, session, signIn } from "../../edge-worker/dashboard/src/api/session.js";

/** The answers of the gateway by method and path: a status, and a body. */
let answers;
const sent = [];
beforeEach(() => {
  sent.length = 0;
  answers = {
    "POST /api/session": [204],
    "DELETE /api/session": [204],
    "GET /api/live": [200, { shards: 4 }],
  };
  session.set({ phase: "lapsed", generation: 1, shards: 4 });
});

mock.method(globalThis, "fetch", async (path, { method }) => {
  sent.push(`${method} ${path}`);
  const [status, body] = answers[`${method} ${path}`];
  return new Response(body && JSON.stringify(body), { status });
});

const refuse = (error, status) => [status, { error, message: `it is ${error}` }];

/** Returns the code of the error by which a sign-in fails. */
const failure = (token) =>
  signIn(token).then(
    () => undefined,
    ({ code }) => code,
  );

test("who is let in goes on", async () => {
  await signIn("token");
  const { phase, generation, shards } = session.value;
  assert.deepEqual({ phase, generation, shards }, { phase: "in", generation: 2, shards: 4 });
});

for (const phase of ["lapsed", "out"]) {
  for (const [code, status] of [
    ["unavailable", 503],
    ["unauthorized", 401],
  ]) {
    test(`${phase}, and answered ${status} after the token was taken: the page stays as it is`, async () => {
      session.update({ phase });
      answers["GET /api/live"] = refuse(code, status);
      assert.equal(await failure("token"), code);
      assert.equal(session.value.phase, phase);
      answers["GET /api/live"] = [200, { shards: 4 }];
      await signIn("token");
      assert.equal(session.value.phase, "in");
    });
  }
}

test("who may read, but not listen, goes in without live updates", async () => {
  answers["GET /api/live"] = refuse("forbidden", 403);
  answers["HEAD /api/openapi.json"] = [200];
  await signIn("token");
  assert.deepEqual([session.value.phase, session.value.shards], ["in", 0]);
});

test("a token that only makes tickets is refused, and its session ended", async () => {
  session.update({ phase: "out" });
  answers["GET /api/live"] = refuse("forbidden", 403);
  answers["HEAD /api/openapi.json"] = [403];
  assert.equal(await failure("token"), "tickets_only");
  assert.equal(session.value.phase, "out");
  assert.equal(sent.at(-1), "DELETE /api/session");
  await askApi();
  assert.equal(session.value.phase, "out");
});

test("the first question decides what is shown", async () => {
  for (const [answer, phase] of [
    [refuse("unauthorized", 401), "out"],
    [refuse("unavailable", 503), "failed"],
    [[200, { shards: 4 }], "in"],
  ]) {
    answers["GET /api/live"] = answer;
    await askApi();
    assert.equal(session.value.phase, phase);
  }
});
