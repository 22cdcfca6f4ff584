// A door that stays where it is while the gateway behind it is killed and started again on another port.

import { connect, createServer } from "node:net";

export class Door {
  #server;
  #sockets = new Set();
  #port;

  /** Opens a door to a URL. */
  static async open(url) {
    const door = new Door();
    door.leadTo(url);
    door.#server = createServer((socket) => door.#pass(socket));
    await new Promise((listening) => door.#server.listen(0, "127.0.0.1", listening));
    door.url = `http://127.0.0.1:${door.#server.address().port}`;
    return door;
  }

  /** Lets it lead elsewhere from now on. */
  leadTo(url) {
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
