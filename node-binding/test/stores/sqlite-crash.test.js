// A receiver that is killed with SIGKILL, again and again, while it is stormed with duplicates: what
// `transaction` does is done exactly once, and no event is lost.

import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { setTimeout as later } from "node:timers/promises";
import { within } from "../../../tests/support/wait.js";
import { sign } from "../../../tests/vectors/generate/bytes.js";

const PROGRAM = new URL("./support/receiver.js", import.meta.url);

/** Runs `work` with a receiver that can be killed; returns how often each event had its effect. */
async function withReceiver(work) {
  const folder = mkdtempSync(join(tmpdir(), "vtryon-crash-"));
  const file = join(folder, "events.db");
  let child;
  let ended;
  /** The port, once it listens; replaced at the moment of a kill, so that nobody asks the dead. */
  let listening;
  const start = async (crash) => {
    child = fork(PROGRAM, [file, crash]);
    ended = once(child, "exit");
    const dead = ended.then(() => {
      throw new Error("the receiver ended before it listened");
    });
    const [port] = await within("the receiver", Promise.race([once(child, "message"), dead]));
    return port;
  };
  const receiver = {
    /** Kills it, where it has not died by itself, and starts it anew: after the one that is starting, so that none is left. */
    restart(crash = "never") {
      const kill = () => {
        child.kill("SIGKILL");
        return ended;
      };
      listening = listening.then(kill).then(() => start(crash));
      return listening;
    },
    /** Sends an event; the status of the answer, none where the receiver died. */
    async send(body) {
      const to = `http://127.0.0.1:${await within("the receiver to listen", listening)}/`;
      const headers = { "x-vtryon-signature": sign({ text: "whsec_test" }, { text: body }) };
      try {
        return (await fetch(to, { method: "POST", headers, body })).status;
      } catch {
        return undefined;
      }
    },
  };
  listening = start("never");
  try {
    await work(receiver);
    await receiver.restart();
    const database = new DatabaseSync(file);
    const effects = database.prepare("SELECT times FROM effects").all();
    database.close();
    return effects.map(({ times }) => times);
  } finally {
    child.kill("SIGKILL");
    await within("the end of the receiver", ended);
    rmSync(folder, { recursive: true });
  }
}

const event = (task) =>
  JSON.stringify({
    event: "generation.status_changed",
    task_id: `task_${task}`,
    status: "completed",
  });

for (const crash of ["before the commit", "after the commit"]) {
  test(`killed ${crash}: after the retry, the effect has happened exactly once`, async () => {
    const effects = await withReceiver(async (receiver) => {
      await receiver.restart(crash);
      assert.equal(await receiver.send(event(1)), undefined);
      await receiver.restart();
      assert.equal(await receiver.send(event(1)), 200);
      assert.equal(await receiver.send(event(1)), 200);
    });
    assert.deepEqual(effects, [1]);
  });
}

test("killed again and again under duplicates: each effect happens exactly once", async () => {
  const EVENTS = 100;
  const COPIES = 3;
  let kills = 0;
  let answers = 0;
  let cut = 0;
  const effects = await withReceiver(async (receiver) => {
    // Eight are in progress at any time, so copies of one event too; new ones come until the end.
    const bodies = Array.from({ length: EVENTS * COPIES }, (_, n) => event(Math.floor(n / COPIES)));
    let restarting;
    const worker = async () => {
      for (let body = bodies.pop(); body !== undefined; body = bodies.pop()) {
        for (let status; status !== 200; ) {
          status = await receiver.send(body);
          if (status === undefined) {
            cut += 1;
            continue;
          }
          answers += 1;
          // After 8 to 23 answers and 0 to 20 ms more, while other events are being handled.
          if (answers < 8 + ((kills * 7) % 16)) continue;
          answers = 0;
          kills += 1;
          restarting = later((kills * 8) % 21).then(() => receiver.restart());
        }
      }
    };
    await Promise.all(Array.from({ length: 8 }, worker));
    await restarting;
  });
  assert.deepEqual(effects, Array(EVENTS).fill(1));
  assert.ok(cut > 0, "no kill has hit an event");
});
