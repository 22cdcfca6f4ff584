// What each request is answered: the table of errors, row by row, and every wrong form of a request.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { read } from "../../pages.js";
import { event, Gateway, PREVIOUS, sign, TOKEN } from "../support/gateway.js";
import { exchange, head } from "../support/raw.js";

let gateway;
before(async () => {
  gateway = await Gateway.start();
});
after(() => gateway.stop());

const BODY = event("task_answers", "queued");
const GOOD = sign(BODY);

const UNAUTHORIZED = [401, "unauthorized"];
const REJECTED = {
  "no signature": [null, "missing_signature"],
  "an empty signature": ["", "missing_signature"],
  "a short signature": [GOOD.slice(2), "malformed_signature"],
  "a long signature": [`${GOOD}00`, "malformed_signature"],
  "GitHub's form": [`sha256=${GOOD}`, "malformed_signature"],
  base64: [Buffer.from(GOOD, "hex").toString("base64"), "malformed_signature"],
  "junk between pairs": [GOOD.replace(/(..)/g, "$1 ").trim(), "malformed_signature"],
  "not ASCII": ["\u00e9".repeat(64), "malformed_signature"],
  "two in one header": [`${GOOD}, ${GOOD}`, "multiple_signatures"],
  "another secret": [sign(BODY, "whsec_other"), "signature_mismatch"],
  zeros: ["0".repeat(64), "signature_mismatch"],
};
for (const [name, [signature, code]] of Object.entries(REJECTED)) {
  test(`signature: ${name}`, async () => {
    const answer = await gateway.post(BODY, { signature });
    assert.deepEqual([answer.status, (await answer.json()).error], UNAUTHORIZED);
    // The sender gets one plain refusal; the log has the cause, at intervals, and never the signature.
    await gateway.logged(`"decision":"request_rejected","code":"${code}"`);
    const log = await gateway.wholeLog();
    assert.ok(signature === null || signature === "" || !log.includes(signature));
  });
}

test("signature: two headers", async () => {
  const headers = [
    `x-vtryon-signature: ${GOOD}`,
    `x-vtryon-signature: ${GOOD}`,
    `content-length: ${BODY.length}`,
  ];
  const answer = await exchange(gateway.url, head("POST", "/webhooks/vtryon", headers), BODY);
  assert.deepEqual([answer.status, JSON.parse(answer.body).error], UNAUTHORIZED);
});

test("signature: either case, and the previous secret", async () => {
  assert.equal((await gateway.post(BODY, { signature: GOOD.toUpperCase() })).status, 200);
  assert.equal((await gateway.post(BODY, { signature: sign(BODY, PREVIOUS) })).status, 200);
});

test("an accepted event is answered with a receipt", async () => {
  const answer = await gateway.post(BODY);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("content-type"), "application/json");
  assert.equal(await answer.text(), '{"received":true}');
});

test("an event posted with one slash at the end of the path is stored", async () => {
  const body = event("task_slash", "queued");
  const init = { method: "POST", body, headers: { "x-vtryon-signature": sign(body) } };
  assert.equal((await fetch(`${gateway.url}/webhooks/vtryon/`, init)).status, 200);
  assert.equal((await gateway.api("/api/tasks/task_slash")).body.status, "queued");
  assert.equal((await fetch(`${gateway.url}/webhooks/vtryon//`, init)).status, 404);
});

