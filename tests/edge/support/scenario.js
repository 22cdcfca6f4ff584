// Random requests to a gateway, the same for the same seed: new tasks, late and repeated events, bodies that can't be
// read, replays. And a reader of the stream that is disconnected again and again.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { random } from "../../support/random.js";
import { deliveries } from "./deliveries.js";
import { event, until } from "./gateway.js";
import { Refused, view } from "./live/subscriber.js";

const STATUSES = ["queued", "processing", "completed", "failed", "paused"];

/** Makes the next request of a scenario: a task that is new or known, whatever it says of it. */
function next(pick, seed, nth, tasks) {
  const kind = pick(10);
  if (kind === 0) return `unreadable ${seed} ${pick(1000)}`;
  if (kind < 4 || tasks.length === 0) tasks.push(`scenario_${seed}_${nth}`);
  const task = kind < 4 ? tasks.at(-1) : tasks[pick(tasks.length)];
  if (kind === 9) return JSON.stringify({ event: "generation.rated", task_id: task, n: pick(3) });
  return event(task, STATUSES[pick(STATUSES.length)]);
}

/** Posts until it is acknowledged, whatever becomes of the gateway meanwhile. */
const insist = (gateway, body) =>
  until(async () => (await gateway.post(body).catch(() => undefined))?.status === 200);

/** Replays one of the deliveries that have ended, if there is one yet. */
async function replay(gateway, pick) {
  const ended = await deliveries(gateway, { state: "delivered" }).catch(() => []);
  if (ended.length === 0) return;
  const { id } = ended[pick(ended.length)];
  await gateway.api(`/api/deliveries/${id}/replay`, { method: "POST" }).catch(() => {});
}

/** Posts the events of a scenario, in so many rounds; those of a round at the same time. */
export async function postScenario(gateway, seed, rounds, tasks = []) {
  const pick = random(seed);
  for (let nth = 0; nth < rounds; nth++) {
    if (pick(8) === 0) await replay(gateway, pick);
    const bodies = Array.from({ length: 1 + pick(4) }, (_, n) => {
      return next(pick, seed, `${nth}_${n}`, tasks);
    });
    await Promise.all(bodies.map((body) => insist(gateway, body)));
  }
}

/** What a message tells of what is stored; how the task stands meanwhile is left out. */
export const comparable = ({ type, shard, seq, task_id, status, outcome, webhook_id, of }) =>
  [shard, seq, type, task_id, status, outcome, webhook_id, of].join(" ");

/** Opens a stream as soon as there is a gateway to open it. */
function reopened(transport, gateway, path, options) {
  return until(() =>
    view(transport, gateway, path, options).catch((error) => {
      if (error instanceof Refused && error.status !== 503) throw error;
    }),
  );
}

/**
 * Reads a stream from its beginning until it has ended, by what it has told, and is cut off after every few
 * messages meanwhile; what had come but was not read by then is forgotten. Returns all events and replays.
 */
export async function readInPieces(transport, gateway, path, options) {
  const { pick, isOver } = options;
  let { resume } = options;
  const read = [];
  while (!isOver(read)) {
    // A browser that goes on with SSE asks for what it asked for at first, and adds the last id.
    const query = resume === undefined || transport === "SSE" ? { since: "1h" } : {};
    const subscriber = await reopened(transport, gateway, path, { query, resume });
    for (let left = pick(12); left > 0 && !isOver(read); left--) {
      const message = await subscriber.next();
      if (message === undefined) break;
      assert.ok(!["gap", "snapshot"].includes(message.type), `a ${message.type} while all is kept`);
      if (message.seq !== undefined) read.push(message);
      resume = message.id ?? resume;
    }
    subscriber.cut();
    // Now and then it comes back only when there is something to catch up with.
    if (pick(3) === 0) await sleep(pick(100));
  }
  return read;
}

/** Reads all that a stream has stored, at once. */
export async function readAtOnce(gateway, path) {
  const subscriber = await view("WebSocket", gateway, path, { query: { since: "1h" } });
  await subscriber.until("ready");
  subscriber.cut();
  return subscriber.messages.filter(({ seq }) => seq !== undefined);
}
