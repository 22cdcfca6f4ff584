import { basename, isAbsolute, join, relative, resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { Failure } from "../failure.js";
import { checkIsOfGateway, findConfig } from "../folder/config.js";
import { ownScripts, writeTemplate } from "../folder/template.js";
import { keepSecrets } from "../local/secrets.js";
import { fileDependency, localSource, NAME } from "../package.js";
import { quotePath } from "../shell.js";

/** The configuration that is written. */
const CONFIG = "wrangler.jsonc";

/** @param {import("commander").Command} program */
export function addInit(program) {
  program
    .command("init")
    .summary("write a folder for your gateway")
    .description(
      `Writes a folder for your gateway: configuration, scripts (dev, secrets, deploy, doctor), and secrets for this machine.
Before it replaces a file that you have changed, it asks; without a terminal, it keeps the file.`,
    )
    .argument("[folder]", "the folder", ".")
    .option("--replace", "replace files that you have changed, without asking")
    .action(init);
}

/**
 * @param {string} name
 * @param {{ replace?: boolean }} options
 */
async function init(name, { replace = false }) {
  const folder = resolve(name);
  const present = findConfig(folder);
  if (present !== undefined && basename(present) !== CONFIG) {
    throw new Failure(
      `${folder} has ${basename(present)}, and wrangler reads one configuration alone: nothing was written`,
      `Write the gateway into a folder of its own: npx ${NAME} init gateway`,
    );
  }
  if (present !== undefined) await checkIsOfGateway(present);
  const mayReplace = replace ? async () => true : ask;
  for await (const [file, outcome] of writeTemplate(folder, mayReplace)) {
    console.log(`${outcome.padEnd(10)} ${file}`);
  }
  keepSecrets(join(folder, ".dev.vars"));
  const own = ownScripts(folder);
  if (own.length > 0) {
    const lines = own.map(([script, command]) => `  ${script.padEnd(8)} npx ${command}\n`);
    console.log(
      `\npackage.json has other scripts of these names, which stay. In their place:\n${lines.join("")}`,
    );
  }
  const isOwn = own.some(([script]) => script === "dev");
  const steps = [installCommand(folder), isOwn ? `npx ${NAME} dev` : "npm run dev"];
  const place = relative(process.cwd(), folder);
  if (place !== "") steps.unshift(`cd ${quotePath(place)}`);
  console.log(`\nNext:\n${steps.map((step) => `  ${step}\n`).join("")}`);
}

/**
 * Returns the command that installs the package into the folder: from a registry, or from where this one is.
 * @param {string} folder
 */
function installCommand(folder) {
  const source = localSource();
  if (source === undefined || fileDependency(folder) !== undefined) return "npm install";
  const path = relative(folder, source);
  // npm would look for a name without it in a registry.
  return `npm install ${quotePath(path.startsWith("..") || isAbsolute(path) ? path : `./${path}`)}`;
}

/** @param {string} file */
async function ask(file) {
  if (!process.stdin.isTTY) return false;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${file} differs from the template. Replace it? [y/N] `);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
