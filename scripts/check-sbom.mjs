// Checks the lists of a folder against the schema of CycloneDX 1.5, and that each of them lists something and names no
// folder of this machine:
//     node scripts/check-sbom.mjs FOLDER

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { Spec, Validation } from "@cyclonedx/cyclonedx-library";

const ROOT = pathToFileURL(path.join(import.meta.dirname, "..")).href;
const [folder] = process.argv.slice(2);
const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot5);

async function faultOf(text) {
  const { components } = JSON.parse(text);
  if (!(components?.length > 0)) return "lists nothing";
  if (text.includes(ROOT)) return "names a folder of this machine";
  const fault = await validator.validate(text);
  return fault === null ? undefined : `is not CycloneDX 1.5: ${JSON.stringify(fault)}`;
}

const files = readdirSync(folder);
if (files.length === 0) throw new Error(`${folder} is empty`);
for (const file of files) {
  const text = readFileSync(path.join(folder, file), "utf8");
  const fault = await faultOf(text);
  console.log(`${file} ${fault ?? `lists ${JSON.parse(text).components.length} components`}`);
  if (fault !== undefined) process.exitCode = 1;
}
