// HTTP as no client library would send it: bytes on a socket.

import { request } from "node:http";
import { connect } from "node:net";
import { within } from "../../support/wait.js";

/** Closes the sender's half of a connection, as a piece of what is sent. */
export const END = Symbol("end");

/**
 * Sends bytes to a gateway and returns the status and the body of its answer; status 0 where there is none.
 * @param {string} url
 * @param {(string | Buffer | typeof END)[]} pieces
 * @returns {Promise<{status: number, head: string, body: string}>}
 */
export function exchange(url, ...pieces) {
  const { hostname, port } = new URL(url);
  const answer = new Promise((resolve, reject) => {
    const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true }, () => {
      for (const piece of pieces) {
        if (piece === END) socket.end();
        else socket.write(piece);
      }
    });
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk;
      const [head, ...rest] = text.split("\r\n\r\n");
      const length = /content-length: (\d+)/i.exec(head)?.[1];
      const body = rest.join("\r\n\r\n");
      if (length === undefined || Buffer.byteLength(body) < Number(length)) return;
      socket.destroy();
      resolve({ status: Number(head.split(" ")[1]), head, body });
    });
    socket.on("error", reject);
    socket.on("end", () => socket.destroy());
    socket.on("close", () => resolve({ status: 0, head: text, body: "" }));
  });
  return within("the answer to bytes on a socket", answer);
}

/** The head of a request, closed by an empty line. */
export function head(method, target, headers) {
  return `${[`${method} ${target} HTTP/1.1`, "host: gateway", "connection: close", ...headers].join("\r\n")}\r\n\r\n`;
}

/** The headers that ask for a WebSocket. */
export const UPGRADE = {
  connection: "upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": Buffer.alloc(16).toString("base64"),
};

/**
 * Asks for a WebSocket and returns the connection as it is, on which nothing is answered by itself.
 * @param {{url: string}} gateway
 * @returns {Promise<{status: number, headers: object, socket?: import("node:net").Socket}>}
 */
export function upgrade(gateway, path, headers) {
  const { promise, resolve, reject } = Promise.withResolvers();
  const asked = request(gateway.url + path, { headers: { ...UPGRADE, ...headers } });
  asked.on("upgrade", ({ statusCode, headers }, socket, first) => {
    // What came together with the head is read as what follows it.
    socket.unshift(first);
    resolve({ status: statusCode, headers, socket });
  });
  asked.on("response", (answer) => {
    answer.resume();
    resolve({ status: answer.statusCode, headers: answer.headers });
  });
  asked.on("error", reject);
  asked.end();
  return within(`the answer to an upgrade of ${path}`, promise);
}
