// Why a test is skipped that needs what this machine may lack. Where it has to be there, the test file fails instead.

import { existsSync } from "node:fs";

/** For tests of a program that set-up does not install everywhere. CI does, and sets VTRYON_SKIP_NOTHING. */
export function skipWithout(program, isThere) {
  if (isThere) return false;
  const reason = `${program} is not installed`;
  if (process.env.VTRYON_SKIP_NOTHING) {
    throw new Error(`${reason}, and VTRYON_SKIP_NOTHING is set`);
  }
  return reason;
}

/** For tests of a runtime that npm brings for Linux on x64 alone, by its path; there, its download may have failed. */
export function skipWithoutRuntime(command, machine = `${process.platform} ${process.arch}`) {
  if (existsSync(command)) return false;
  if (machine === "linux x64") {
    throw new Error(`${command} is missing: remove node_modules, and run make setup-test again`);
  }
  return "npm brings it for Linux on x64 alone";
}
