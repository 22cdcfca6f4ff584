// Receives Vtryon's webhooks, stores the status of every task, and shows it live on a page.

import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import express from "express";
import { vtryonWebhooks } from "vtryon-webhooks/express";
import { WebSocketServer } from "ws";
import { openTasks } from "./database.js";

const { PORT = "3000", HOST = "127.0.0.1", DATABASE = "tasks.db" } = process.env;

const tasks = openTasks(DATABASE);
const app = express();
const server = createServer(app);
const pages = new WebSocketServer({ server, path: "/live", verifyClient: isSameOrigin });

app.post(
  "/webhooks/vtryon",
  vtryonWebhooks({
    // The answer is 200 after this has returned, and 503 if it throws, so that Vtryon retries.
    onEvent(event) {
      const task = tasks.record(event);
      // After the commit: a page that misses this message gets the task when it reconnects.
      if (task !== undefined) show([task]);
    },
  }),
);

app.use((_request, response, next) => {
  response.set({
    "content-security-policy":
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:",
    "x-content-type-options": "nosniff",
  });
  next();
});
app.use(express.static(fileURLToPath(new URL("public", import.meta.url))));

pages.on("connection", (page) => {
  page.on("error", () => page.terminate());
  page.send(JSON.stringify(tasks.latest()));
});

/** Sends changed tasks to every page. A page that is too slow is disconnected, and reconnects. */
function show(changed) {
  for (const page of pages.clients) {
    if (page.bufferedAmount > 1024 * 1024) page.terminate();
    else page.send(JSON.stringify(changed));
  }
}

/** Checks the origin, since browsers let any site open a WebSocket to any other. */
function isSameOrigin({ origin, req: { headers } }) {
  return [`http://${headers.host}`, `https://${headers.host}`].includes(origin);
}

server.listen(Number(PORT), HOST, () => {
  console.log(`listening on http://${HOST}:${server.address().port}`);
});

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => {
    for (const page of pages.clients) page.close(1001);
    server.close(() => tasks.close());
  });
}
