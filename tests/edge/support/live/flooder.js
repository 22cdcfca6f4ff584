// A client that sends more messages than it may, over a WebSocket made by hand, in a thread of its own. When the gateway
// has closed the socket for that, it goes on as fast as the network takes them.

import { connect } from "node:net";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { within } from "../../../support/wait.js";
import { UPGRADE } from "../raw.js";
import { messageFrame } from "./frames.js";

/**
 * How many messages are written at once. The first ones use up any budget, and are few enough that the gateway does not cut
 * off their sender, as it does after a MiB: a connection that is cut off loses what was not read yet, as the close.
 */
const AT_ONCE = 1000;

/**
 * Begins to flood a path; resolves once the stream is open and the first messages are sent.
 * `stop` ends it, and tells how many messages were sent, with which code the gateway has closed the socket, and
 * whether it has cut the connection.
 */
export async function flood(gateway, path, { headers = {}, data }) {
  const { hostname, port } = new URL(gateway.url);
  const worker = new Worker(new URL(import.meta.url), {
    workerData: { hostname, port: Number(port), path, headers, data },
  });
  const next = (what) => {
    const { promise, resolve, reject } = Promise.withResolvers();
    worker.once("message", resolve);
    worker.once("error", reject);
    return within(what, promise);
  };
  const begun = await next("a flood to begin");
  if (begun !== "begun") throw new Error(`not let in: ${begun}`);
  const stop = async () => {
    const closing = next("a flood to end");
    worker.postMessage("stop");
    const result = await closing;
    await worker.terminate();
    return result;
  };
  return { stop };
}

/** Takes whole frames of the server off a buffer; returns the code of a close frame, and what is left. */
function closeOf(bytes) {
  let code;
  for (;;) {
    const short = bytes[1] & 0x7f;
    const [at, length] = [
      [2, short],
      [4, bytes.length >= 4 && bytes.readUInt16BE(2)],
      [10, bytes.length >= 10 && Number(bytes.readBigUInt64BE(2))],
    ][Math.max(0, short - 125)];
    if (bytes.length < 2 || length === false || bytes.length < at + length) return [code, bytes];
    if ((bytes[0] & 0x0f) === 8) code = bytes.readUInt16BE(at);
    bytes = bytes.subarray(at + length);
  }
}

function run({ hostname, port, path, headers, data }) {
  const socket = connect(port, hostname);
  const many = Buffer.concat(Array(AT_ONCE).fill(messageFrame(data)));
  const result = { sent: 0, code: undefined, isCut: false };
  let isOpen = false;
  let rest = Buffer.alloc(0);
  const send = () => {
    result.sent += AT_ONCE;
    return socket.write(many);
  };
  const pump = () => {
    while (result.code !== undefined && !socket.destroyed && send());
  };
  const take = (bytes) => {
    const [code, left] = closeOf(bytes);
    rest = left;
    if (code === undefined || result.code !== undefined) return;
    result.code = code;
    pump();
  };
  socket.on("data", (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    if (isOpen) return take(rest);
    const end = rest.indexOf("\r\n\r\n");
    if (end < 0) return;
    const [status] = rest.toString("latin1").split("\r\n");
    if (!status.includes(" 101 ")) return parentPort.postMessage(status);
    isOpen = true;
    send();
    take(rest.subarray(end + 4));
    parentPort.postMessage("begun");
  });
  socket.on("drain", pump);
  // What is cut off may be reset.
  socket.on("error", () => {});
  socket.on("close", () => {
    result.isCut = true;
    if (!isOpen) parentPort.postMessage("closed");
  });
  const lines = Object.entries({ host: "gateway", ...UPGRADE, ...headers }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  socket.write([`GET ${path} HTTP/1.1`, ...lines, "", ""].join("\r\n"));
  parentPort.on("message", () => {
    parentPort.postMessage(result);
    socket.destroy();
  });
}

if (!isMainThread) run(workerData);
