import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { deployedSecrets, environmentOption, runWrangler } from "../deployed.js";
import { Failure } from "../failure.js";
import { configOf } from "../folder/config.js";
import { checkSecrets, generate, REQUIRED } from "../secrets.js";

/** The secret that Vtryon shows; the others are generated. */
const FROM_VTRYON = "VTRYON_WEBHOOK_SECRET";

/** @param {import("commander").Command} program */
export function addSecrets(program) {
  program
    .command("secrets")
    .summary("set the secrets of the gateway on Cloudflare")
    .description(
      `Sets the secrets of the gateway on Cloudflare.
It asks for the secret that Vtryon shows, or reads it from ${FROM_VTRYON}.
It generates the others where they are neither set nor in the environment, and shows them once.`,
    )
    .addOption(environmentOption())
    .action(setSecrets);
}

/** @param {{ env?: string }} options */
async function setSecrets({ env }) {
  const target = { config: await configOf(process.cwd(), env), environment: env };
  const secret = process.env[FROM_VTRYON] || (await ask());
  checkSecrets({ [FROM_VTRYON]: secret });
  /** @type {Record<string, string>} */
  const secrets = { [FROM_VTRYON]: secret };
  const present = await deployedSecrets(target);
  /** @type {string[]} */
  const generated = [];
  for (const name of REQUIRED) {
    // One that is set stays: what is sealed under the master key needs that key.
    if (name === FROM_VTRYON || present.includes(name)) continue;
    const given = process.env[name];
    secrets[name] = given || generate();
    if (!given) generated.push(`${name}=${secrets[name]}`);
  }
  checkSecrets(secrets, "the environment");
  if (generated.length > 0) {
    // Printed before they are set: however this command ends, no secret is set that nobody has seen.
    console.log(generated.join("\n"));
    console.error("Keep these in a safe place: Cloudflare does not show them again.");
  }
  const keep = "Keep the secrets above: those that are set by now are not generated anew.";
  await runWrangler(target, ["secret", "bulk"], {
    // Not as arguments, which every user of the machine can see.
    input: JSON.stringify(secrets),
    failed: "the secrets could not be set: see above",
    hint: `Nothing was changed, or only a part: try again.${generated.length > 0 ? ` ${keep}` : ""}`,
  });
}

async function ask() {
  if (!process.stdin.isTTY) {
    throw new Failure(
      `${FROM_VTRYON} is not in the environment, and there is no terminal to ask at`,
      "Set it to the secret that Vtryon shows for the gateway's URL.",
    );
  }
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: silent, terminal: true });
  // Only now: the interface has turned off the terminal's echo.
  process.stderr.write("The secret that Vtryon shows for this endpoint (not echoed): ");
  try {
    return await terminal.question("");
  } finally {
    terminal.close();
    process.stderr.write("\n");
  }
}
