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
