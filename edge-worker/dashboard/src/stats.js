// What GET /api/stats and GET /api/metrics tell, made ready to be drawn.

/** How many bars a chart has. */
const BARS = 60;

/** The outcomes in the order in which they are stacked. */
const OUTCOMES = ["applied", "late", "conflict", "unknown", "other", "quarantined"];

const sum = (values) => values.reduce((total, value) => total + (value ?? 0), 0);

/** The states of deliveries in the order in which they are stacked. */
const STATES = ["delivered", "superseded", "pending", "dead"];

/** Returns the charts: `{ step, times, series: [{ name, values }] }`, times in seconds since 1970. */
export function charts(stats) {
  const start = Date.parse(stats.from) / 1000;
  const width = Math.max(1, Math.ceil(stats.minutes / BARS));
  const bars = {
    step: width * 60,
    times: times(start, Math.ceil(stats.minutes / width), width * 60),
  };
  const minutes = { step: 60, times: times(start, stats.minutes, 60) };
  const delivered = buckets(stats.deliveries.delivered ?? [], bars.times.length, width);
  const dead = buckets(stats.deliveries.dead ?? [], bars.times.length, width);
  const share = delivered.map((count, at) =>
    count + dead[at] === 0 ? null : count / (count + dead[at]),
  );
  return {
    events: {
      ...bars,
      series: OUTCOMES.filter((name) => stats.events[name]).map((name) => ({
        name,
        values: buckets(stats.events[name], bars.times.length, width),
      })),
    },
    deliveries: {
      ...bars,
      series: STATES.filter((name) => stats.deliveries[name]).map((name) => ({
        name,
        values: buckets(stats.deliveries[name], bars.times.length, width),
      })),
    },
    latency: {
      ...minutes,
      series: ["p50", "p95"].map((name) => ({ name, values: stats.latency_ms[name] })),
    },
    success: { ...bars, series: [{ name: "delivered", values: share }] },
    counts: {
      deliveries: sum(Object.values(stats.deliveries).map(sum)),
      events: sum(Object.values(stats.events).map(sum)),
      delivered: sum(delivered),
      dead: sum(dead),
      pending: sum(stats.deliveries.pending ?? []),
    },
  };
}

const times = (start, length, step) => Array.from({ length }, (_, at) => start + at * step);

const buckets = (values, length, width) =>
  Array.from({ length }, (_, at) => sum(values.slice(at * width, (at + 1) * width)));

/** Reads the text format of Prometheus: the sum of each metric over its labels, without the prefix of its name. */
export function metrics(text) {
  const sums = {};
  for (const [, name, value] of text.matchAll(/^vtryon_webhooks_(\w+)(?:\{.*\})? (\S+)$/gm)) {
    sums[name] = (sums[name] ?? 0) + Number(value);
  }
  return sums;
}

/**
 * Returns the active endpoint with the delivery that has been pending for longest, and for how long: `{ endpoint,
 * seconds }`; undefined where nothing is pending. One that is disabled or paused has deliveries that are meant to wait.
 */
export function longestPending(text) {
  const active = byEndpoint(text, "endpoint_active");
  const ages = byEndpoint(text, "delivery_oldest_pending_age_seconds");
  const [longest] = [...ages]
    .filter(([endpoint, seconds]) => active.get(endpoint) === 1 && seconds > 0)
    .sort(([, one], [, other]) => other - one);
  return longest && { endpoint: longest[0], seconds: longest[1] };
}

function byEndpoint(text, name) {
  const samples = text.matchAll(
    new RegExp(`^vtryon_webhooks_${name}\\{endpoint="(\\w+)"\\} (\\S+)$`, "gm"),
  );
  return new Map([...samples].map(([, endpoint, value]) => [endpoint, Number(value)]));
}
