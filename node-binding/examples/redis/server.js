// Receives Vtryon's webhooks in as many processes as you like; Redis keeps repeats from the handler.

import { createServer } from "node:http";
import { createClient } from "redis";
import { vtryonWebhooks } from "vtryon-webhooks/node";
import { RedisStore } from "./redis-store.js";

const { PORT = "3000", HOST = "127.0.0.1", REDIS_URL = "redis://127.0.0.1:6379" } = process.env;

// Without a queue, calls fail while Redis is away: the answer is 503 at once, and Vtryon comes again.
const client = createClient({ url: REDIS_URL, disableOfflineQueue: true });
client.on("error", (fault) => console.error("redis:", fault.message));
await client.connect();

const receive = vtryonWebhooks({
  store: new RedisStore(client),
  onEvent(event) {
    console.log(`${event.task_id} ${event.status ?? event.event}`);
  },
});

const server = createServer((request, response) => {
  if (request.url === "/webhooks/vtryon") receive(request, response);
  else response.writeHead(404).end();
});

server.listen(Number(PORT), HOST, () => {
  console.log(`listening on http://${HOST}:${server.address().port}`);
});

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => server.close(() => client.destroy()));
}
