import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { Failure } from "../failure.js";
import { configOf, readConfig } from "../folder/config.js";
import { builtVersion, NAME, TEMPLATE, VERSION } from "../package.js";

/** @typedef {import("../package.js").GatewayVersion} GatewayVersion */

/** Who stores by a schema of its own. */
const STORES = /** @type {const} */ ([
  ["shard", "each shard, when it wakes,"],
  ["directory", "the directory"],
]);

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
      `With a URL: says which version a gateway runs and by which schemas it stores, beside those of this package, and what a deployment of the package would migrate.
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
    `Change it by hand. npx ${NAME} init would replace the whole file: your vars and the id of the KV namespace would be lost.`,
  );
}

/** @param {string} address */
async function checkGateway(address) {
  const deployed = await healthAt(healthOf(address));
  const built = builtVersion();
  console.log(
    table([
      ["", "version", "schema of shards", "schema of the directory"],
      ["gateway", deployed.version, deployed.schema.shard, deployed.schema.directory],
      ["package", built.version, built.schema.shard, built.schema.directory],
    ]),
  );
  compare(deployed, built);
}

/**
 * Throws where the gateway is not that of the package, and says what a deployment of the package would do to what is
 * stored.
 * @param {GatewayVersion} deployed
 * @param {GatewayVersion} built
 */
function compare(deployed, built) {
  const own = `npm install ${NAME}@${deployed.version}`;
  const changes = STORES.map(([store, name]) => ({
    name,
    from: deployed.schema[store],
    to: built.schema[store],
  })).filter(({ from, to }) => from !== to);
  if (changes.some(({ from, to }) => from > to)) {
    throw new Failure(
      "the gateway stores by a newer schema than this package",
      `Do not deploy this package: there are no migrations backwards. Install that version: ${own}`,
    );
  }
  for (const { name, from, to } of changes) {
    console.log(`A deployment of this package migrates ${name} from schema ${from} to ${to}.`);
  }
  if (changes.length === 0 && deployed.version === built.version) return;
  throw new Failure(
    deployed.version === built.version ? "the schemas differ" : "the versions differ",
    `Deploy this package's version with npm run deploy, or install that one: ${own}`,
  );
}

/**
 * Returns rows as lines whose columns begin below each other.
 * @param {(string | number)[][]} rows
 */
function table(rows) {
  const cells = rows.map((row) => row.map(String));
  const widths = cells[0]?.map((_, column) =>
    Math.max(...cells.map((row) => row[column]?.length ?? 0)),
  );
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths?.[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** @param {string} address */
function healthOf(address) {
  if (URL.canParse(address) && /^https?:/.test(address)) return new URL("/healthz", address);
  throw new Failure(`'${address}' is not a URL`, "Write it whole, such as https://gateway.example");
}

/**
 * @param {URL} url
 * @returns {Promise<GatewayVersion>}
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
      "Its configuration is faulty. Run npx wrangler tail, then ask again: the log names the variable",
    );
  }
  /** @type {any} */
  const health = await answer.json().catch(() => undefined);
  if (typeof health?.version === "string" && health.schema) return health;
  throw new Failure(`${url} answers ${answer.status} and tells no version`, "Is it the gateway?");
}
