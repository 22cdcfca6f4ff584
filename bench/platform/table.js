// The sizing table: what the model says of each number of shards at each rate, with the price.

import { markdownTable } from "markdown-table";

const SECONDS_A_MONTH = 30 * 86_400;
const whole = (value) => Math.round(value).toLocaleString("en");
const percent = (part) => `${whole(part * 100)} %`;

/** Adds price and storage to what was simulated. */
export function priced({ shards, rate }, { perMillion, bytesPerEvent, limits }) {
  const { gbSecond, objectBytes } = limits.published;
  const active = (shards * gbSecond.gigabytes * SECONDS_A_MONTH * gbSecond.perMillion) / 1e6;
  const millions = (rate * SECONDS_A_MONTH) / 1e6;
  const monthly = millions * perMillion + active;
  return {
    perMillion: monthly / millions,
    monthly,
    daysUntilFull: (shards * objectBytes.value) / (rate * bytesPerEvent * 86_400),
  };
}

/** A row for each rate and number of shards. */
export function sizingTable({ rows, limits, bytesPerEvent }) {
  const { best, cautious } = limits.published.writingRequests;
  const latency = (run) =>
    run.isOverloaded ? "overloaded" : `${whole(run.p50)} / ${whole(run.p99)}`;
  const cells = rows.map(({ rate, shards, runs, price }) => [
    whole(rate),
    whole(shards),
    `${percent(runs.best.load)} to ${percent(runs.cautious.load)}`,
    latency(runs.best),
    latency(runs.cautious),
    price.daysUntilFull < 2
      ? `${price.daysUntilFull.toFixed(1)} days`
      : `${whole(price.daysUntilFull)} days`,
    `$${price.perMillion.toFixed(2)}`,
    `$${whole(price.monthly)}`,
  ]);
  const head = [
    "events/s",
    "shards",
    "in use",
    `p50 / p99 ms, at ${best}/s`,
    `at ${cautious}/s`,
    "full after",
    "a million",
    "a month",
  ];
  const { hopMs, commitMs, deliveryMs } = limits.assumed;
  const table = markdownTable([head, ...cells], { align: head.map(() => "r") });
  return `${table}

**This is a simulation**: nothing in it was measured on the platform. Published, read on ${limits.read}: an object takes [${cautious} to ${best} requests a second that write](${limits.published.writingRequests.url}) and stores [10 GB](${limits.published.objectBytes.url}), and [its active time](${limits.published.gbSecond.url}) is billed at 128 MB. Counted: an event is two requests to its object, and the operations of \`make cost\`; measured natively: ${whole(bytesPerEvent)} bytes stored for an event. Assumed: ${hopMs} ms from the Worker to an object and as many back, ${commitMs} ms until a commit is confirmed, ${deliveryMs} ms for an endpoint to answer.`;
}
