// POST|DELETE /api/session: a page signs in and out, and a form of another site can't.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  ask,
  bearer,
  COOKIE,
  cookie,
  HOUR,
  JSON_TYPE,
  now,
  signIn,
} from "../support/api/caller.js";
import { Gateway, TOKEN } from "../support/gateway.js";

const MALFORMED = { status: 400, error: "invalid_request" };
const FORBIDDEN = { status: 403, error: "forbidden" };
const NO = { status: 401, error: "unauthorized" };

let gateway;
before(async () => {
  gateway = await Gateway.start();
});
after(() => gateway.stop());

test("session: opened with the token, used, ended", async () => {
  const opened = await signIn(gateway);
  assert.equal(opened.status, 204);
  assert.equal(opened.headers.get("cache-control"), "no-store");
  const [value, ...attributes] = opened.cookie.split("; ");
  assert.match(value, new RegExp(`^${COOKIE}=\\d+\\.root\\.[0-9a-f]{64}$`));
  assert.deepEqual(attributes, [
    "Path=/",
    "HttpOnly",
    "Secure",
    "SameSite=Strict",
    "Max-Age=43200",
  ]);
  const left = Number(/\d+/.exec(value.split("=")[1])[0]) - now();
  assert.ok(Math.abs(left - 12 * HOUR) < 60, `${left} seconds`);
  assert.equal((await ask(gateway, "/api/tasks", { headers: { cookie: value } })).status, 200);

  // Whoever has no session may end it too, as often as they like.
  for (const headers of [{ cookie: value }, {}, {}]) {
    const ended = await ask(gateway, "/api/session", { method: "DELETE", headers });
    assert.equal(ended.status, 204);
    assert.deepEqual(ended.cookie.split("; "), [
      `${COOKIE}=`,
      "Path=/",
      "HttpOnly",
      "Secure",
      "SameSite=Strict",
      "Max-Age=0",
    ]);
  }
});

const typed = (type) => ({ headers: { "content-type": type } });
const OPENED = { status: 204, error: undefined };

/** name: [the request, what is answered] */
const SIGN_INS = {
  "with the type's parameter": [typed("application/json; charset=utf-8"), OPENED],
  "with the type in another case": [typed("Application/JSON"), OPENED],
  "with the bearer header": [{ headers: bearer(TOKEN), body: undefined }, OPENED],
  "with a wrong bearer header": [{ headers: { ...bearer("wrong"), ...JSON_TYPE } }, NO],
  "with a wrong token": [{ body: '{"token":"wrong"}' }, NO],
  "with an empty token": [{ body: '{"token":""}' }, NO],
  "with a session": [{ headers: { ...cookie("x") }, body: undefined }, FORBIDDEN],
  "with nothing": [{ headers: {}, body: undefined }, FORBIDDEN],
  "as text": [typed("text/plain"), FORBIDDEN],
  "as a form": [typed("application/x-www-form-urlencoded"), FORBIDDEN],
  "as a form of parts": [typed("multipart/form-data; boundary=application/json"), FORBIDDEN],
  "as two types": [typed("text/plain, application/json"), FORBIDDEN],
  "as text, with a marker": [
    { headers: { "content-type": "text/plain", "x-requested-with": "fetch" } },
    FORBIDDEN,
  ],
  "with another scheme": [{ headers: { authorization: "Basic eDp5" } }, FORBIDDEN],
  "with no JSON": [{ body: "token" }, MALFORMED],
  "with no body": [{ body: undefined }, MALFORMED],
  "with a list": [{ body: JSON.stringify([TOKEN]) }, MALFORMED],
  "with no token in it": [{ body: JSON.stringify({ password: TOKEN }) }, MALFORMED],
  "with a number": [{ body: '{"token":7}' }, MALFORMED],
  "with two tokens": [{ body: `{"token":"wrong","token":"${TOKEN}"}` }, MALFORMED],
  "with bytes that are no text": [{ body: Buffer.from('{"token":"\xff"}', "latin1") }, MALFORMED],
  "with another field": [{ body: JSON.stringify({ token: TOKEN, scope: "all" }) }, MALFORMED],
  "with 512 characters": [{ body: JSON.stringify({ token: "\u{1f600}".repeat(512) }) }, NO],
  "with more than 512 characters": [
    { body: JSON.stringify({ token: "x".repeat(513) }) },
    MALFORMED,
  ],
  "with the bearer header, and a body of another form": [
    { headers: { ...bearer(TOKEN), ...JSON_TYPE }, body: '{"token":7}' },
    MALFORMED,
  ],
  "with the bearer header, and a form": [
    { headers: { ...bearer(TOKEN), "content-type": "application/x-www-form-urlencoded" } },
    FORBIDDEN,
  ],
  "with 8 KiB": [{ body: JSON.stringify({ token: TOKEN }).padEnd(8192) }, OPENED],
  "with more than 8 KiB": [
    { body: JSON.stringify({ token: TOKEN }).padEnd(8193) },
    { status: 413, error: "payload_too_large" },
  ],
};
for (const [name, [request, { status, error }]] of Object.entries(SIGN_INS)) {
  test(`sign-in: ${name}`, async () => {
    const answer = await signIn(gateway, TOKEN, request);
    assert.deepEqual([answer.status, answer.error], [status, error]);
    assert.equal(answer.cookie !== null, status === 204);
    if (error === "forbidden") assert.match(answer.message, /content-type: application\/json/);
  });
}

test("sign-in: other methods", async () => {
  for (const method of ["GET", "HEAD", "PUT", "PATCH", "OPTIONS"]) {
    const answer = await ask(gateway, "/api/session", { method });
    assert.equal(answer.status, 405, method);
    assert.equal(answer.headers.get("allow"), "POST, DELETE");
  }
});
