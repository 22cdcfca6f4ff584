import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseEnv } from "node:util";
import { deployedSecrets, environmentOption, runWrangler } from "../deployed.js";
import { Failure } from "../failure.js";
import { configOf, readVariables } from "../folder/config.js";
import { checkSecrets, REQUIRED } from "../secrets.js";

const TOKEN = "GATEWAY_ADMIN_TOKEN";

/**
 * Arguments of wrangler that choose a Worker or the account that it is of: its secrets would then not be those that are
 * checked. The files of the last two may name another account.
 */
const OTHER_WORKER =
  /^(--(env|name|config|dispatch-?[nN]amespace|profile|env-?[fF]ile|cwd)(=|$)|-[^-]*[ec])/;

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
    .addOption(environmentOption())
    .option("--dry-run", "build what would be deployed, and deploy nothing")
    .argument("[arguments...]", "further arguments for wrangler deploy, after --")
    .action(deploy);
}

/**
 * @param {string[]} rest
 * @param {{ secretsFile?: string, env?: string, dryRun?: boolean }} options
 */
async function deploy(rest, { secretsFile, env, dryRun = false }) {
  const other = rest.find((argument) => OTHER_WORKER.test(argument));
  if (other !== undefined) {
    throw new Failure(
      `${other} cannot be handed on to wrangler: it would deploy another Worker than is checked`,
      "Choose an environment before --: npm run deploy -- --env <name>. The name of the Worker is in the configuration.",
    );
  }
  const target = { config: await configOf(process.cwd(), env), environment: env };
  const set = secretsFile === undefined ? {} : secretsIn(secretsFile);
  checkSecrets(set, secretsFile);
  if (!dryRun) await checkComplete(target, Object.keys(set));
  const options = [
    ...(secretsFile === undefined ? [] : ["--secrets-file", resolve(secretsFile)]),
    ...(dryRun ? ["--dry-run"] : []),
  ];
  await runWrangler(target, ["deploy", ...options, ...rest], {
    failed: "wrangler could not deploy: see above",
    hint: 'If it says "CPU limits are not supported for the Free plan" (100328), remove "limits" from the configuration.',
  });
}

/**
 * Throws where a secret is neither on Cloudflare nor set with the deployment: without it the gateway answers 503.
 * @param {import("../deployed.js").Target} target
 * @param {string[]} names those that are set with it
 */
async function checkComplete(target, names) {
  const set = new Set([...(await deployedSecrets(target)), ...names]);
  const missing = REQUIRED.filter((name) => !set.has(name));
  // Cloudflare Access may stand in for the token.
  const vars = await readVariables(target.config, target.environment);
  const isOpenToAccess = ["ACCESS_TEAM", "ACCESS_AUD"].every(
    (name) => name in vars || set.has(name),
  );
  if (isOpenToAccess && missing.includes(TOKEN)) missing.splice(missing.indexOf(TOKEN), 1);
  if (missing.length === 0) return;
  const message = `secrets are missing on Cloudflare: ${missing.join(", ")}`;
  // Workers Builds may set secrets only after the first deployment. Until then the gateway answers 503.
  if (process.env.WORKERS_CI)
    return console.error(`${message}\nSet them in the Worker's settings.`);
  const { environment } = target;
  const env = environment === undefined ? "" : ` -- --env ${environment || '""'}`;
  throw new Failure(
    message,
    `Set them with: npm run secrets${env} (in the repository: make secrets)`,
  );
}

/**
 * Returns the secrets of a file, by name.
 * @param {string} file
 * @returns {Record<string, string>}
 */
function secretsIn(file) {
  const text = readFileSync(file, "utf8");
  if (!text.trimStart().startsWith("{")) {
    return /** @type {Record<string, string>} */ (parseEnv(text));
  }
  try {
    return JSON.parse(text);
  } catch {
    // What is said of it would show a part of it.
    throw new Failure(`${file} is not valid JSON`);
  }
}
