// Whether promtool is there, which comes with Prometheus.

import { spawnSync } from "node:child_process";
import path from "node:path";
import { skipWithout } from "../../support/skip.js";

const isMissing = spawnSync("promtool", ["--version"]).error !== undefined;

/** Why tests that need it are skipped, where it is missing; and the folder that paths begin at. */
export const promtool = {
  skip: skipWithout("promtool", !isMissing),
  root: path.resolve(import.meta.dirname, "../../.."),
};
