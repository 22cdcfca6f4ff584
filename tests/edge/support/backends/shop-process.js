// A backend behind a balancer: one that dies is started again, and what comes meanwhile is turned away.

import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { within } from "../../../support/wait.js";

const PROGRAM = path.join(import.meta.dirname, "shop.js");

export class Shop {
  #folder = mkdtempSync(path.join(tmpdir(), "vtryon-shop-"));
  #file = path.join(this.#folder, "shop.db");
  #sockets = new Set();
  #balancer = createServer((socket) => this.#pass(socket));
  #child;
  #ended;
  #stopped = false;
  /** Where the backend listens; none while it is dead. Each has a port of its own, for the last may be taken. */
  #port;

  /** Starts the balancer, at a URL that stays: it can be registered before there is a backend. */
  static async open() {
    const shop = new Shop();
    await new Promise((listening) => shop.#balancer.listen(0, "127.0.0.1", listening));
    shop.url = `http://127.0.0.1:${shop.#balancer.address().port}/hook`;
    return shop;
  }

  /** Starts a backend, which is followed by another one when it dies; resolves when it listens. */
  async run(secret, seed) {
    const env = { VTRYON_WEBHOOK_SECRET: secret };
    this.#child = fork(PROGRAM, [this.#file, seed], { env });
    this.#ended = once(this.#child, "exit");
    const listening = once(this.#child, "message").then(([port]) => port);
    const ended = this.#ended.then(() => undefined);
    this.#port = await within("the shop to listen", Promise.race([listening, ended]));
    if (this.#stopped) return;
    if (this.#port === undefined) throw new Error("the shop has ended before it listened");
    ended.then(() => {
      this.#port = undefined;
      if (!this.#stopped) return this.run(secret, seed);
    });
  }

  #pass(socket) {
    const onward = this.#port === undefined ? undefined : connect(this.#port, "127.0.0.1");
    const cut = () => {
      socket.destroy();
      onward?.destroy();
      this.#sockets.delete(socket);
    };
    if (onward === undefined) return cut();
    this.#sockets.add(socket);
    for (const end of [socket, onward]) end.on("error", cut).on("close", cut);
    socket.pipe(onward).pipe(socket);
  }

  /** The rows of a query to the backend's database. */
  rows(sql) {
    const database = new DatabaseSync(this.#file, { readOnly: true });
    try {
      return database.prepare(sql).all();
    } finally {
      database.close();
    }
  }

  async stop() {
    this.#stopped = true;
    this.#child?.kill("SIGKILL");
    await within("the end of the shop", this.#ended);
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((closed) => this.#balancer.close(closed));
    rmSync(this.#folder, { recursive: true });
  }
}