/** [name, method, path, status, error, the header `allow`] */
const PATHS = [
  ["GET on the webhook", "GET", "/webhooks/vtryon", 405, "method_not_allowed", "POST"],
  ["PUT on the webhook", "PUT", "/webhooks/vtryon", 405, "method_not_allowed", "POST"],
  ["OPTIONS on the webhook", "OPTIONS", "/webhooks/vtryon", 405, "method_not_allowed", "POST"],
  ["an unknown method", "PROPFIND", "/webhooks/vtryon", 405, "method_not_allowed", "POST"],
  ["POST on health", "POST", "/healthz", 405, "method_not_allowed", "GET, HEAD"],
  ["PUT on a task", "PUT", "/api/tasks/x", 405, "method_not_allowed", "GET, HEAD, DELETE"],
  ["the root", "GET", "/", 404, "not_found"],
  ["a slash at the end", "POST", "/webhooks/vtryon/", 401, "unauthorized"],
  ["a slash at the end, and GET", "GET", "/webhooks/vtryon/", 405, "method_not_allowed", "POST"],
  ["two slashes at the end", "POST", "/webhooks/vtryon//", 404, "not_found"],
  ["a segment more", "POST", "/webhooks/vtryon/x", 404, "not_found"],
  ["the folder", "POST", "/webhooks/", 404, "not_found"],
  ["another case", "POST", "/Webhooks/Vtryon", 404, "not_found"],
  ["a doubled slash", "POST", "//webhooks/vtryon", 404, "not_found"],
  ["an encoded slash", "POST", "/webhooks%2fvtryon", 404, "not_found"],
  ["an unknown path", "GET", "/.env", 404, "not_found"],
  ["an unknown path of the API", "POST", "/api/webhooks", 401, "unauthorized"],
];
for (const [name, method, path, status, error, allow] of PATHS) {
  test(`path: ${name}`, async () => {
    const answer = await exchange(gateway.url, head(method, path, ["content-length: 0"]));
    assert.deepEqual([answer.status, JSON.parse(answer.body).error], [status, error]);
    assert.equal(/^allow: (.*)$/im.exec(answer.head)?.[1]?.trim(), allow);
  });
}

test("health and the API tell the version", async () => {
  const { version } = JSON.parse(read("edge-worker/npm/package.json"));
  const headers = { authorization: `Bearer ${TOKEN}` };
  for (const [path, init] of [["/healthz"], ["/api", { headers }]]) {
    const answer = await fetch(gateway.url + path, init);
    assert.equal(answer.status, 200, path);
    assert.deepEqual(await answer.json(), {
      status: "ok",
      version,
      schema: { shard: 1, directory: 1 },
    });
  }
  assert.equal((await fetch(`${gateway.url}/api`)).status, 401);
  assert.equal((await fetch(`${gateway.url}/healthz`, { method: "HEAD" })).status, 200);
});

const LIMIT = 262_144;
const POST = (...headers) => head("POST", "/webhooks/vtryon", headers);

for (const length of [262_145, 4_294_967_295, 4_294_967_296, 99_999_999_999]) {
  test(`length: ${length} declared is not read`, async () => {
    const length_header = `content-length: ${length}`;
    const request = POST(`x-vtryon-signature: ${GOOD}`, length_header);
    // Nothing follows the head: an answer at all means that it did not wait for the body.
    const answer = await exchange(gateway.url, request);
    assert.deepEqual([answer.status, JSON.parse(answer.body).error], [413, "payload_too_large"]);
  });
}

test("length: declared a little too long is not read", async () => {
  const answer = await exchange(
    gateway.url,
    POST(`x-vtryon-signature: ${GOOD}`, `content-length: ${LIMIT + 1}`),
  );
  assert.deepEqual([answer.status, JSON.parse(answer.body).error], [413, "payload_too_large"]);
});

test("length: chunked too long is not read to its end", async () => {
  const chunk = Buffer.alloc(65_536, "x");
  const framed = [Buffer.from("10000\r\n"), chunk, Buffer.from("\r\n")];
  const pieces = Array.from({ length: 5 }, () => framed).flat();
  // No last chunk: the sender would go on for ever.
  const answer = await exchange(
    gateway.url,
    POST(`x-vtryon-signature: ${GOOD}`, "transfer-encoding: chunked"),
    ...pieces,
  );
  assert.deepEqual([answer.status, JSON.parse(answer.body).error], [413, "payload_too_large"]);
});

