// One event to a thousand and to ten thousand live sockets.

import { withConnections } from "../gateway/client.js";
import { note } from "../gateway/events.js";
import { startGateway } from "../gateway/gateway.js";
import { assertOpen, openSockets } from "../gateway/sockets.js";
import { cpuOf } from "../lib/cpu.js";

const TASK = "watched_by_all";
const ROUNDS = 9;

/** Rounds that are not counted: after them the runtime has compiled what is called often. */
const WARM_UP = 4;

export default {
  name: "gateway-fanout",
  title: "Gateway: fan-out",
  unit: "µs a socket",
  about:
    "One event of 350 B to all live sockets of its task, in one process of workerd and one shard, 1,000 beside 10,000: the time from the post until the 200 and until the last socket has it, and the processor time of workerd, each divided by the sockets.",
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
  samples = { "until the 200": [], "until the last socket has it": [], CPU: [] };
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
      const request = note(TASK);
      const before = cpuOf(this.#gateway.pid);
      const begun = performance.now();
      const { status } = await connection.ask(request);
      const answered = performance.now();
      if (status !== 200) throw new Error(`answered ${status}`);
      const last = await shown;
      if (!isCounted) return;
      const used = {
        "until the 200": (answered - begun) * 1000,
        "until the last socket has it": (last - begun) * 1000,
        CPU: cpuOf(this.#gateway.pid) - before,
      };
      for (const [name, samples] of Object.entries(this.samples)) {
        samples.push(used[name] / this.#sockets.length);
      }
    });
  }

  async stop() {
    for (const socket of this.#sockets) socket.terminate();
    await this.#gateway.stop();
  }
}
