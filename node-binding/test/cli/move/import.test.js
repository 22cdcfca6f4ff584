// `import` at a gateway that knows lines and nothing else, and can forget them.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { bodyOf, run, serve } from "../../support/run-cli.js";
import { stateFolder } from "../../support/run-listen.js";

const TOKEN = "admin-token-of-the-tests-0123456789abcdef";

const folder = stateFolder(after);

/** Answers `POST /api/import` by the lines that are stored. */
async function startGateway(t, stored) {
  const url = await serve(t, async (request, response) => {
    const sent = String(await bodyOf(request))
      .trim()
      .split("\n");
    const lines = sent.map((text, at) => {
      if (stored.has(text)) return { line: at + 1, result: "duplicate", outcome: "duplicate" };
      stored.add(text);
      const outcome = JSON.parse(text).type === "erased" ? "erased" : "applied";
      return { line: at + 1, result: "stored", outcome };
    });
    const count = (end) => lines.filter(({ result }) => result === end).length;
    const counts = { stored: count("stored"), duplicates: count("duplicate"), capped: 0 };
    response.end(JSON.stringify({ ...counts, refused: 0, lines }));
  });
  return new URL("/", url).href;
}

// How many lines the file has, how many of them the gateway still knows, and what the second run prints.
for (const [name, lines, known, printed] of [
  [
    "a new gateway, a file of one batch",
    150,
    0,
    /beginning anew\nimported 149 events, 0 were stored already, 1 task erased\n$/,
  ],
  [
    "a new gateway, a file of several batches",
    500,
    0,
    /beginning anew\nimported 499 events, 0 were stored already, 1 task erased\n$/,
  ],
  [
    "a gateway that has the first batch",
    500,
    200,
    /beginning anew\nimported 300 events, 200 were stored already\n$/,
  ],
  [
    "the same gateway",
    500,
    500,
    /going on after them\nimported 0 events, 0 were stored already\n$/,
  ],
]) {
  test(`a second import says what the gateway has stored by it: ${name}`, async (t) => {
    const stored = new Set();
    const gateway = await startGateway(t, stored);
    const texts = Array.from({ length: lines }, (_, n) =>
      JSON.stringify({ id: `1.1.0_${n}`, type: n === 7 ? "erased" : "event" }),
    );
    const file = join(folder, `${lines}-${known}.ndjson`);
    writeFileSync(file, `${texts.join("\n")}\n`);
    const env = {
      VTRYON_GATEWAY_TOKEN: TOKEN,
      VTRYON_GATEWAY_URL: gateway,
      XDG_STATE_HOME: folder,
    };
    const first = await run(["import", file], { env });
    assert.match(first.stderr, /^imported \d+ events, 0 were stored already, 1 task erased\n$/);
    for (const text of texts.slice(known)) stored.delete(text);
    const again = await run(["import", file], { env });
    assert.deepEqual([again.code, printed.test(again.stderr)], [0, true], again.stderr);
  });
}
