// Many live sockets at the same time, each of a task.

import { readFileSync } from "node:fs";
import { WebSocket } from "ws";
import { TOKEN } from "./gateway.js";

/** How many sockets are opened at the same time. */
const AT_ONCE = 64;

/**
 * Opens so many sockets to a gateway and waits until each has caught up. `taskOf` names the task that the nth one
 * watches; `onEvent` hears of each message that comes later. Throws where fewer open files are allowed.
 */
export async function openSockets(url, count, taskOf, onEvent) {
  // Each socket is an open file, here and in the runtime.
  const limits = readFileSync("/proc/self/limits", "utf8");
  const files = Number(/^Max open files\s+(\d+)/m.exec(limits)[1]);
  if (files < count + 2000) {
    throw new Error(`${count} sockets are as many open files; ${files} are allowed (ulimit -n)`);
  }
  const open = [];
  let next = 0;
  const opens = async () => {
    while (next < count) open.push(await watch(url, taskOf(next++), onEvent));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, opens));
  return open;
}

/** Opens a socket to a task and waits until it has caught up. */
function watch(url, task, onEvent) {
  const socket = new WebSocket(`${url.replace("http", "ws")}/api/tasks/${task}/live`, {
    headers: { authorization: `Bearer ${TOKEN}` },
    perMessageDeflate: false,
  });
  return new Promise((resolve, reject) => {
    socket.on("message", function untilReady(text) {
      const { type, id } = JSON.parse(text);
      if (type !== "ready") return;
      socket.off("message", untilReady);
      if (onEvent) socket.on("message", onEvent);
      socket.send(JSON.stringify({ type: "ack", id }));
      resolve(socket);
    });
    socket.once("unexpected-response", (_, { statusCode }) => {
      reject(new Error(`a socket of ${task}: answered ${statusCode}`));
    });
    socket.once("error", reject);
  });
}

/** Fails if a socket was closed meanwhile. */
export function assertOpen(sockets) {
  const closed = sockets.filter(({ readyState }) => readyState !== WebSocket.OPEN).length;
  if (closed > 0) throw new Error(`${closed} sockets were closed meanwhile`);
}
