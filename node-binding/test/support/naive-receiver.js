// A receiver as it should not be: the negative control of the doctor. It keeps the body as text, and
// compares signatures in one of two ways that are both wrong.
//
//     node naive.js string|timing-safe|crash SECRET
//
// `crash` is `timing-safe` without the framework that turns what a handler throws into a 500.

import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const [way, secret] = process.argv.slice(2);

const matches =
  way === "string"
    ? (claimed, computed) => claimed === computed
    : (claimed, computed) => timingSafeEqual(Buffer.from(claimed), Buffer.from(computed));

function handle(request, text) {
  const claimed = request.headers["x-vtryon-signature"];
  if (!claimed) return 401;
  const computed = createHmac("sha256", secret).update(text).digest("hex");
  if (!matches(claimed, computed)) return 401;
  JSON.parse(text);
  return 200;
}

const server = createServer((request, response) => {
  let text = "";
  request.on("data", (chunk) => {
    text += chunk;
  });
  request.on("end", () => {
    try {
      response.writeHead(handle(request, text)).end();
    } catch (fault) {
      if (way === "crash") throw fault;
      response.writeHead(500).end();
    }
  });
});

server.listen(0, "127.0.0.1", () => console.log(server.address().port));
