// Server-sent events taken apart, strictly: what the protocol of live updates does not name is a fault.

import assert from "node:assert/strict";

/** Tells of one block, the lines up to an empty one. */
function dispatch(lines, { message, comment, retry }) {
  const fields = {};
  for (const line of lines) {
    const [, name, value] = /^(id|data|retry|): ?(.*)$/.exec(line) ?? [];
    assert.ok(name !== undefined, `no line of SSE: ${line.slice(0, 80)}`);
    if (name === "") {
      comment(value);
      continue;
    }
    assert.ok(!(name in fields), `${name} comes twice`);
    fields[name] = value;
  }
  if ("retry" in fields) retry(fields.retry);
  if (!("data" in fields)) {
    assert.ok(!("id" in fields), "an id without a message");
    return;
  }
  assert.equal(JSON.parse(fields.data).id, fields.id, "the id is the message's");
  message(fields.data);
}

/** Reads a stream to its end. One that ends within a block, which a browser would not tell of, is a fault. */
export async function read(body, listener) {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let rest = "";
  let lines = [];
  for await (const chunk of body) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop();
    for (const line of parts) {
      if (line !== "") {
        lines.push(line);
      } else {
        dispatch(lines, listener);
        lines = [];
      }
    }
  }
  assert.deepEqual([rest, lines], ["", []], "the stream ends within a message");
}
