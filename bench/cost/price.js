// What operations cost that were counted, by the price list in `prices.json`.

import { readFileSync } from "node:fs";
import path from "node:path";
import { markdownTable } from "markdown-table";

const stored = (file) => JSON.parse(readFileSync(path.join(import.meta.dirname, file), "utf8"));

export const list = stored("prices.json");

const platform = stored("../platform/limits.json");
const { bytesPerEvent } = stored("../results/platform.json");

/** How long an object is active for a request, in seconds: its part of a second at the lower rate, and the commit. */
const SECONDS_ACTIVE =
  1 / platform.published.writingRequests.cautious + platform.assumed.commitMs / 1000;

const whole = (value) => Math.floor(value).toLocaleString("en");

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

/** How long retention keeps events where it is not set, in days. */
const RETENTION_DAYS = 30;

/**
 * Returns how many events a day each limit of the Free plan allows, the lowest first. The operations are those of one
 * case. Counted are requests, rows and KV; the bytes of an event were measured in a shard; how long an object is active
 * for a request is assumed.
 */
export function freePlan(operations) {
  const perEvent = (names) => {
    const counted = operations.filter(({ operation }) => names.includes(operation));
    return counted.reduce((sum, { perEvent }) => sum + perEvent, 0);
  };
  const { limits, activeGbSeconds, storage } = list.free;
  const { gigabytes } = platform.published.gbSecond;
  const rows = limits.map(({ title, amount, operations: names }) => ({
    limit: `${whole(amount)} ${title}`,
    ...allowed(amount, perEvent(names)),
  }));
  const seconds = perEvent(["requests to objects", "alarms run"]) * SECONDS_ACTIVE;
  rows.push({
    limit: `${whole(activeGbSeconds.daily)} GB-s: ${whole(activeGbSeconds.daily / gigabytes)} s of an active object`,
    ...allowed(activeGbSeconds.daily / gigabytes, seconds, (value) => `${value.toFixed(2)} s`),
  });
  rows.push({
    limit: `${storage.bytes / 1e9} GB stored in all, each event for ${RETENTION_DAYS} days`,
    ...allowed(storage.bytes / RETENTION_DAYS, bytesPerEvent, (value) => `${whole(value)} bytes`),
  });
  return rows.sort((a, b) => a.events - b.events);
}

/** Returns what an event takes, and how many events an amount is enough for, down to thousands. */
function allowed(amount, perEvent, shown = (value) => value.toFixed(2)) {
  if (perEvent === 0) return { perEvent: "0", events: Infinity };
  // The addition is for fractions such as a third.
  const events = Math.floor(amount / perEvent / 1000 + 1e-9) * 1000;
  return { perEvent: shown(perEvent), events };
}

/** A row for each limit of the Free plan: those of a day, and what it may store. */
export function freePlanTable(operations) {
  const rows = freePlan(operations).map(({ limit, perEvent, events }) => [
    limit,
    perEvent,
    events === Infinity ? "any number" : whole(events),
  ]);
  const head = ["Cloudflare's limit a day", "an event takes", "events a day"];
  return markdownTable([head, ...rows], { align: ["l", "r", "r"] });
}

/** A row for each limit of the Free plan on what one request, or one run of an alarm, asks for itself. */
export function invocationTable() {
  const head = ["Cloudflare's limit for a request or a run of an alarm", "what asks for most"];
  const rows = list.free.invocation.map(({ title, amount, most }) => [
    `${whole(amount)} ${title}`,
    most,
  ]);
  return markdownTable([head, ...rows]);
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
