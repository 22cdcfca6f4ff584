import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseEnv } from "node:util";
import { deployedSecrets, runWrangler } from "../deployed.js";
import { Failure } from "../failure.js";
import { configOf, readConfig } from "../folder/config.js";
import { REQUIRED } from "../local/secrets.js";

const TOKEN = "GATEWAY_ADMIN_TOKEN";

/** @param {import("commander").Command} program */
export function addDeploy(program) {
  program
    .command("deploy")
    .summary("deploy the gateway to Cloudflare")
    .description(
      "Checks that the secrets are set, and deploys the gateway to Cloudflare with wrangler.",
    )
    .option(
      "--secrets-file <file>",
      "a file of secrets to set with the deployment: JSON, or lines NAME=value",
    )
    .option("--dry-run", "build what would be deployed, and deploy nothing")
    .argument("[arguments...]", "further arguments for wrangler deploy, after --")
    .action(deploy);
}

/**
 * @param {string[]} rest
 * @param {{ secretsFile?: string, dryRun?: boolean }} options
 */
async function deploy(rest, { secretsFile, dryRun = false }) {
  const config = configOf(process.cwd());
  if (!dryRun) await checkSecrets(config, secretsFile);
  const options = [
    ...(secretsFile === undefined ? [] : ["--secrets-file", resolve(secretsFile)]),
    ...(dryRun ? ["--dry-run"] : []),
  ];
  await runWrangler(config, ["deploy", ...options, ...rest], {
    failed: "wrangler could not deploy: see above",
    hint: 'If it says "CPU limits are not supported for the Free plan" (100328), remove "limits" from the configuration.',
  });
}

/**
 * Throws where a secret is neither on Cloudflare nor set with the deployment: without it the gateway answers 503.
 * @param {string} config
 * @param {string | undefined} file
 */
async function checkSecrets(config, file) {
  const deployed = await deployedSecrets(config);
  const set = new Set([...deployed, ...(file === undefined ? [] : secretsIn(file))]);
  const missing = REQUIRED.filter((name) => !set.has(name));
  // Cloudflare Access may stand in for the token.
  const { vars = {} } = await readConfig(config);
  const isOpenToAccess = ["ACCESS_TEAM", "ACCESS_AUD"].every(
    (name) => name in vars || set.has(name),
  );
  if (isOpenToAccess && missing.includes(TOKEN)) missing.splice(missing.indexOf(TOKEN), 1);
  if (missing.length === 0) return;
  const message = `secrets are missing on Cloudflare: ${missing.join(", ")}`;
  // Workers Builds may set secrets only after the first deployment. Until then the gateway answers 503.
  if (process.env.WORKERS_CI)
    return console.error(`${message}\nSet them in the Worker's settings.`);
  throw new Failure(message, "Set them with: npm run secrets (in the repository: make secrets)");
}

/** @param {string} file */
function secretsIn(file) {
  const text = readFileSync(file, "utf8");
  return Object.keys(text.trimStart().startsWith("{") ? JSON.parse(text) : parseEnv(text));
}
