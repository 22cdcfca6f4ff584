// The backend of the comparison, as a process of its own: it answers every delivery 200 at once and remembers when which
// event came. It also stands in for KV, which belongs to the platform: what is put there is taken and forgotten.

import { createServer } from "node:http";
import { now } from "./clock.js";

/** The arrivals that were not asked for yet: `[task_id, status, time]`. */
let arrivals = [];

const server = createServer(async (request, response) => {
  const chunks = await request.toArray().catch(() => undefined);
  if (chunks === undefined) return;
  if (request.method === "POST") {
    const { task_id, status } = JSON.parse(Buffer.concat(chunks));
    arrivals.push([task_id, status, now()]);
  }
  response.writeHead(request.method === "GET" ? 404 : 200).end();
});
// A connection is kept for as long as whoever delivers likes.
server.keepAliveTimeout = 0;
server.listen(0, "127.0.0.1", () => process.send(server.address().port));

process.on("message", () => {
  process.send(arrivals);
  arrivals = [];
});
process.once("disconnect", () => process.exit());
