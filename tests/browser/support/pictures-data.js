// What the API tells for the pictures of the documentation: the same each time, so that the pictures are too.

import { random } from "../../support/random.js";

/** When the pictures are taken. */
export const NOW = Date.parse("2026-07-01T14:30:12Z");
const MINUTES = 60;

const ago = (seconds) => new Date(NOW - seconds * 1000).toISOString();

export const TASK = "task_8f3kq21vz0";
const KEY = "fe911055";
const CREATED = 74;

const said = (seq, status, outcome, seconds) => ({
  seq,
  event: "generation.status_changed",
  status,
  outcome,
  received_at: ago(seconds),
  key: KEY,
});

export const task = {
  task_id: TASK,
  status: "completed",
  result_url: `https://cdn.vtryon.example/results/${TASK}/look-4k.png`,
  conflict: false,
  created_at: ago(CREATED),
  updated_at: ago(31.2),
  seq: 41,
  duplicates: 2,
  events: [
    said(38, "processing", "applied", CREATED),
    said(39, "queued", "late", 72.6),
    said(41, "completed", "applied", 31.2),
  ],
};

const endpoint = (id, url, description, more) => ({
  id,
  url,
  description,
  enabled: true,
  paused: false,
  disabled: null,
  order: "latest",
  statuses: [],
  events: [],
  include: [],
  headers: [],
  auth: null,
  secrets: [{ fingerprint: "9c41d07e", created_at: ago(600_000), expires_at: null }],
  created_at: ago(600_000),
  updated_at: ago(600_000),
  problem: null,
  ...more,
});

export const endpoints = [
  endpoint("ep_1", "https://shop.example/webhooks/vtryon", "Shop, production"),
  endpoint("ep_2", "https://stats.shop.example/vtryon", "Analytics", { order: "all" }),
];

const delivery = (no, endpoint, status, seq, ...attempts) => ({
  id: `dlv_3_${no}`,
  endpoint,
  task_id: TASK,
  event: "generation.status_changed",
  status,
  outcome: "applied",
  seq,
  webhook_id: "evt_9d0f5c7b21e84a63b7f0c2d49e618a35",
  state: "delivered",
  created_at: ago(CREATED),
  ended_at: ago(CREATED),
  due_at: null,
  replay_count: 0,
  attempts,
});

const tried = (attempt, status) => ({
  replay_count: 0,
  attempt,
  attempted_at: ago(31),
  took_ms: 61,
  status,
});

export const deliveries = [
  delivery(2686977, "ep_1", "completed", 41, tried(2, 200)),
  {
    ...delivery(2686978, "ep_2", "completed", 41, tried(1, 503)),
    state: "pending",
    due_at: ago(-85),
  },
  delivery(2490369, "ep_1", "processing", 38, tried(1, 200)),
  delivery(2490370, "ep_2", "processing", 38, tried(1, 200)),
];

/** An hour of a shop: busier and quieter, with a backend that was slow for some minutes. */
export function stats() {
  const pick = random(7);
  const minutes = Array.from({ length: MINUTES }, (_, at) => at);
  const wave = (at) => Math.round(46 + 18 * Math.sin(at / 7) + 9 * Math.sin(at / 2.3) + pick(9));
  const seldom = (bound, most) => minutes.map(() => (pick(bound) === 0 ? 1 + pick(most) : 0));
  const isSlow = (at) => at >= 36 && at <= 40;
  const applied = minutes.map(wave);
  const dead = minutes.map((at) => (at === 38 ? 3 : 0));
  return {
    from: new Date(Math.floor(NOW / 60_000 - MINUTES + 1) * 60_000).toISOString(),
    minutes: MINUTES,
    events: { applied, late: seldom(3, 4), conflict: seldom(20, 1), quarantined: seldom(25, 1) },
    deliveries: { delivered: applied.map((count, at) => count - dead[at]), dead },
    latency_ms: {
      p50: minutes.map((at) => 58 + pick(14) + (isSlow(at) ? 160 + pick(60) : 0)),
      p95: minutes.map((at) => 190 + pick(70) + (isSlow(at) ? 900 + pick(300) : 0)),
    },
    commit_ms: { count: 2914, p50: 6, p95: 17, max: 88 },
    truncated: false,
  };
}

const gauge = (name, value) => `vtryon_webhooks_${name} ${value}\n`;
export const metrics = [
  gauge("events_total", 184_302),
  gauge("tasks_open", 37),
  gauge("quarantined", 2),
  gauge("deliveries_pending", 4),
  gauge("deliveries_dead", 3),
  gauge("alarm_lag_seconds", 0),
].join("");

/** How the latest tasks stand, in the shard that is asked. */
export function tasks() {
  const pick = random(11);
  const statuses = ["queued", "processing", "processing", "completed", "completed", "failed"];
  return Array.from({ length: 12 }, (_, nth) => ({
    task_id: nth === 4 ? TASK : `task_${(36 ** 9 + pick(2 ** 31) * 36 ** 3).toString(36)}`,
    status: nth === 4 ? "completed" : statuses[Math.min(nth, 2) + pick(4)],
    conflict: false,
    created_at: ago(60 + nth * 9),
    updated_at: ago(2 + nth * 7.3),
    duplicates: 0,
    seq: 100 - nth,
  }));
}
