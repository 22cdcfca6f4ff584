// What a list of deliveries makes of live updates: rows that have changed, deliveries that it lacks, and what it loads.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  MOST_LACKING,
  newsOf,
  partsOf,
} from "../../edge-worker/dashboard/src/live/delivery-news.js";
import { Reloading } from "../../edge-worker/dashboard/src/live/reloading.js";

/** The id of the delivery of an event to an endpoint. */
const id = (shard, seq, endpoint = 1) => `dlv_${shard}_${seq * 65_536 + endpoint}`;
const row = (...of) => ({ id: id(...of), state: "delivered" });
const ready = (shard, resumed) => ({ type: "ready", shard, resumed });
const hint = (state, ...of) => ({ type: "delivery", shard: of[0], delivery: id(...of), state });
const event = (shard, seq) => ({ type: "event", shard, seq });

const ANY = { state: "", endpoint: "" };

/** A list of two shards that goes back to the events 5 and 7. */
const ROWS = [row(0, 9), row(1, 8), row(1, 7), row(0, 5)];

const CASES = [
  {
    name: "rows that have changed take their latest states, however many",
    messages: [
      ...ROWS.map((_, nth) => hint("pending", 0, [9, 5][nth % 2])),
      hint("dead", 0, 9),
      hint("delivered", 1, 8),
      hint("delivered", 1, 7),
    ],
    states: {
      [id(0, 9)]: "dead",
      [id(0, 5)]: "pending",
      [id(1, 8)]: "delivered",
      [id(1, 7)]: "delivered",
    },
  },
  {
    name: "later events have newer deliveries",
    messages: [hint("pending", 0, 10), hint("delivered", 0, 10), hint("pending", 1, 9, 3)],
    lacking: [id(0, 10), id(1, 9, 3)],
  },
  {
    name: "a retry of what is beyond the end of the list is no news",
    messages: [hint("pending", 0, 4), hint("dead", 1, 6)],
  },
  {
    name: "of a shard that has no row, what belongs to events that came since is news",
    messages: [
      hint("dead", 2, 3),
      event(2, 4),
      hint("pending", 2, 4),
      hint("pending", 2, 5),
      event(2, 5),
    ],
    lacking: [id(2, 4), id(2, 5)],
  },
  {
    name: "a list that has all there are lacks whatever is not in it",
    complete: true,
    rows: [],
    messages: [hint("pending", 2, 3)],
    lacking: [id(2, 3)],
  },
  {
    name: "by the state, what has come into it is news, and no more once it has left it",
    filter: { state: "pending", endpoint: "" },
    messages: [
      hint("pending", 0, 10),
      hint("pending", 0, 11),
      hint("delivered", 0, 10),
      hint("dead", 0, 12),
    ],
    lacking: [id(0, 11)],
  },
  {
    name: "by the endpoint, its deliveries alone are news",
    filter: { state: "", endpoint: "ep_2" },
    messages: [hint("pending", 0, 10, 1), hint("pending", 0, 10, 2), hint("pending", 1, 10, 22)],
    lacking: [id(0, 10, 2)],
  },
  {
    name: "when a shard is ready for the first time, what was pending may have ended",
    rows: [...ROWS, { ...row(0, 8), state: "pending" }, { ...row(1, 9), state: "pending" }],
    messages: [ready(0, false), ready(1, true)],
    unsure: [id(0, 8)],
  },
  {
    name: "what it lacked before and has now is not lacking, and what it lacks still is",
    before: [id(0, 9), id(0, 11)],
    messages: [hint("dead", 0, 9)],
    states: { [id(0, 9)]: "dead" },
    lacking: [id(0, 11)],
  },
];

for (const each of CASES) {
  const { name, before, messages, states = {}, lacking = [], unsure = [], ...more } = each;
  test(name, () => {
    const list = {
      rows: ROWS,
      complete: false,
      filter: ANY,
      lacking: new Set(before),
      begun: new Map(),
      ...more,
    };
    const news = newsOf(messages, list);
    assert.deepEqual(Object.fromEntries(news.states), states);
    assert.deepEqual([...news.lacking].sort(), lacking.sort());
    assert.deepEqual(news.unsure, unsure);
  });
}

test("no more are remembered than are counted", () => {
  const messages = Array.from({ length: MOST_LACKING + 50 }, (_, nth) =>
    hint("pending", 0, 10 + nth),
  );
  const list = { rows: ROWS, complete: false, filter: ANY, lacking: new Set(), begun: new Map() };
  const { lacking } = newsOf(messages, list);
  assert.equal(lacking.size, MOST_LACKING);
  const again = newsOf([hint("pending", 0, 9999)], { ...list, lacking });
  assert.deepEqual(again.lacking, lacking);
});

test("an id tells its shard, its event and its endpoint", () => {
  assert.deepEqual(partsOf("dlv_3_2686977"), {
    shard: 3,
    no: 2_686_977,
    seq: 41,
    endpoint: "ep_1",
  });
});

/** Lets what promises have waiting run. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

/** A `Reloading` whose loads a test answers; `asked` has them by id, those that wait for an answer. */
function reloader(most) {
  const asked = [];
  const loaded = [];
  const load = (id) => new Promise((answer, fail) => asked.push({ id, answer, fail }));
  const reloading = new Reloading({ load, onLoaded: (all) => loaded.push(...all), most });
  return { reloading, asked, loaded, ids: () => asked.map(({ id }) => id) };
}

test("all that has changed is loaded, so many at a time, those that fail left out", async () => {
  const { reloading, asked, loaded, ids } = reloader(2);
  reloading.add(["a", "b", "c"]);
  reloading.add(["d", "c"]);
  assert.deepEqual(ids(), ["a", "b"]);
  asked[1].answer("b1");
  asked[0].fail(new Error("unreachable"));
  await settle();
  assert.deepEqual([ids(), loaded], [["a", "b", "c", "d"], ["b1"]]);
  asked[2].answer("c1");
  asked[3].answer("d1");
  await settle();
  assert.deepEqual(loaded, ["b1", "c1", "d1"]);
});

test("what changes while it is loaded is loaded once more, after that, and that alone is of use", async () => {
  const { reloading, asked, loaded, ids } = reloader(2);
  reloading.add(["a"]);
  reloading.add(["a"]);
  reloading.add(["a"]);
  assert.deepEqual(ids(), ["a"]);
  asked[0].answer("old");
  await settle();
  assert.deepEqual([ids(), loaded], [["a", "a"], []]);
  asked[1].answer("new");
  await settle();
  assert.deepEqual([ids(), loaded], [["a", "a"], ["new"]]);
});

test("what was asked for before it was cleared is of no use", async () => {
  const { reloading, asked, loaded, ids } = reloader(1);
  reloading.add(["a", "b"]);
  reloading.clear();
  reloading.add(["c"]);
  asked[0].answer("old");
  await settle();
  asked[1].answer("new");
  await settle();
  assert.deepEqual([ids(), loaded], [["a", "c"], ["new"]]);
});
