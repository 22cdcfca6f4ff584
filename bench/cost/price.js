// What operations cost that were counted, by the price list in `prices.json`.

import { readFileSync } from "node:fs";
import path from "node:path";
import { markdownTable } from "markdown-table";

export const list = JSON.parse(readFileSync(path.join(import.meta.dirname, "prices.json"), "utf8"));

/** [what is billed, its price, how many of it was counted] */
const OPERATIONS = [
  ["requests to the Worker", "request", (counts) => counts.request],
  ["requests to objects", "object_request", requestsToObjects],
  ["alarms run", "object_request", (counts) => counts.alarm_run],
  ["rows written", "row_written", (counts) => counts.rows_written],
  ["alarms set", "row_written", (counts) => counts.alarm_set],
  ["rows read", "row_read", (counts) => counts.rows_read],
  ["writes to KV", "kv_write", (counts) => counts.kv_write],
  ["reads from KV", "kv_read", (counts) => counts.kv_read],
];

function requestsToObjects({ shard_request, directory_request, socket_message }) {
  return shard_request + directory_request + socket_message / 20;
}

/** Returns for each operation how many an event takes, and what a million events pay for it. */
export function priced(counts, events) {
  return OPERATIONS.map(([operation, price, count]) => {
    const perEvent = count(counts) / events;
    return { operation, price, perEvent, cost: perEvent * list.prices[price].perMillion };
  });
}

export const total = (operations) => operations.reduce((sum, { cost }) => sum + cost, 0);

/** Returns how many events a day each limit of the Free plan allows: the operations are those of one case. */
export function freePlan(operations) {
  return list.free.limits.map(({ title, daily, operations: names }) => {
    const counted = operations.filter(({ operation }) => names.includes(operation));
    const perEvent = counted.reduce((sum, { perEvent }) => sum + perEvent, 0);
    // Down to thousands; the addition is for fractions such as a third.
    const events = Math.floor(daily / perEvent / 1000 + 1e-9) * 1000;
    return { title, daily, perEvent, events };
  });
}

/** A row for each limit of the Free plan. */
export function freePlanTable(operations) {
  const rows = freePlan(operations).map(({ title, daily, perEvent, events }) => [
    `${daily.toLocaleString("en")} ${title}`,
    perEvent.toFixed(2),
    events.toLocaleString("en"),
  ]);
  const head = ["Cloudflare's limit a day", "an event takes", "events a day"];
  return markdownTable([head, ...rows], { align: ["l", "r", "r"] });
}

const dollars = (amount) => `$${amount.toFixed(amount < 0.1 ? 3 : 2)}`;

/** A row per operation, a column per case: operations an event, and dollars a million events. */
export function costTable(cases) {
  const rows = OPERATIONS.map(([operation, price], nth) => {
    const cells = cases.map(({ operations }) => {
      const { perEvent, cost } = operations[nth];
      return perEvent === 0 ? "0" : `${perEvent.toFixed(2)} = ${dollars(cost)}`;
    });
    return [operation, dollars(list.prices[price].perMillion), ...cells];
  });
  const sums = cases.map(({ operations }) => `**${dollars(total(operations))}**`);
  const head = ["an event takes", "a million cost", ...cases.map(({ name }) => name)];
  return markdownTable([head, ...rows, ["**a million events**", "", ...sums]], {
    align: ["l", ...head.slice(1).map(() => "r")],
  });
}

/** The price list, with its date and its sources. */
export function priceTable() {
  const rows = Object.values(list.prices).map(({ title, perMillion, included, page }) => [
    title,
    dollars(perMillion),
    included.toLocaleString("en"),
    `[${list.pages[page].title}](${list.pages[page].url})`,
  ]);
  const head = ["price", "a million", "included each month", "published"];
  const table = markdownTable([head, ...rows], { align: ["l", "r", "r", "l"] });
  return `Prices of the plan ${list.plan}, read on ${list.read} in ${list.readIn}:\n\n${table}`;
}
