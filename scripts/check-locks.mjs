// Fails where a lock file of npm has a package without the hash that its download is checked against.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

const files = execFileSync("git", ["ls-files", "*package-lock.json"], { encoding: "utf8" });
for (const file of files.split("\n").filter(Boolean)) {
  const { packages } = JSON.parse(readFileSync(file, "utf8"));
  for (const [place, { integrity, link }] of Object.entries(packages)) {
    const isInstalled = place.includes("node_modules/") && !link;
    if (!isInstalled || integrity) continue;
    console.error(`error: ${file}: ${place} has no integrity hash`);
    process.exitCode = 1;
  }
}
