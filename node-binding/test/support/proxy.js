// A proxy for tests of the command, which remembers what it was asked for.

import { createServer, request as httpRequest } from "node:http";
import { connect } from "node:net";
import { emitted } from "../../../tests/support/wait.js";

/** A proxy that brings every connection to this machine, whatever host it is for. */
export async function proxyOf(t, { password } = {}) {
  const asked = [];
  const isAllowed = ({ headers }) =>
    password === undefined ||
    headers["proxy-authorization"] ===
      `Basic ${Buffer.from(`shop:${password}`).toString("base64")}`;
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    if (!isAllowed(request)) return response.writeHead(407).end();
    const { port, pathname } = new URL(request.url);
    const { method, headers } = request;
    const onward = httpRequest(
      { port, host: "127.0.0.1", path: pathname, method, headers },
      (answer) => {
        response.writeHead(answer.statusCode, answer.headers);
        answer.pipe(response);
      },
    );
    onward.on("error", () => response.destroy());
    request.pipe(onward);
  });
  const sockets = new Set();
  server.on("connect", (request, socket, head) => {
    asked.push(`CONNECT ${request.url}`);
    sockets.add(socket);
    socket.on("error", () => {});
    if (!isAllowed(request)) return socket.end("HTTP/1.1 407 No\r\ncontent-length: 0\r\n\r\n");
    const onward = connect(Number(request.url.split(":").at(-1)), "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      onward.write(head);
      socket.pipe(onward).pipe(socket);
    });
    onward.on("error", () => socket.destroy());
  });
  server.listen(0, "127.0.0.1");
  await emitted(server, "listening");
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.closeAllConnections();
    server.close();
  });
  return { asked, url: `http://127.0.0.1:${server.address().port}` };
}