test("length: a chunked and signed body is accepted", async () => {
  const body = event("task_chunked", "queued");
  const [one, two] = [body.slice(0, 20), body.slice(20)];
  const chunks = `14\r\n${one}\r\n${two.length.toString(16)}\r\n${two}\r\n0\r\n\r\n`;
  const answer = await exchange(
    gateway.url,
    POST(`x-vtryon-signature: ${sign(body)}`, "transfer-encoding: chunked"),
    chunks,
  );
  assert.equal(answer.status, 200);
  assert.equal((await gateway.api("/api/tasks/task_chunked")).body.status, "queued");
});

test("length: a body at the limit is accepted", async () => {
  const full = (bytes) =>
    event("task_full", "queued", {
      pad: "x".repeat(bytes - event("task_full", "queued", { pad: "" }).length),
    });
  assert.equal((await gateway.post(full(LIMIT))).status, 200);
});

test("length: nothing", async () => {
  assert.equal((await gateway.post("", { signature: null })).status, 401);
  assert.equal((await gateway.post("", { signature: sign("") })).status, 200);
  const without = await exchange(gateway.url, POST(`x-vtryon-signature: ${sign("")}`));
  assert.equal(without.status, 200);
});

test("encoding: the bytes that came are the bytes that are verified", async () => {
  const packed = gzipSync(event("task_packed", "queued"));
  const headers = { "content-encoding": "gzip", "content-type": "application/json" };
  assert.equal((await gateway.post(packed, { headers })).status, 200);
  // Signed, but not JSON: nothing decompresses it on the way.
  const [entry] = (await gateway.api("/api/quarantine")).body.quarantine;
  assert.deepEqual([entry.code, entry.bytes], ["invalid_utf8", packed.length]);
  assert.equal((await gateway.api("/api/tasks/task_packed")).status, 404);
});

test("encoding: the content type says nothing", async () => {
  for (const type of [
    "text/plain; charset=utf-16",
    "multipart/form-data; boundary=x",
    "nonsense",
  ]) {
    assert.equal((await gateway.post(BODY, { headers: { "content-type": type } })).status, 200);
  }
});

test("a long header has an answer", async () => {
  const answer = await gateway.post(BODY, { signature: "a".repeat(8000) });
  assert.equal(answer.status, 401);
});

