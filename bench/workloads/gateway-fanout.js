// One event to a thousand and to ten thousand live sockets.

import { withConnections } from "../gateway/client.js";
import { note } from "../gateway/events.js";
import { startGateway } from "../gateway/gateway.js";
import { assertOpen, openSockets } from "../gateway/sockets.js";
import { cpuOf } from "../lib/cpu.js";

const TASK = "watched_by_all";
const UNWATCHED = "watched_by_nobody";
const ROUNDS = 9;

/** Rounds that are not counted: after them the runtime has compiled what is called often. */
const WARM_UP = 4;

export default {
  name: "gateway-fanout",
  title: "Gateway: fan-out",
  unit: "ms",
  about:
    "One event of 350 B to all live sockets of its task, in one process of workerd and one shard, 1,000 beside 10,000: the time from the post until the last socket has it and until the 200, the processor time of workerd, and the time until the 200 of an event that nobody watches.",
  short: false,

  async measure() {
    const fans = [];
    try {
      fans.push(await Fan.start("1,000 sockets", 1000), await Fan.start("10,000 sockets", 10_000));
      for (let round = -WARM_UP; round < ROUNDS; round += 1) {
        for (const fan of round % 2 === 0 ? fans : fans.toReversed()) await fan.round(round >= 0);
      }
      return {
        cases: fans.map(({ name, samples }) => ({ case: name, samples })),
        variants: Object.keys(fans[0].samples).map((name) => ({ name, role: "ours" })),
        floors: [],
      };
    } finally {
      for (const fan of fans) await fan.stop();
    }
  },
};

/** A gateway and the sockets that all watch one task. */
class Fan {
  samples = {
    "until the last socket has it": [],
    CPU: [],
    "until the 200": [],
    "until the 200, where nobody watches": [],
  };
  #gateway;
  #sockets = [];
  #missing = 0;
  #complete;

  static async start(name, count) {
    const fan = new Fan();
    fan.name = name;
    fan.#gateway = await startGateway();
    try {
      const taken = (text) => fan.#taken(text);
      fan.#sockets = await openSockets(fan.#gateway.url, count, () => TASK, taken);
      return fan;
    } catch (error) {
      await fan.stop();
      throw error;
    }
  }

  #taken(text) {
    if (!text.includes('"task.note"')) throw new Error(`not the event: ${text}`);
    this.#missing -= 1;
    if (this.#missing === 0) this.#complete(performance.now());
  }

  /** Posts an event and waits until every socket has it. */
  async round(isCounted) {
    assertOpen(this.#sockets);
    await withConnections(this.#gateway.port, 1, async ([connection]) => {
      this.#missing = this.#sockets.length;
      const shown = new Promise((resolve) => {
        this.#complete = resolve;
      });
      const before = cpuOf(this.#gateway.pid);
      const watched = await timed(connection, note(TASK));
      const last = await shown;
      const used = cpuOf(this.#gateway.pid) - before;
      const alone = await timed(connection, note(UNWATCHED));
      if (!isCounted) return;
      this.samples["until the last socket has it"].push(last - watched.begun);
      this.samples.CPU.push(used / 1000);
      this.samples["until the 200"].push(watched.answered - watched.begun);
      this.samples["until the 200, where nobody watches"].push(alone.answered - alone.begun);
    });
  }

  async stop() {
    for (const socket of this.#sockets) socket.terminate();
    await this.#gateway.stop();
  }
}

/** Posts an event; when, and when its 200 came. */
async function timed(connection, request) {
  const begun = performance.now();
  const { status } = await connection.ask(request);
  if (status !== 200) throw new Error(`answered ${status}`);
  return { begun, answered: performance.now() };
}
