// The comparison of whole systems as tables, for the terminal and for PERFORMANCE.md alike.

import { markdownTable } from "markdown-table";
import { median, ratio } from "../lib/statistics.js";
import { figure } from "../lib/table.js";
import { SYSTEMS } from "./systems.js";

/** The rows of a load: what, and the figures of a sample that are shown, divided by a slash. */
const ROWS = [
  ["CPU, µs an event", ["cpu"]],
  ["events/s", ["rate"]],
  ["acknowledgement p50 / p99, ms", ["ack50", "ack99"]],
  ["post to delivered p50 / p99, ms", ["delivered50", "delivered99"]],
  ["posts not answered 200", ["refused"]],
  ["events not delivered within minutes", ["undelivered"]],
];

const labelOf = (load) => (load === "saturation" ? "at saturation" : `at ${load} events/s`);

/** At a rate of its own, every system takes as many events; and what is not answered or delivered is the exception. */
function isShown(name, load, systems) {
  if (name === "rate") return load === "saturation";
  if (name !== "refused" && name !== "undelivered") return true;
  return systems.some(({ samples }) => median(samples[load][name]) > 0);
}

/** A column for each system; in each load the medians over the rounds. */
export function systemsTable({ loads, systems, syncs }) {
  const rows = loads.flatMap((load) =>
    ROWS.filter(([, [name]]) => isShown(name, load, systems)).map(([what, names]) => [
      `${labelOf(load)}: ${what}`,
      ...systems.map(({ samples }) =>
        names.map((name) => figure(median(samples[load][name]))).join(" / "),
      ),
    ]),
  );
  if (syncs) rows.push(["disk syncs a post", ...syncs.map((each) => figure(each.syncs))]);
  // An earlier form of the comparison measured the memory where a faster system had got more events.
  if (systems.every(({ memoryAtRates }) => memoryAtRates)) {
    const memory = systems.map(({ memoryAtRates }) => figure(memoryAtRates));
    rows.push(["memory before saturation, MiB", ...memory]);
  }
  const head = ["", ...systems.map(({ title }) => title)];
  return markdownTable([head, ...rows], { align: ["l", ...systems.map(() => "r")] });
}

/** How much CPU each system takes for an event, compared with the first one: medians of the ratios round by round. */
export function ratioTable({ loads, systems }) {
  const [first, ...others] = systems;
  const rows = others.map((other) => [
    `${first.title} / ${other.title}`,
    ...loads.map((load) => {
      const of = { ours: first.samples[load].cpu, other: other.samples[load].cpu };
      const { median: middle, least, most } = ratio(of, "ours", "other");
      return `${figure(middle)} (${figure(least)} to ${figure(most)})`;
    }),
  ]);
  return markdownTable([["CPU an event", ...loads.map(labelOf)], ...rows], {
    align: ["l", ...loads.map(() => "r")],
  });
}

/** What each system does besides. */
export function guaranteesTable() {
  const systems = Object.values(SYSTEMS);
  const rows = Object.keys(systems[0].guarantees).map((what) => [
    what,
    ...systems.map(({ guarantees }) => guarantees[what]),
  ]);
  return markdownTable([["", ...systems.map(({ title }) => title)], ...rows]);
}

/** A column for each system: what became of the events that it had acknowledged before it was killed. */
export function lossesTable({ systems }) {
  const row = (what, value) => [what, ...systems.map(value)];
  const rows = [
    row("kills", ({ kills }) => kills),
    row("events acknowledged", ({ acknowledged }) => acknowledged.toLocaleString("en")),
    row("never delivered", ({ lost }) => lost.toLocaleString("en")),
    row("delivered twice or more often", ({ twice }) => twice.toLocaleString("en")),
    row("delivered over 5 s late", ({ late }) => late.toLocaleString("en")),
    row("the slowest, s", ({ slowest }) => figure(slowest)),
  ];
  const head = ["", ...systems.map(({ title }) => title)];
  return markdownTable([head, ...rows.map((cells) => cells.map(String))], {
    align: ["l", ...systems.map(() => "r")],
  });
}
