// docs/reference/configuration.md, and what the configuration files say about each variable, from
// edge-worker/engine/src/variables.rs.

import { cargoRun, notice, page, replaceBetween, table } from "./common.mjs";

const SOURCE = "edge-worker/engine/src/variables.rs";

/** The length of a line of comment, without its indentation. */
const COMMENT_WIDTH = 112;

const REQUIRED = { yes: "yes", no: "no", unless_access: "unless Access is configured" };

export function configuration() {
  const printed = cargoRun("--package", "vtryon-gateway-engine", "--example", "variables");
  const { variables, bindings } = JSON.parse(printed);
  const secrets = variables.filter(({ is_secret }) => is_secret);
  const texts = variables.filter(({ is_secret }) => !is_secret);
  return {
    "docs/reference/configuration.md": () => pageOf(secrets, texts, bindings),
    "wrangler.toml": (present) =>
      replaceBetween(present, "[vars]\n", "\n\n", settings(texts, tomlLine, "# ", "")),
    "deploy/wrangler.jsonc": (present) =>
      replaceBetween(present, '  "vars": {\n', "\n  },", settings(texts, jsonLine, "// ", "    ")),
    "deploy/.dev.vars.example": () => devVars(secrets),
    "deploy/package.json": (present) => manifest(present, variables, bindings),
  };
}

function pageOf(secrets, texts, bindings) {
  return page(
    notice(SOURCE),
    "# Configuration",
    "Every secret, variable and binding of the gateway.",
    table(
      ["", "secrets", "variables"],
      [
        ["**your folder** (`init`)", "`npm run secrets`", "`vars` in `wrangler.jsonc`"],
        ["**the repository**", "`make secrets`", "`[vars]` in `wrangler.toml`"],
        ["**this machine**", "`.dev.vars`", "the same files"],
      ],
    ),
    "Deploy after a change of a variable. A secret takes effect within seconds, everywhere within minutes; no other deployment is needed.",
    "If something is missing or wrong, the gateway answers 503, apart from 405 to a method that a path does not have. The dashboard's files are served all the same. The log names the variable and what is wrong with it, never its value: run `npx wrangler tail`, then ask again.",
    "## Secrets",
    table(
      ["secret", "required", "value", "what it is for"],
      secrets.map((secret) => [
        `\`${secret.name}\``,
        REQUIRED[secret.required],
        formOf(secret.values),
        meaningOf(secret),
      ]),
    ),
    "## Variables",
    "All of them are optional.",
    table(
      ["variable", "default", "value", "what it is for"],
      texts.map((variable) => [
        `\`${variable.name}\``,
        variable.values.number ? String(variable.values.number.default) : "",
        formOf(variable.values),
        meaningOf(variable),
      ]),
    ),
    "## Bindings",
    "They stand in the same file, under these names.",
    table(
      ["binding", "kind", "what it is for"],
      bindings.map(({ name, kind, summary }) => [`\`${name}\``, kind, summary]),
    ),
    "Next: [the API](api.md), [errors](errors.md), [commands](cli.md).",
  );
}

/** What a variable may hold, for a cell of a table. */
function formOf({ number, token, text }) {
  if (number) return `${number.min} to ${number.max}`;
  if (token) return `${token.min} to ${token.max} characters`;
  return text.form;
}

const meaningOf = ({ summary, details }) =>
  [asMarkdown(summary), details].filter((text) => text !== "").join(" ");

/** Marks the names of variables and the paths in a plain text as code. */
const asMarkdown = (text) =>
  text
    .split(/(`[^`]*`)/)
    .map((part) =>
      part.startsWith("`")
        ? part
        : part.replace(/https:\/\/\S*[\w…]|\b[A-Z]+_[A-Z_]+\b|(?<=\s)\/api\b|\bhttp:\/\//g, "`$&`"),
    )
    .join("");

/** What comments and the button say of a variable. */
function described({ summary, values }) {
  // After the first sentence's text.
  if (values.number) return summary.replace(".", `, ${formOf(values)}.`);
  if (values.token) return `${summary} It has ${formOf(values)}.`;
  return summary;
}

/** The lines that set variables: those with a default are set, the others are commented out. */
function settings(variables, lineOf, mark, indent) {
  const set = variables.filter(({ values }) => values.number);
  const unset = variables.filter(({ values }) => values.text?.example);
  return [...set, ...unset]
    .flatMap((variable) => {
      const { name, values } = variable;
      const line = values.number
        ? lineOf(name, String(values.number.default), variable === set.at(-1))
        : `${mark}${lineOf(name, values.text.example, variable === unset.at(-1))}`;
      return [...comment(described(variable), mark), line];
    })
    .map((line) => indent + line)
    .join("\n");
}

const tomlLine = (name, value) => `${name} = ${JSON.stringify(value)}`;
const jsonLine = (name, value, isLast) =>
  `${JSON.stringify(name)}: ${JSON.stringify(value)}${isLast ? "" : ","}`;

/** Breaks a text into lines of comment. */
function comment(text, mark) {
  const lines = [""];
  // Code is not broken.
  for (const word of text.match(/`[^`]*`\S*|\S+/g)) {
    const line = lines.at(-1);
    if (line !== "" && line.length + word.length + 1 > COMMENT_WIDTH) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines.map((line) => mark + line);
}

function devVars(secrets) {
  const required = secrets.filter(({ required }) => required !== "no");
  const optional = secrets.filter(({ required }) => required === "no");
  const entry = (secret, mark, note = "") =>
    [...comment(`${note}${described(secret)}`, "# "), `${mark}${secret.name}=`].join("\n");
  return [
    "# The secrets of the gateway. `npm run dev` generates those of this machine into .dev.vars.\n",
    ...required.map((secret) => entry(secret, "")),
    "",
    ...optional.map((secret) => entry(secret, "# ", "Optional. ")),
    "",
  ].join("\n");
}

/** What the Deploy to Cloudflare button asks for: the required secrets, and the variables that are set. */
function manifest(present, variables, bindings) {
  const asked = variables.filter(({ required, values }) => required !== "no" || values.number);
  const entries = [
    ...asked.map((variable) => [variable.name, { description: described(variable) }]),
    ...bindings
      .filter(({ kind }) => kind === "KV namespace")
      .map(({ name, summary }) => [name, { description: summary }]),
  ];
  const manifest = JSON.parse(present);
  manifest.cloudflare.bindings = Object.fromEntries(entries);
  return `${JSON.stringify(manifest, null, 2)}\n`;
}
