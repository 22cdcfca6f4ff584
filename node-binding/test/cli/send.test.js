// send: what arrives, and what is printed about the answer.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { createServer } from "node:net";
import { test } from "node:test";
import { emitted } from "../../../tests/support/wait.js";
import { bodyOf, deadUrl, run, SECRET, serve } from "../support/run-cli.js";

const BODY = '{"event":"generation.status_changed","task_id":"task_1","status":"queued"}';
const sign = (body) => createHmac("sha256", SECRET).update(body).digest("hex");
const MADE_UP = ["--status", "failed", "--kind", "recolor", "--task", "task_9"];

for (const [name, args, expected] of [
  ["standard input", [], BODY],
  ["a made-up event", MADE_UP, /"task_9"/],
]) {
  test(`send: ${name}`, async (t) => {
    const seen = [];
    const url = await serve(t, async (request, response) => {
      seen.push([await bodyOf(request), request.headers["x-vtryon-signature"], request.url]);
      response.end();
    });
    const { code, stdout } = await run(["send", `${url}?key=1`, ...args], { input: BODY });
    const [[body, signature, path]] = seen;
    assert.equal(code, 0);
    assert.equal(stdout, `POST ${url}  → 200\n`);
    assert.deepEqual([signature, path], [sign(body), "/webhooks/vtryon?key=1"]);
    assert.match(body.toString(), expected instanceof RegExp ? expected : new RegExp(`^${BODY}$`));
  });
}

test("send: refused", async (t) => {
  const url = await serve(t, (_, response) => {
    response.writeHead(503, { "retry-after": "7" }).end("\u001b[2J");
  });
  const result = await run(["send", url, ...MADE_UP]);
  assert.deepEqual([result.code, result.stdout], [1, `POST ${url}  → 503 (retry-after 7 s)\n`]);
  const json = await run(["send", url, ...MADE_UP, "--json"]);
  const expected = { ok: false, answer: 503, retry_after: "7", failure: null };
  assert.deepEqual([json.code, JSON.parse(json.stdout)], [1, expected]);
});

test("send: connection refused", async () => {
  const { code, stdout } = await run(["send", await deadUrl(), ...MADE_UP]);
  assert.equal(code, 1);
  assert.match(stdout, /→ connection refused\n$/);
});

test("send: a long body that is cut off is sent once", async (t) => {
  let bodies = 0;
  const server = createServer((socket) => {
    let length = 0;
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      length += chunk.length;
      if (length < 50_000) return;
      bodies += 1;
      socket.resetAndDestroy();
    });
  }).listen(0, "127.0.0.1");
  t.after(() => server.close());
  await emitted(server, "listening");
  const url = `http://127.0.0.1:${server.address().port}/`;
  const { code, stdout } = await run(["send", url], { input: "x".repeat(50_000) });
  assert.equal(code, 1);
  assert.match(stdout, /→ closed without an answer\n$/);
  assert.equal(bodies, 1);
});

const SECRET_HINT = "The endpoint refuses good events: is this the secret that it verifies with?";
const PATH_HINT = "Nothing takes a POST at this path: is it the endpoint's?";
const said = (message, error) => JSON.stringify({ error, message });
for (const [name, status, answer, result, lines] of [
  ["refused", 401, said("no", "unauthorized"), "401 unauthorized", ["no", SECRET_HINT]],
  ["forbidden", 403, "", "403", [SECRET_HINT]],
  ["no such path", 404, "<h1>Not Found</h1>", "404", [PATH_HINT]],
  ["no such method", 405, said(undefined, "no_post"), "405 no_post", [PATH_HINT]],
  ["taken, whatever is said", 200, said("done", "none"), "200 none", []],
  ["a code that is none", 400, said("why", "\u001b[2J"), "400", ["why"]],
  ["a code in another form", 400, said("why", { code: "x" }), "400", ["why"]],
  [
    "what a terminal obeys",
    500,
    said("\u001b[2Ja\r\n \u202eb\u0000\ud800\u2028"),
    "500",
    ["[2Ja b"],
  ],
  ["blanks", 500, said(" \t"), "500", []],
  ["no text", 500, said(["x"]), "500", []],
  ["null", 500, "null", "500", []],
  ["half of it", 500, '{"message":"x', "500", []],
  ["too much", 500, said(`a${"🧥".repeat(400)}`), "500", [`a${"🧥".repeat(299)}`]],
]) {
  test(`send prints the answer: ${name}`, async (t) => {
    const url = await serve(t, (_, response) => response.writeHead(status).end(answer));
    const { stdout } = await run(["send", url, ...MADE_UP]);
    assert.equal(stdout, [`POST ${url}  → ${result}`, ...lines, ""].join("\n"));
    const json = await run(["send", url, ...MADE_UP, "--json"]);
    const record = { ok: status === 200, answer: status, retry_after: null, failure: null };
    assert.deepEqual(JSON.parse(json.stdout), record);
  });
}
