// A client that costs little: sockets that are kept, and one request in flight on each.

import { once } from "node:events";
import { connect } from "node:net";

/** How many requests are in progress at the same time. */
const AT_ONCE = 8;

/** Opens connections to a port; `send(n)` posts the same request n times and returns after the last 200. */
export async function poster(port, path, { body, signature }) {
  const head = [
    `POST ${path} HTTP/1.1`,
    `host: 127.0.0.1:${port}`,
    "content-type: application/json",
    `x-vtryon-signature: ${signature}`,
    `content-length: ${body.length}`,
  ];
  const request = Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), body]);
  const sockets = Array.from({ length: AT_ONCE }, () => connect(port, "127.0.0.1"));
  for (const socket of sockets) {
    await once(socket, "connect");
    socket.setNoDelay();
  }
  return {
    async send(n) {
      let left = n;
      const work = async (socket) => {
        while (left-- > 0) await exchange(socket, request);
      };
      await Promise.all(sockets.map(work));
    },
    close() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Sends a request and waits for its whole answer, which has to be 200. */
function exchange(socket, request) {
  return new Promise((resolve, reject) => {
    let answer = "";
    const settle = (done) => {
      socket.off("data", take).off("close", cut).off("error", cut);
      done();
    };
    const cut = () => settle(() => reject(new Error("the connection ended")));
    const take = (bytes) => {
      answer += bytes.toString("latin1");
      const end = answer.indexOf("\r\n\r\n");
      if (end < 0) return;
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(answer)?.[1] ?? 0);
      if (answer.length < end + 4 + length) return;
      const isGood = answer.startsWith("HTTP/1.1 200");
      settle(() => (isGood ? resolve() : reject(new Error(answer))));
    };
    if (socket.destroyed) return cut();
    socket.on("data", take).on("close", cut).on("error", cut);
    socket.write(request);
  });
}
