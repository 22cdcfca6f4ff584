import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { Failure } from "../failure.js";
import { configOf, readConfig } from "../folder/config.js";
import { NAME, TEMPLATE, VERSION } from "../package.js";

/** The settings that the gateway needs as the template has them; all others are the user's. */
const SETTINGS = /** @type {const} */ ([
  "compatibility_date",
  "compatibility_flags",
  "durable_objects",
  "migrations",
  "assets",
  "triggers",
]);

/** @param {import("commander").Command} program */
export function addDoctor(program) {
  program
    .command("doctor")
    .summary("check the version of a gateway, or the configuration of this folder")
    .description(
      `With a URL: says which version a gateway runs, and whether it is that of this package.
Without a URL: says whether this folder's configuration has what this version needs.
To test an endpoint of yours: npx vtryon-webhooks doctor <url>`,
    )
    .argument("[url]", "the gateway, such as https://vtryon-webhooks.example.workers.dev")
    .action((url) => (url === undefined ? checkFolder() : checkGateway(url)));
}

async function checkFolder() {
  const own = await readConfig(await configOf(process.cwd()));
  const template = await readConfig(join(TEMPLATE, "wrangler.jsonc"));
  const different = SETTINGS.filter((name) => !isDeepStrictEqual(own[name], template[name]));
  if (different.length === 0)
    return console.log(`The configuration is that of ${NAME} ${VERSION}.`);
  for (const name of different) {
    console.log(
      `${name} differs. ${NAME} ${VERSION} has:\n${JSON.stringify(template[name], null, 2)}`,
    );
  }
  throw new Failure(
    `the configuration differs in ${different.join(", ")}`,
    `Change it, or let npx ${NAME} init replace it whole, with your variables.`,
  );
}

/** @param {string} address */
async function checkGateway(address) {
  const url = healthOf(address);
  const { version, schema } = await healthAt(url);
  const { shard, directory } = schema;
  console.log(
    `gateway    ${version} (schema of shards ${shard}, of the directory ${directory})\npackage    ${VERSION}`,
  );
  if (version === VERSION) return;
  throw new Failure(
    "the versions differ",
    `Deploy this package's version with npm run deploy, or install that one: npm install ${NAME}@${version}`,
  );
}

/** @param {string} address */
function healthOf(address) {
  if (URL.canParse(address) && /^https?:/.test(address)) return new URL("/healthz", address);
  throw new Failure(`'${address}' is not a URL`, "Write it whole, such as https://gateway.example");
}

/**
 * @param {URL} url
 * @returns {Promise<{ version: string, schema: { shard: number, directory: number } }>}
 */
async function healthAt(url) {
  let answer;
  try {
    answer = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  } catch (error) {
    const cause = /** @type {{ cause?: { message?: string } }} */ (error).cause?.message;
    throw new Failure(`${url} cannot be reached: ${cause ?? /** @type {Error} */ (error).message}`);
  }
  if (answer.status === 503) {
    throw new Failure(
      `${url} answers 503`,
      "Its configuration is faulty. Its log names the variable: npx wrangler tail",
    );
  }
  /** @type {any} */
  const health = await answer.json().catch(() => undefined);
  if (typeof health?.version === "string" && health.schema) return health;
  throw new Failure(`${url} answers ${answer.status} and tells no version`, "Is it the gateway?");
}
