// Servers side by side, each a process of its own; what is told is the processor time that each has used.

import { fork } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { signed } from "../lib/corpus.js";
import { cpuOf } from "../lib/cpu.js";
import { poster } from "../lib/post.js";
import { interleave } from "../lib/rounds.js";

const PATH = "/webhooks/vtryon";

/** How long a server has for what it does after its last answer. */
const SETTLE_MS = 2;

/** A slot is long, so that the collector runs in each, and a server takes a while to be compiled. */
const FULL = { rounds: 9, slots: 6, slotMs: 60, warmUpMs: 2000 };
const SHORT = { rounds: 5, slots: 4, slotMs: 40, warmUpMs: 1000 };

/** Measures servers, `{ [variant]: file }`, with a body of each case; returns the cases of a result. */
export async function measure(servers, names, short) {
  const running = [];
  try {
    for (const [name, file] of Object.entries(servers)) {
      const child = fork(path.join(import.meta.dirname, `${file}.js`));
      running.push({ name, child });
      [running.at(-1).port] = await once(child, "message");
    }
    const cases = [];
    for (const name of names) {
      cases.push({ case: name, samples: await measureCase(running, name, short) });
    }
    return cases;
  } finally {
    for (const { child } of running) child.kill();
  }
}

async function measureCase(running, name, short) {
  const posters = [];
  try {
    const variants = [];
    for (const { name: variant, child, port } of running) {
      const client = await poster(port, PATH, signed(name));
      posters.push(client);
      const clock = async () => {
        await setTimeout(SETTLE_MS);
        return cpuOf(child.pid);
      };
      variants.push({ name: variant, run: client.send, clock });
    }
    return await interleave(variants, short ? SHORT : FULL);
  } finally {
    for (const client of posters) client.close();
  }
}
