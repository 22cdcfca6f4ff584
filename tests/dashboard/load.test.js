// What a part shows while it loads: an error stays until the next answer, unless somebody tries again.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { useLoad } from "../../edge-worker/dashboard/src/api/load.js";
import { rendered } from "./support/hook.js";

/** Waits until what was rendered last is so. */
async function until(returned, what, isSo) {
  const end = Date.now() + 10_000;
  while (!isSo(returned.at(-1))) {
    assert.ok(Date.now() < end, `not rendered: ${what}`);
    await setTimeout(5);
  }
}

/** Whether an error was shown, without those that follow each other. */
const shown = (returned) =>
  returned
    .map(({ error }) => error !== undefined)
    .filter((isShown, nth, all) => isShown !== all[nth - 1]);

for (const { name, again, shows } of [
  { name: "a poll leaves an error where it is", again: "poll", shows: [false, true] },
  {
    name: "an error goes for whoever tries again, and comes back",
    again: "reload",
    shows: [false, true, false, true],
  },
]) {
  test(`${name}, until there is an answer`, async () => {
    let asked = 0;
    const returned = rendered(() =>
      useLoad(async () => {
        asked += 1;
        if (asked < 3) throw Object.assign(new Error("away"), { code: "unreachable" });
        return "answer";
      }),
    );
    await until(returned, "the error", ({ error, loading }) => error && !loading);
    returned.at(-1)[again]();
    await until(returned, "another load", () => asked === 2);
    await until(returned, "its end", ({ error, loading }) => error && !loading);
    assert.deepEqual(shown(returned), shows);
    returned.at(-1)[again]();
    await until(returned, "the answer", ({ data }) => data === "answer");
    assert.equal(returned.at(-1).error, undefined);
  });
}

test("an error says nothing of what is asked for instead", async () => {
  let id = "first";
  const { promise: never } = Promise.withResolvers();
  const returned = rendered(() =>
    useLoad(async () => {
      if (id === "second") return never;
      throw Object.assign(new Error("away"), { code: "unreachable" });
    }, [id]),
  );
  await until(returned, "the error", ({ error }) => error);
  id = "second";
  returned.at(-1).poll();
  await until(returned, "another load", ({ loading, error }) => loading && !error);
});
