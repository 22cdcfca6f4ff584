// The comparison of whole systems as tables, for the terminal and for PERFORMANCE.md alike.

import { markdownTable } from "markdown-table";
import { median } from "../lib/statistics.js";
import { figure } from "../lib/table.js";

/** The rows of a load: what, and the figures of a sample that are shown, divided by a slash. */
const ROWS = [
  ["CPU, µs an event", ["cpu"]],
  ["events/s", ["rate"]],
  ["acknowledgement p50 / p99, ms", ["ack50", "ack99"]],
  ["post to delivered p50 / p99, ms", ["delivered50", "delivered99"]],
];

const middle = (samples, name) => median(samples.map((sample) => sample[name]));

const labelOf = (load) => (load === "saturation" ? "at saturation" : `at ${load} events/s`);

/** A column for each system; in each load the medians over the rounds. */
export function systemsTable({ loads, systems }) {
  const rows = loads.flatMap((load) =>
    // At a rate of its own, every system takes as many events.
    ROWS.filter(([, [name]]) => load === "saturation" || name !== "rate").map(([what, names]) => [
      `${labelOf(load)}: ${what}`,
      ...systems.map(({ samples }) =>
        names.map((name) => figure(middle(samples[load], name))).join(" / "),
      ),
    ]),
  );
  rows.push(["memory at the end, MiB", ...systems.map(({ memory }) => figure(memory))]);
  const head = ["", ...systems.map(({ title }) => title)];
  return markdownTable([head, ...rows], { align: ["l", ...systems.map(() => "r")] });
}

/** How much CPU each system takes for an event, compared with the first one: medians of the ratios round by round. */
export function ratioTable({ loads, systems }) {
  const [first, ...others] = systems;
  const ratios = (load, { samples }) =>
    samples[load].map(({ cpu }, round) => first.samples[load][round].cpu / cpu);
  const rows = others.map((other) => [
    `${first.title} / ${other.title}`,
    ...loads.map((load) => {
      const all = ratios(load, other);
      return `${figure(median(all))} (${figure(Math.min(...all))} to ${figure(Math.max(...all))})`;
    }),
  ]);
  return markdownTable([["CPU an event", ...loads.map(labelOf)], ...rows], {
    align: ["l", ...loads.map(() => "r")],
  });
}
