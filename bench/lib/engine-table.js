// What a shard of the engine takes by how much it stores: a row for each operation, a column for each size.

import { markdownTable } from "markdown-table";
import { median, ratio } from "./statistics.js";
import { figure } from "./table.js";

const tasks = (variant) => `${Number(variant).toLocaleString("en")} tasks`;

/** A table for each kind of storage. */
export function engineTable({ cases, filled }) {
  const storages = [...new Set(cases.map(({ storage }) => storage))];
  const tables = storages.map((storage) => {
    const own = cases.filter((each) => each.storage === storage);
    const sizes = Object.keys(own[0].samples);
    const head = [`µs, ${storage}`, ...sizes.map(tasks), "statements", "SQLite's steps"];
    const rows = own.map(({ operation, samples, work }) => [
      operation,
      ...sizes.map((size) => cell(samples, size, sizes[0])),
      String(work[sizes[0]].statements),
      steps(work, sizes),
    ]);
    return markdownTable([head, ...rows, ...rates(own, sizes)], {
      align: ["l", ...head.slice(1).map(() => "r")],
    });
  });
  const sizes = filled.map(
    (size) => `${tasks(size.tasks)} in ${figure(size.seconds)} s: ${figure(size.bytes / 1e6)} MB`,
  );
  return [...tables, `Filled through the engine: ${sizes.join("; ")}.`].join("\n\n");
}

function cell(samples, size, first) {
  const own = figure(median(samples[size]));
  return size === first ? own : `${own} (${figure(ratio(samples, size, first).median)}×)`;
}

/** How many steps the smallest shard needs, and the largest where that differs. */
function steps(work, sizes) {
  const [few, many] = [sizes[0], sizes.at(-1)].map((size) => work[size].steps);
  const shown = few.toLocaleString("en");
  return few === many ? shown : `${shown} → ${many.toLocaleString("en")}`;
}

/** Events a second: stored alone, and with their deliveries recorded. */
function rates(cases, sizes) {
  const of = (name, size) => median(cases.find((each) => each.operation === name).samples[size]);
  const stored = (size) =>
    ["a first event", "a further event", "a final event"].reduce(
      (sum, name) => sum + of(name, size) / 3,
      0,
    );
  const delivered = (size) => stored(size) + of("a delivery recorded", size);
  const row = (name, spent) => [
    `**${name}**`,
    ...sizes.map((size) => Math.round(1e6 / spent(size)).toLocaleString("en")),
    "",
    "",
  ];
  return [row("events/s, stored", stored), row("events/s, stored and recorded", delivered)];
}
