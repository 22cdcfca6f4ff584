#!/usr/bin/env node
// Nothing else is imported before the version is known to be able to run it.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major > 22 || (major === 22 && minor >= 12)) {
  await import("../lib/main.js");
} else {
  console.error(`error: Node ${process.versions.node} is too old\nInstall Node 22.12 or newer.`);
  process.exitCode = 2;
}
