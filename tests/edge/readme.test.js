// What the README shows is true: its lines are run, its tables compared.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { block, README, read } from "../readme.js";
import { Backend } from "./support/backend.js";
import { OPERATIONS } from "./support/document.js";
import { Gateway, SECRET, sign, TOKEN, until } from "./support/gateway.js";

const TICKET_TOKEN = "ticket-token-of-the-tests-0123456789abcdef";

let gateway;
before(async () => {
  gateway = await Gateway.start({ bindings: { GATEWAY_TICKET_TOKEN: TICKET_TOKEN } });
});
after(() => gateway.stop());

/** A task with its times and its key replaced, for they are those of the moment. */
function shape(task) {
  return JSON.parse(
    JSON.stringify(task, (name, value) => (/_at$|^key$/.test(name) ? typeof value : value)),
  );
}

/** Runs a block of the README in a shell that knows the gateway, and returns what it prints. */
async function run(mark, more = {}) {
  const env = { ...process.env, URL: gateway.url, SECRET, TOKEN, TICKET_TOKEN, ...more };
  const bash = ["-euo", "pipefail", "-c", block(mark)];
  return (await promisify(execFile)("bash", bash, { env })).stdout;
}

test("the lines to try it with work as they stand", async () => {
  const [first, task] = (await run("try")).split(/(?<=^\{"received":true\})/);
  assert.equal(first, '{"received":true}');
  assert.deepEqual(shape(JSON.parse(task)), shape(JSON.parse(block("task"))));
});

test("the lines to deliver with work as they stand", async (t) => {
  const backend = await Backend.start();
  t.after(() => backend.stop());
  const lines = (await run("deliver", { BACKEND: backend.url })).trim().split("\n");
  const [endpoint, received, { deliveries }] = lines.map((line) => JSON.parse(line));
  assert.match(endpoint.secret, /^whsec_/);
  assert.deepEqual(received, { received: true });
  assert.deepEqual(
    deliveries.map(({ endpoint, task_id, status }) => [endpoint, task_id, status]),
    [[endpoint.id, "task_456", "queued"]],
  );
  const [{ headers, body }] = await until(() => backend.received.length > 0 && backend.received);
  assert.equal(headers["x-vtryon-signature"], sign(body, endpoint.secret));
  const table = /\| header of a delivery [\s\S]*?\n\n/.exec(README)[0];
  const cells = [...table.matchAll(/^\| (`.*?) \|/gm)].map(([, cell]) => cell.replaceAll("`", ""));
  const documented = cells.flatMap((cell) => cell.split(", "));
  for (const name of documented) assert.ok(headers[name], `${name} is shown, but not sent`);
  for (const name of Object.keys(headers).filter((name) => /^(x-vtryon|webhook)-/.test(name))) {
    assert.ok(documented.includes(name), `${name} is sent, but not shown`);
  }
});

test("the command that makes a ticket works unchanged, and the table of messages is complete", async () => {
  const { ticket } = JSON.parse(await run("ticket"));
  const headers = { accept: "text/event-stream" };
  const path = `/api/tasks/task_123/live?ticket=${ticket}`;
  assert.equal((await fetch(gateway.url + path, { headers })).status, 200);
  const table = /\| `type` of a message [\s\S]*?\n\n/.exec(README)[0];
  const documented = [...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
  const source = read("edge-worker/src/objects/shard/live/message.rs");
  const actual = [...source.matchAll(/r#type: (?:if .*? )?[{ ]*"(\w+)"(?: \} else \{ "(\w+)")?/g)];
  assert.deepEqual(
    documented.sort(),
    [...new Set(actual.flatMap(([, ...names]) => names.filter(Boolean)))].sort(),
  );
});

/** A path with whatever it leaves open called by one name. */
const named = (path) => path.replace(/\{\w+\}/g, "{id}");

test("the table of the API has the operations of its document, and no other", () => {
  const documented = [...README.matchAll(/^\| `([A-Z]+) (\/[^`?]*)[^`]*` \|/gm)].map(
    ([, method, path]) => `${method} ${named(path)}`,
  );
  const actual = OPERATIONS.map(({ method, path }) => `${method} ${named(path)}`);
  assert.deepEqual(documented.sort(), actual.sort());
});

test("the table of outcomes is that of the vectors", () => {
  const table = /\| the task stands at [\s\S]*?\n\n/.exec(README)[0];
  assert.ok(read("core/README.md").includes(table.trim()), "both READMEs show the same table");
  const [head, , ...rows] = table
    .trim()
    .split("\n")
    .map((row) =>
      row
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  const documented = rows.flatMap(([stands, ...cells]) =>
    cells.map((cell, place) => `${stands}, ${head[place + 1]}: ${cell}`),
  );
  const actual = JSON.parse(read("tests/vectors/lifecycle.json"))
    .filter(
      ({ why, name }) =>
        why === "a row of the table" || (/^\w+ twice$/.test(name) && name !== "unknown twice"),
    )
    .map(
      ({ statuses, outcomes }) =>
        `${statuses.length === 1 ? "nothing yet" : statuses[0]}, ${statuses.at(-1)}: ${outcomes.at(-1)}`,
    );
  assert.deepEqual(actual.sort(), documented.sort());
});

test("every code of the core is in a README", () => {
  const codes = [...read("core/src/error/code.rs").matchAll(/Self::\w+ => "([a-z0-9_]+)",/g)].map(
    ([, code]) => code,
  );
  assert.ok(codes.length >= 18);
  for (const code of codes) {
    assert.ok(
      README.includes(`\`${code}\``) || read("core/README.md").includes(`\`${code}\``),
      code,
    );
  }
});

/** What config.rs names beside variables: they are bound by `wrangler.toml`. */
const BINDINGS = ["TASK_SHARD", "DIRECTORY", "RESULTS"];

test("every variable and every target that the README names exists", () => {
  const source = read("edge-worker/src/config.rs");
  for (const [, cell] of README.matchAll(/^\| ((?:`[A-Z_]+`(?:, )?)+) \|/gm)) {
    for (const [, name] of cell.matchAll(/`(\w+)`/g)) assert.ok(source.includes(`"${name}"`), name);
  }
  for (const [, name] of source.matchAll(/"([A-Z]+(?:_[A-Z]+)*)"/g)) {
    if (BINDINGS.includes(name)) continue;
    assert.ok(README.includes(`\`${name}\``), `${name} is in no table`);
  }
  const targets = read("Makefile");
  for (const text of [README, read("CONTRIBUTING.md")]) {
    for (const [, name] of text.matchAll(/`?make ([a-z-]+)`?/g)) {
      if (name === "installs") continue;
      assert.match(targets, new RegExp(`^${name}:`, "m"), name);
    }
  }
});
