// What the README shows is true: its lines are run, its tables compared.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, test } from "node:test";
import { block, README, read } from "../readme.js";
import { Gateway, SECRET, TOKEN } from "./gateway.js";

let gateway;
before(async () => {
  gateway = await Gateway.start();
});
after(() => gateway.stop());

/** A task with its times and its key replaced, for they are those of the moment. */
function shape(task) {
  return JSON.parse(
    JSON.stringify(task, (name, value) => (/_at$|^key$/.test(name) ? typeof value : value)),
  );
}

test("the lines to try it with work as they stand", () => {
  const env = { ...process.env, URL: gateway.url, SECRET, TOKEN };
  const out = execFileSync("bash", ["-euo", "pipefail", "-c", block("try")], {
    env,
    encoding: "utf8",
  });
  const [first, task] = out.split(/(?<=^\{"received":true\})/);
  assert.equal(first, '{"received":true}');
  assert.deepEqual(shape(JSON.parse(task)), shape(JSON.parse(block("task"))));
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
  const shown = rows.flatMap(([stands, ...cells]) =>
    cells.map((cell, place) => `${stands}, ${head[place + 1]}: ${cell}`),
  );
  const told = JSON.parse(read("tests/vectors/lifecycle.json"))
    .filter(
      ({ why, name }) =>
        why === "a row of the table" || (/^\w+ twice$/.test(name) && name !== "unknown twice"),
    )
    .map(
      ({ statuses, outcomes }) =>
        `${statuses.length === 1 ? "nothing yet" : statuses[0]}, ${statuses.at(-1)}: ${outcomes.at(-1)}`,
    );
  assert.deepEqual(told.sort(), shown.sort());
});

test("every code of the core is in a README", () => {
  const codes = [...read("core/src/error.rs").matchAll(/Self::\w+ => "([a-z0-9_]+)",/g)].map(
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

test("every variable and every target that the README names exists", () => {
  const source = read("edge-worker/src/config.rs");
  for (const [, name] of README.matchAll(/^\| `([A-Z_]+)` \|/gm))
    assert.ok(source.includes(`"${name}"`), name);
  const targets = read("Makefile");
  for (const text of [README, read("CONTRIBUTING.md")]) {
    for (const [, name] of text.matchAll(/`?make ([a-z-]+)`?/g)) {
      if (name === "installs") continue;
      assert.match(targets, new RegExp(`^${name}:`, "m"), name);
    }
  }
});
