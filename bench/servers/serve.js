// What the servers have in common: where they listen, and how they end.

import { createServer } from "node:http";

export { SECRET } from "../lib/corpus.js";

export const PATH = "/webhooks/vtryon";

/** Listens on a free port, which the parent is told, for as long as there is a parent. */
export function serve(listener) {
  const server = createServer(listener);
  server.keepAliveTimeout = 0;
  server.listen(0, "127.0.0.1", () => process.send(server.address().port));
  process.once("disconnect", () => process.exit());
}

/** Answers 200 after the body has been read. */
export function answerAll(request, response) {
  request.resume().once("end", () => response.end());
}
