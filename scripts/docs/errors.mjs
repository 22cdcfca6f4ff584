// docs/reference/errors.md: the codes, statuses, messages and hints of the core, and from errors.json when each code is
// given, and by what.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { cargoRun, notice, page, table } from "./common.mjs";

export function errors() {
  const groups = JSON.parse(readFileSync(join(import.meta.dirname, "errors.json"), "utf8"));
  const rows = verdict("--codes");
  const core = new Map(rows.map((row) => [row.code, row]));
  const described = groups.map(({ codes, from, ...group }) => ({
    ...group,
    codes: Object.entries(codes).map(([code, text]) => ({
      from,
      ...(typeof text === "string" ? { when: text } : text),
      ...known(core, code),
    })),
  }));
  const all = described.flatMap(({ codes }) => codes);
  const missing = [...core.keys()].filter((code) => !all.some((row) => row.code === code));
  if (missing.length > 0) throw new Error(`errors.json does not describe ${missing.join(", ")}`);
  return { "docs/reference/errors.md": () => pageOf(described, all, verdict("--mistakes")) };
}

/** Returns a table of the core's, which the tests' oracle prints as a line of JSON for each row. */
function verdict(option) {
  const program = ["--package", "vtryon-webhooks-tests", "--bin", "verdict"];
  const lines = cargoRun(...program, "--", option)
    .trimEnd()
    .split("\n");
  return lines.map((line) => JSON.parse(line));
}

function known(core, code) {
  const row = core.get(code);
  if (row === undefined)
    throw new Error(`errors.json describes ${code}, which the core does not have`);
  return row;
}

function pageOf(groups, all, mistakes) {
  return page(
    notice("the core's codes and scripts/docs/errors.json"),
    "# Errors",
    "Every error code of the gateway and of the packages: when it occurs, and what to do.",
    'An answer is JSON: `{"error": code, "message": text}`. In a program it is a `WebhookError` (npm, Python) or an `Error` (Rust) with the code, a message and a hint; `field` and `offset` say where, if that is known.',
    "Compare the code, which is stable. Messages are for people and may change. No error holds a byte of a payload, a header or a secret.",
    table(
      ["code", "status", "from"],
      all.map(({ code, status, from }) => [
        `[\`${code}\`](#${code})`,
        String(status),
        from.join(", "),
      ]),
    ),
    "The packages: [npm](npm.md), [Python](python.md), [Rust](../../core/README.md).",
    groups.flatMap(({ title, text, codes }) => [`## ${title}`, text, codes.flatMap(section)]),
    "## Likely mistakes",
    "The values of `mistake` in [`GET /api/rejections`](api.md#get-apirejections): what the sender of a refused webhook most likely does wrong.",
    table(
      ["mistake", "hint"],
      mistakes.map(({ mistake, hint }) => [`\`${mistake}\``, sentence(hint)]),
    ),
    "Next: [the API](api.md), [configuration](configuration.md), [commands](cli.md).",
  );
}

const section = ({ code, status, public: shown, from, when, summary, hint }) => [
  `### \`${code}\``,
  [
    `- **Status:** ${status}${shown === code ? "" : `; clients see \`${shown}\``}`,
    `- **From:** ${from.join(", ")}`,
    `- **Message:** ${summary}`,
    `- **When:** ${when}`,
    `- **What to do:** ${sentence(hint)}`,
  ].join("\n"),
];

const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}.`;
