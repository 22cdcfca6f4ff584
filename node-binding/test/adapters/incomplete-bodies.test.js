// Bodies that are cut off, badly chunked or stalled, over raw sockets: the sender's fault, told as 400 or 408 where an
// answer can still be read, and nothing in the log.

import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { within } from "../../../tests/support/wait.js";
import { ADAPTERS } from "../support/adapters.js";
import { BODY, SECRET, sign } from "../support/completed-event.js";

const length = Buffer.byteLength(BODY);
const chunk = `${length.toString(16)}\r\n${BODY}\r\n`;

/** What is sent after the head, how the length is declared, whether the sender then ends its half, and the answer. */
const CASES = [
  ["half-closed after the head", `content-length: ${length}`, "", true, [400]],
  ["short by one", `content-length: ${length}`, BODY.slice(0, -1), true, [400]],
  [
    "a chunk size that is none",
    "transfer-encoding: chunked",
    `zz\r\n${BODY}\r\n0\r\n\r\n`,
    false,
    [400],
  ],
  [
    "a negative chunk size",
    "transfer-encoding: chunked",
    `-1\r\n${BODY}\r\n0\r\n\r\n`,
    false,
    [400],
  ],
  ["no last chunk", "transfer-encoding: chunked", chunk, true, [400]],
  ["stalled after the head", `content-length: ${length}`, "", false, [408]],
  ["stalled before the last byte", `content-length: ${length}`, BODY.slice(0, -1), false, [408]],
  ["stalled between two chunks", "transfer-encoding: chunked", chunk, false, [408]],
  // Legal, if nobody uses it (RFC 9112, 7.1.1).
  [
    "a chunk extension",
    "transfer-encoding: chunked",
    `${length.toString(16)};a=b\r\n${BODY}\r\n0\r\n\r\n`,
    false,
    [200],
  ],
];

/** Sends a request as it stands; returns the status of its answer, undefined where there is none. */
function exchange(url, framing, body, ends) {
  const { hostname, port, pathname } = new URL(url);
  const answered = new Promise((resolve) => {
    const socket = connect({ port, host: hostname, allowHalfOpen: true });
    let text = "";
    socket.on("data", (bytes) => {
      text += bytes;
      if (text.includes("\r\n\r\n")) socket.destroy();
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]) || undefined));
    socket.on("end", () => socket.end());
    const head = `POST ${pathname} HTTP/1.1\r\nhost: shop.example\r\ncontent-type: application/json\r\nx-vtryon-signature: ${sign(BODY)}\r\n${framing}\r\n\r\n`;
    socket.write(head + body);
    if (ends) socket.end();
  });
  return within(`the answer to a request with ${framing}`, answered);
}

for (const [adapter, start] of Object.entries(ADAPTERS)) {
  // What a parser in front of the receiver reads is the parser's affair.
  if (/after/.test(adapter)) continue;
  test(adapter, async (t) => {
    const log = t.mock.method(console, "error", () => {});
    let events = 0;
    const server = await start({
      secrets: SECRET,
      deadlineMs: 300,
      onEvent: () => {
        events += 1;
      },
    });
    t.after(server.stop);
    for (const [name, framing, body, ends, statuses] of CASES) {
      await t.test(name, async () => {
        events = 0;
        const status = await exchange(server.url, framing, body, ends);
        assert.ok([...statuses, ...(ends ? [undefined] : [])].includes(status), `${status}`);
        assert.equal(events, status === 200 ? 1 : 0);
        assert.deepEqual(
          log.mock.calls.map(({ arguments: call }) => call),
          [],
        );
      });
    }
  });
}
