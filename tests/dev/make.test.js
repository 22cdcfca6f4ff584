// What the Makefile changes in the environment of everything that it runs.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { makeMachine } from "./support/machine.js";

const LOCAL = "127.0.0.1,localhost";

for (const { name, environment, variables } of [
  {
    name: "what listens on this machine is asked without the proxy",
    environment: { http_proxy: "http://proxy.example:3128" },
    variables: { no_proxy: LOCAL, NO_PROXY: LOCAL, http_proxy: "http://proxy.example:3128" },
  },
  {
    name: "exceptions from the proxy are kept, in small letters",
    environment: { no_proxy: ".example" },
    variables: { no_proxy: `.example,${LOCAL}`, NO_PROXY: `.example,${LOCAL}` },
  },
  {
    name: "exceptions from the proxy are kept, in capitals",
    environment: { NO_PROXY: ".example" },
    variables: { no_proxy: `.example,${LOCAL}`, NO_PROXY: `.example,${LOCAL}` },
  },
  {
    name: "where the proxy is asked for nothing, that stays",
    environment: { no_proxy: "*", https_proxy: "http://proxy.example:3128" },
    variables: { no_proxy: "*", NO_PROXY: "*" },
  },
  {
    name: "the repository of a hook is not named",
    environment: { GIT_DIR: "/none/.git", GIT_INDEX_FILE: "/none/index", GIT_WORK_TREE: "/none" },
    variables: { GIT_DIR: "", GIT_INDEX_FILE: "", GIT_WORK_TREE: "" },
  },
]) {
  test(name, async (t) => {
    const { tree, run } = makeMachine(t, {});
    const shown = Object.keys(variables).map((variable) => `${variable}=$\${${variable}:-}`);
    writeFileSync(
      path.join(tree, "show.mk"),
      `include Makefile\nshow:\n\t@printf '%s\\n' ${shown.map((each) => `"${each}"`).join(" ")}\n`,
    );
    const { code, out, err } = await run("make", ["-f", "show.mk", "show"], environment);
    assert.equal(code, 0, err);
    assert.deepEqual(
      Object.fromEntries(
        out
          .trim()
          .split("\n")
          .map((line) => line.split(/=(.*)/s, 2)),
      ),
      variables,
    );
  });
}