/** [name, path, status, error, a word of the message] */
const API = [
  ["an unknown task", "/api/tasks/nobody", 404, "not_found"],
  ["an unknown result", "/api/tasks/nobody/result", 404, "not_found"],
  ["an unknown path", "/api/nothing", 404, "not_found"],
  ["NUL in a task id", "/api/tasks/a%00b", 400, "invalid_request", "task_id"],
  ["a line feed in a task id", "/api/tasks/a%0ab", 400, "invalid_request", "task_id"],
  ["a task id not UTF-8", "/api/tasks/%ff", 400, "invalid_request", "task_id"],
  ["a task id too long", `/api/tasks/${"t".repeat(257)}`, 400, "invalid_request", "task_id"],
  ["an empty task id", "/api/tasks/", 400, "invalid_request", "task_id"],
  ["traversal, encoded", "/api/tasks/..%2f..%2fhealthz", 404, "not_found"],
  ["traversal out of the API", "/api/tasks/../../healthz", 200],
  ["quotes in a task id", "/api/tasks/'%20OR%201=1--", 404, "not_found"],
  ["an unknown status", "/api/tasks?status=paused", 400, "invalid_request", "status"],
  ["a limit of nothing", "/api/tasks?limit=0", 400, "invalid_request", "limit"],
  ["a limit too high", "/api/tasks?limit=101", 400, "invalid_request", "limit"],
  ["a limit of words", "/api/tasks?limit=ten", 400, "invalid_request", "limit"],
  ["a cursor of words", "/api/tasks?cursor=next", 400, "invalid_request", "cursor"],
  ["a cursor of another count", "/api/tasks?cursor=1.s.s", 409, "conflict", "cursor"],
  ["an empty cursor", "/api/tasks?cursor=", 400, "invalid_request", "cursor"],
  [
    "a task id longer than any",
    `/api/tasks/${"%c3%bc".repeat(129)}`,
    404,
    "not_found",
    "256 bytes",
  ],
  ["a limit with a fraction of zero", "/api/tasks?limit=60.0", 200],
  ["a limit with a fraction", "/api/tasks?limit=60.5", 400, "invalid_request", "limit"],
  [
    "a cursor past all numbers",
    "/api/tasks?cursor=1.99999999999999999999.s.s.s",
    400,
    "invalid_request",
    "cursor",
  ],
  ["a cursor below all numbers", "/api/tasks?cursor=1.-1.s.s.s", 400, "invalid_request", "cursor"],
  ["a parameter twice", "/api/tasks?limit=1&limit=2", 400, "invalid_request", "`limit` twice"],
  ["a parameter misspelled", "/api/tasks?stauts=queued", 400, "invalid_request", "none of status,"],
  ["no time", "/api/tasks?since=yesterday", 400, "invalid_request", "`since` is not a time"],
];
for (const [name, path, status, error, word] of API) {
  test(`api: ${name}`, async () => {
    const request = head("GET", path, [`authorization: Bearer ${TOKEN}`]);
    const answer = await exchange(gateway.url, request);
    const body = JSON.parse(answer.body);
    assert.deepEqual([answer.status, body.error], [status, error]);
    assert.ok(!word || body.message.includes(word), body.message);
  });
}

test("input that is not HTTP is refused before it reaches the gateway", async () => {
  const malformed = [
    POST("content-length: -1"),
    POST("content-length: abc"),
    POST("content-length: 1", "content-length: 2"),
    POST("transfer-encoding: gzip"),
    head("FOO", "/webhooks/vtryon", []),
  ];
  for (const request of malformed) {
    const { status, body } = await exchange(gateway.url, request);
    assert.ok(status >= 400 && !body.includes(" at "), `${status} ${body}`);
  }
  assert.equal((await fetch(`${gateway.url}/healthz`)).status, 200);
});

const STRANGERS = {
  "no credentials": {},
  "a wrong token": { authorization: "Bearer wrong" },
  "the token and more": { authorization: `Bearer ${TOKEN}x` },
  "the beginning of the token": { authorization: `Bearer ${TOKEN.slice(0, -1)}` },
  "an empty token": { authorization: "Bearer " },
  "no scheme": { authorization: TOKEN },
  "another scheme": { authorization: `Basic ${btoa(`admin:${TOKEN}`)}` },
};
for (const [nth, [name, headers]] of Object.entries(STRANGERS).entries()) {
  test(`admin: ${name}`, async () => {
    // Each of them from elsewhere, so that none is refused for the others' failures.
    const from = { "cf-connecting-ip": `192.0.2.${nth}`, ...headers };
    for (const path of ["/api/tasks", "/api/tasks/x", "/api/quarantine", "/api/nothing"]) {
      const answer = await fetch(gateway.url + path, { headers: from });
      assert.deepEqual([answer.status, (await answer.json()).error], UNAUTHORIZED);
      assert.equal(answer.headers.get("www-authenticate"), "Bearer");
    }
  });
}

test("admin: an unknown path is not found, by any method", async () => {
  for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
    const { status, body } = await gateway.api("/api/webhooks", { method });
    assert.deepEqual([status, body.error], [404, "not_found"], method);
  }
});

test("admin: the scheme has no case", async () => {
  const answer = await fetch(`${gateway.url}/api/tasks`, {
    headers: { authorization: `bearer ${TOKEN}` },
  });
  assert.equal(answer.status, 200);
});
