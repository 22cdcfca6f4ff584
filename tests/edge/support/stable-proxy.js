// A TCP proxy whose port stays while the gateway behind it is killed and started again on another one.

import { connect, createServer } from "node:net";

export class StableProxy {
  #server;
  #sockets = new Set();
  #port;

  /** Starts a proxy to the gateway at a URL. */
  static async open(url) {
    const proxy = new StableProxy();
    proxy.forwardTo(url);
    proxy.#server = createServer((socket) => proxy.#pass(socket));
    await new Promise((listening) => proxy.#server.listen(0, "127.0.0.1", listening));
    proxy.url = `http://127.0.0.1:${proxy.#server.address().port}`;
    return proxy;
  }

  /** Forwards new connections to another URL from now on. */
  forwardTo(url) {
    this.#port = Number(new URL(url).port);
  }

  /** Cuts every connection, as a network does that goes away. */
  cut() {
    for (const socket of this.#sockets) socket.destroy();
  }

  #pass(socket) {
    const onward = connect(this.#port, "127.0.0.1");
    for (const one of [socket, onward]) {
      this.#sockets.add(one);
      one.on("error", () => {});
      one.on("close", () => {
        this.#sockets.delete(one);
        socket.destroy();
        onward.destroy();
      });
    }
    socket.pipe(onward).pipe(socket);
  }

  async close() {
    this.cut();
    await new Promise((closed) => this.#server.close(closed));
  }
}
