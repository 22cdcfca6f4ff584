// Planting faults in the engine: what is misspelt plants none, as all of them take hours.

import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { run } from "../support/run.js";
import { ROOT } from "./support/machine.js";

const PLANT = path.join(ROOT, "tests/simulation/planted/plant.mjs");

for (const names of [["a misspelt fault"], ["--check", "a misspelt fault"], ["--all"]]) {
  test(`no fault is planted by ${names.join(" ")}`, async () => {
    // Without a cargo, so that nothing is built.
    const { code, err } = await run(process.execPath, [PLANT, ...names], {
      env: { PATH: "/none" },
    });
    assert.equal(code, 1);
    assert.match(err, new RegExp(`^Error: no such fault: ${names.at(-1)}$`, "m"));
  });
}
