// The memory that bodies of unverified senders may hold: bounded over all of them, and an event gets through all the same.

import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { event, Gateway, sign, TOKEN, until } from "../support/gateway.js";
import { exchange, head } from "../support/raw.js";
import { counted } from "../support/rejections.js";

const MIB = 1024 * 1024;
/** As `body/budget.rs` has it. */
const BUDGET = 16 * MIB;
/** As `body.rs` has it. */
const FIRST_BUFFER = 2048;
const BODY = event("task_budget", "queued");
const KIB_250 = 250 * 1024;

/** Starts a gateway where no body is out of time within a test, unless it is given the release's deadline. */
async function start(t, bindings = {}) {
  const patient = { DEADLINE_SCALE: "60", ...bindings };
  const gateway = await Gateway.start({ build: "build-faults", bindings: patient });
  t.after(() => gateway.stop());
  // Whatever is made once is made.
  assert.equal((await gateway.post(BODY)).status, 200);
  return gateway;
}

/** Requests that are begun and kept open, each on a connection of its own. */
class Senders {
  statuses = [];
  #sockets = [];
  #gateway;

  constructor(t, gateway) {
    this.#gateway = gateway;
    t.after(() => this.cut());
  }

  /** Begins so many requests; returns when all is sent, or was answered before that. */
  async begin(count, ...pieces) {
    await Promise.all(Array.from({ length: count }, () => this.#begin(pieces)));
  }

  #begin(pieces) {
    return new Promise((sent) => {
      const { hostname: host, port } = new URL(this.#gateway.url);
      const socket = connect({ host, port: Number(port) }, () => {
        for (const piece of pieces.slice(0, -1)) socket.write(piece);
        socket.write(pieces.at(-1), sent);
      });
      this.#sockets.push(socket);
      let text = "";
      socket.on("data", (chunk) => {
        if (text === "") this.statuses.push(Number(String(chunk).split(" ")[1]));
        text += chunk;
        sent();
      });
      // A connection is reset where the gateway has answered before all was sent.
      socket.on("error", sent);
      socket.on("close", sent);
    });
  }

  answered(status) {
    return this.statuses.filter((seen) => seen === status).length;
  }

  cut() {
    for (const socket of this.#sockets.splice(0)) socket.destroy();
  }
}

const SIGNED = `x-vtryon-signature: ${sign("of another body")}`;
const chunked = (...headers) =>
  head("POST", "/webhooks/vtryon", [SIGNED, "transfer-encoding: chunked", ...headers]);
const chunk = (bytes) => `${bytes.toString(16)}\r\n${"x".repeat(bytes)}\r\n`;

test("400 open requests of 250 KiB hold no more than the budget, and an event gets through", async (t) => {
  const gateway = await start(t);
  // What as many open requests cost the runtime beside their bodies, which it keeps for the next ones.
  const small = new Senders(t, gateway);
  await small.begin(400, chunked(), chunk(1));
  await until(async () => (await reservedBytes(gateway)) === 400 * FIRST_BUFFER);
  assert.deepEqual(small.statuses, []);
  small.cut();
  await until(async () => (await reservedBytes(gateway)) === 0);
  const senders = new Senders(t, gateway);
  const before = gateway.memory();
  let most = 0;
  let isOver = false;
  const watch = (async () => {
    while (!isOver) {
      most = Math.max(most, gateway.memory() - before);
      await sleep(10);
    }
  })();
  await senders.begin(400, chunked(), chunk(KIB_250));
  const slowest = [];
  for (let nth = 0; nth < 10; nth++) {
    const begun = Date.now();
    assert.equal((await gateway.post(event(`task_${nth}`, "queued"))).status, 200);
    slowest.push(Date.now() - begun);
  }
  // Those that fit are waited for, the others are given up as soon as they don't.
  await until(() => senders.answered(503) >= 400 - BUDGET / KIB_250);
  isOver = true;
  await watch;
  t.diagnostic(`${Math.round(most / MIB)} MiB more, ${JSON.stringify(count(senders.statuses))}`);
  t.diagnostic(`events were answered in ${slowest.join(", ")} ms`);
  assert.equal(senders.answered(503), senders.statuses.length);
  // 100 MB of bodies were sent; beside the budget there is what the runtime has not collected yet.
  assert.ok(most < 4 * BUDGET, `${most} bytes`);
  assert.match((await counted(gateway, "unavailable")).summary, /memory for bodies/);
  assert.doesNotMatch(await gateway.wholeLog(), /platform: /);
});

test("a body over the memory budget is answered 503 with Retry-After", async (t) => {
  const gateway = await start(t, { BODY_BUDGET: "1000" });
  const signature = `x-vtryon-signature: ${sign(BODY)}`;
  for (const [path, ...headers] of [
    ["/webhooks/vtryon", signature],
    ["/api/session", "content-type: application/json"],
    ["/api/endpoints", `authorization: Bearer ${TOKEN}`],
  ]) {
    const long = head("POST", path, [...headers, "content-length: 2000"]);
    // Nothing follows the head: it is answered before anything is read.
    const answer = await exchange(gateway.url, long);
    assert.deepEqual([answer.status, JSON.parse(answer.body).error], [503, "unavailable"], path);
    assert.match(answer.head, /^retry-after: \d+\r?$/im);
  }
  assert.equal((await gateway.post(BODY)).status, 200, "one that fits is taken");
});

test("senders that declare much and send little do not keep events out", async (t) => {
  const gateway = await start(t);
  const senders = new Senders(t, gateway);
  const declared = head("POST", "/webhooks/vtryon", [SIGNED, "content-length: 262144"]);
  await senders.begin(400, declared, "{");
  const isWaiting = async () => (await reservedBytes(gateway)) === 400 * FIRST_BUFFER;
  await until(isWaiting);
  assert.equal((await gateway.post(event("task_declared", "queued"))).status, 200);
  assert.ok(await isWaiting(), "none has lost its room");
  assert.deepEqual(senders.statuses, []);
});

test("requests that send no byte of their body do not keep events out", async (t) => {
  const gateway = await start(t, { BODY_BUDGET: String(10 * FIRST_BUFFER) });
  const senders = new Senders(t, gateway);
  await senders.begin(10, chunked());
  await until(async () => (await reservedBytes(gateway)) === 10 * FIRST_BUFFER);
  for (let nth = 0; nth < 4; nth++) {
    assert.equal((await gateway.post(event(`task_idle_${nth}`, "queued"))).status, 200);
  }
  await until(() => senders.statuses.length > 0);
  assert.deepEqual(senders.statuses, [503], "the oldest one has lost its room, no other did");
  assert.equal(await reservedBytes(gateway), 9 * FIRST_BUFFER);
});

test("1,000 events of 2 KB at once are never refused for the budget", async (t) => {
  const gateway = await start(t);
  const senders = new Senders(t, gateway);
  // Another signature: what matters is how they are read, not how they are stored.
  const declared = head("POST", "/webhooks/vtryon", [SIGNED, "content-length: 2000"]);
  await senders.begin(1000, declared, "x".repeat(2000));
  await until(() => senders.statuses.length === 1000);
  assert.deepEqual(count(senders.statuses), { 401: 1000 });
});

/** How a body ends that holds a part of the budget. */
const ENDS = {
  "its sender goes away": async (gateway, senders) => {
    await senders.begin(20, chunked(), chunk(20_000));
    await until(async () => (await reservedBytes(gateway)) >= 20 * 16_000);
    senders.cut();
  },
  "its sender goes away without having sent a byte": async (gateway, senders) => {
    await senders.begin(20, chunked());
    await until(async () => (await reservedBytes(gateway)) === 20 * FIRST_BUFFER);
    senders.cut();
  },
  "it takes too long": async (gateway, senders) => {
    await gateway.halt();
    await gateway.restart({ DEADLINE_SCALE: "1" });
    await senders.begin(20, chunked(), chunk(20_000));
    await until(() => senders.answered(408) === 20);
  },
  "the gateway panics": async (_, senders) => {
    await senders.begin(20, chunked("x-fault: panic-in-body"), chunk(20_000));
    await until(() => senders.answered(503) === 20);
  },
  "it is too long": async (_, senders) => {
    await senders.begin(20, chunked(), chunk(300_000));
    await until(() => senders.answered(413) === 20);
  },
  "its signature is wrong": async (_, senders) => {
    await senders.begin(20, chunked(), `${chunk(20_000)}0\r\n\r\n`);
    await until(() => senders.answered(401) === 20);
  },
};
for (const [name, end] of Object.entries(ENDS)) {
  test(`the memory of a body is released when ${name}`, async (t) => {
    const gateway = await start(t);
    await end(gateway, new Senders(t, gateway));
    await until(async () => (await reservedBytes(gateway)) === 0);
  });
}

/** How many bytes of the budget are held, as the build for tests tells. */
async function reservedBytes(gateway) {
  const answer = await fetch(gateway.url, { headers: { "x-fault": "held-bytes" } });
  assert.equal(answer.status, 200);
  return Number(await answer.text());
}

function count(statuses) {
  const counts = {};
  for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
