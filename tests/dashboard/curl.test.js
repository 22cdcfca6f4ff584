// A delivery's request as a command: run by a shell, it sends what the gateway sends, with placeholders for secrets.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { bytesOf, curl } from "../../edge-worker/dashboard/src/curl.js";
import { Backend } from "../edge/support/backends/backend.js";

const DELIVERY = { id: "dlv_3_17", webhook_id: "evt_1", outcome: "applied" };
const ATTEMPT = { replay_count: 0, attempt: 2, attempted_at: "2026-07-01T10:00:00.900Z" };
const TEXT = '{"event":"generation.status_changed","task_id":"task_1","status":"queued"}';

/** What the request has in common in all cases. */
const USUAL = {
  "content-type": "application/json",
  "x-vtryon-signature": "REPLACE",
  "webhook-id": "evt_1",
  "webhook-timestamp": "1782900000",
  "webhook-signature": "v1,REPLACE",
  "x-vtryon-delivery": "dlv_3_17",
  "x-vtryon-attempt": "2",
  "x-vtryon-outcome": "applied",
};

const bytes = (...values) => Uint8Array.from(values);

const CASES = [
  { name: "a text", body: Buffer.from(TEXT) },
  {
    name: "a replay",
    attempt: { replay_count: 2, attempt: 1 },
    headers: { "x-vtryon-delivery": "dlv_3_17.2", "x-vtryon-attempt": "1" },
  },
  {
    name: "headers of its own",
    endpoint: { headers: ["X-Api-Key", "x-b'c"] },
    headers: { "x-api-key": "REPLACE", "x-b'c": "REPLACE" },
  },
  { name: "a password", endpoint: { auth: "basic" }, headers: { authorization: "Basic REPLACE" } },
  { name: "a token", endpoint: { auth: "bearer" }, headers: { authorization: "Bearer REPLACE" } },
  { name: "signs of a shell", body: Buffer.from(`{"a":"'; echo no; '$(id)\`id\`\\n"}\n\n`) },
  { name: "what curl would read from a file", body: Buffer.from("@/etc/hostname") },
  { name: "a mark of the byte order", body: bytes(0xef, 0xbb, 0xbf, 0x7b) },
  { name: "bytes that are no text", body: bytes(0x7b, 0xff, 0xfe, 0x7d) },
  { name: "a byte 0", body: bytes(0x7b, 0, 0x7d) },
  { name: "what a terminal takes for an interrupt", body: bytes(0x7b, 3, 0x7d) },
  { name: "lines that end by CR and LF", body: Buffer.from("{\r\n\t}") },
  { name: "a control character of two bytes", body: Buffer.from("{\u009b}") },
  { name: "nothing", body: bytes() },
];

let backend;
before(async () => {
  backend = await Backend.start();
});
after(() => backend.stop());

for (const { name, body = Buffer.from(TEXT), attempt, endpoint, headers } of CASES) {
  test(`a request with ${name} is sent as it was`, async () => {
    const text = curl({
      delivery: DELIVERY,
      attempt: { ...ATTEMPT, ...attempt },
      endpoint: { url: `${backend.url}?a='b'&c=$d`, headers: [], auth: null, ...endpoint },
      body: bytesOf(Buffer.from(body).toString("base64")),
    });
    assert.doesNotMatch(text, /(?![\t\n])\p{Cc}/u, "nothing in it acts when it is pasted");
    backend.received.length = 0;
    const { stdout } = await promisify(execFile)("sh", ["-c", text]);
    assert.match(stdout, /^HTTP\/1.1 200/);
    const [received] = backend.received;
    assert.deepEqual(received.body, Buffer.from(body));
    assert.equal(received.path, "/hook?a='b'&c=$d");
    const expected = { ...USUAL, ...headers };
    const sent = Object.keys(expected).map((header) => [header, received.headers[header]]);
    assert.deepEqual(Object.fromEntries(sent), expected);
  });
}
