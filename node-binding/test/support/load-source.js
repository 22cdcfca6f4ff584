// Loads a part of the command by itself: the package has it only as one file with everything else.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

/** Imports `lib/cli/NAME.ts`. */
export async function source(name) {
  const folder = mkdtempSync(join(tmpdir(), "vtryon-source-"));
  const outfile = join(folder, "part.cjs");
  try {
    await build({
      entryPoints: [fileURLToPath(new URL(`../../lib/cli/${name}.ts`, import.meta.url))],
      outfile,
      bundle: true,
      format: "cjs",
      platform: "node",
      logLevel: "silent",
    });
    return (await import(pathToFileURL(outfile).href)).default;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
