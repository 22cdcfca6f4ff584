// docs/reference/cli.md: what both commands print with --help.

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { build } from "esbuild";
import { notice, page, ROOT } from "./common.mjs";

const GATEWAY = join(ROOT, "edge-worker/npm/bin/vtryon-webhooks-gateway.js");
const PACKAGE = join(ROOT, "node-binding");

export async function cli() {
  const receiver = await bundled();
  const gateway = helpOf((args) => run([GATEWAY, ...args]));
  const webhooks = helpOf((args) => run(["--input-type=commonjs", "-", ...args], receiver));
  return {
    "docs/reference/cli.md": () =>
      page(
        notice("what the commands print with --help"),
        "# Commands",
        "Every subcommand and option of the two commands.",
        "- [`vtryon-webhooks-gateway`](#vtryon-webhooks-gateway) runs the gateway and deploys it. npm package [`vtryon-webhooks-gateway`](../../edge-worker/npm/README.md).\n- [`vtryon-webhooks`](#vtryon-webhooks) signs, sends and forwards webhooks, and tests endpoints. npm package [`vtryon-webhooks`](../../node-binding/README.md).",
        section("vtryon-webhooks-gateway", gateway),
        section("vtryon-webhooks", webhooks),
        "Next: [configuration](configuration.md), [errors](errors.md), [the API](api.md).",
      ),
  };
}

function section(name, { text, commands }) {
  return [
    `## ${name}`,
    block(text),
    ...commands.map(({ command, text }) => [`### ${name} ${command}`, block(text)]),
  ];
}

const block = (text) => `\`\`\`text\n${text.trimEnd()}\n\`\`\``;

/** Returns the help of a command and of each of its subcommands, in the order in which it lists them. */
function helpOf(run) {
  const text = run(["--help"]);
  const list = /^Commands:\n((?: {2}.*\n)+)/m.exec(text)[1];
  const names = [...list.matchAll(/^ {2}(\w+)/gm)].map(([, name]) => name);
  const commands = names.filter((name) => name !== "help");
  return {
    text,
    commands: commands.map((command) => ({ command, text: run([command, "--help"]) })),
  };
}

/** Runs Node with nothing in the environment that changes the help: a pipe is 80 columns wide. */
function run(args, input) {
  return execFileSync(process.execPath, args, { input, encoding: "utf8", env: { NO_COLOR: "1" } });
}

/** Bundles the command of the npm package from its sources, without the WebAssembly that no help needs. */
async function bundled() {
  const sources = {
    "vtryon-webhooks": join(PACKAGE, "lib/index.ts"),
    "vtryon-webhooks/testing": join(PACKAGE, "lib/testing/index.ts"),
  };
  const { outputFiles } = await build({
    entryPoints: [join(PACKAGE, "lib/cli/main.ts")],
    write: false,
    bundle: true,
    format: "cjs",
    platform: "node",
    define: { __dirname: JSON.stringify(join(PACKAGE, "dist")) },
    plugins: [
      {
        name: "sources",
        setup({ onResolve, onLoad }) {
          onResolve({ filter: /^vtryon-webhooks/ }, ({ path }) => ({ path: sources[path] }));
          onResolve({ filter: /^#wasm$|\/glue\.js$/ }, ({ path }) => ({ path, namespace: "none" }));
          onLoad({ filter: /.*/, namespace: "none" }, () => ({
            contents: "export default undefined; export const makeGlue = undefined;",
          }));
        },
      },
    ],
  });
  return outputFiles[0].text;
}
