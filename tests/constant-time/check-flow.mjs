// Runs each case of secret-flow under valgrind: no branch and no address depends on a secret, but for the result in
// `verdict`. The controls, which leak, must be reported. `make secret-flow` builds the program and calls this.

import { spawnSync } from "node:child_process";
import path from "node:path";

const FOLDER = import.meta.dirname;
const PROGRAM = path.join(FOLDER, "../../target/constant-time/release/secret-flow");
const REPORTED = 9;
/** What valgrind says at the end. */
const SUMMARY = /ERROR SUMMARY: (\d+) errors from \d+ contexts \(suppressed: (\d+) from \d+\)/;

/** Where the result is branched on by `verdict`, that is suppressed, and shows that the secret went all the way. */
const CASES = [
  { name: "verify", branches: "in verdict" },
  { name: "verify-hashed", branches: "in verdict" },
  { name: "standard-webhooks", branches: "in verdict" },
  { name: "token", branches: "nowhere" },
  { name: "leak-token-result", branches: "control" },
  { name: "leak-early-exit", branches: "control" },
  { name: "leak-table", branches: "control" },
];

function run(name) {
  const options = ["--read-inline-info=no", `--error-exitcode=${REPORTED}`];
  const suppressions = `--suppressions=${path.join(FOLDER, "valgrind.supp")}`;
  const done = spawnSync("valgrind", [...options, suppressions, PROGRAM, name], {
    encoding: "utf8",
  });
  if (done.error) throw done.error;
  const [, errors, suppressed] = SUMMARY.exec(done.stderr) ?? [];
  return {
    errors: Number(errors),
    suppressed: Number(suppressed),
    status: done.status,
    log: done.stderr,
  };
}

function isExpected(branches, { errors, suppressed, status }) {
  if (branches === "control") return status === REPORTED && errors > 0;
  const isQuiet = status === 0 && errors === 0;
  return isQuiet && (branches === "in verdict" ? suppressed > 0 : suppressed === 0);
}

for (const { name, branches } of CASES) {
  const found = run(name);
  const isRight = isExpected(branches, found);
  const counts = `${found.errors} reports, ${found.suppressed} in verdict`;
  console.log(`${isRight ? "ok    " : "FAILED"}  ${name.padEnd(18)}  ${counts}`);
  if (isRight) continue;
  console.log(found.log);
  process.exitCode = 1;
}
