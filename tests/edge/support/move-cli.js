// Runs `vtryon-webhooks export` and `import` for tests that move events between gateways.

import { spawn } from "node:child_process";
import { once } from "node:events";
import http from "node:http";
import { COMMAND } from "../../../node-binding/test/support/run-cli.js";
import { emitted, within } from "../../support/wait.js";

/** Starts the command with a token; returns the process, and its end with what it has said on standard error. */
export function startMove(args, { gateway, token, home, input = "ignore" }) {
  const { PATH } = process.env;
  const env = {
    PATH,
    XDG_STATE_HOME: home,
    VTRYON_GATEWAY_URL: gateway,
    VTRYON_GATEWAY_TOKEN: token,
  };
  const child = spawn(process.execPath, [COMMAND, ...args], {
    env,
    stdio: [input, "pipe", "pipe"],
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text) => {
    stderr += text;
  });
  const ended = once(child, "close").then(([code, signal]) => ({ code: code ?? signal, stderr }));
  return { child, ended };
}

/** Runs the command to its end. */
export async function runMove(args, options) {
  const { child, ended } = startMove(args, options);
  const chunks = [];
  child.stdout.on("data", (chunk) => chunks.push(chunk));
  if (options.body !== undefined) child.stdin.end(options.body);
  const end = await within(`vtryon-webhooks ${args[0]} to end`, ended);
  return { ...end, stdout: String(Buffer.concat(chunks)) };
}

/** Forwards requests to a gateway; from the one with a number on, they wait until the gate is opened. */
export class Gate {
  #server;
  #url;
  #held = Promise.withResolvers();
  #opened = Promise.withResolvers();

  static async before(url, number) {
    const gate = new Gate();
    gate.#url = url;
    let requests = 0;
    gate.#server = http.createServer(async (request, response) => {
      requests += 1;
      if (requests >= number) {
        gate.#held.resolve();
        await gate.#opened.promise;
      }
      const { method, headers, url: path } = request;
      const onward = http.request(new URL(path, gate.#url), { method, headers }, (answer) => {
        response.writeHead(answer.statusCode, answer.headers);
        answer.pipe(response);
      });
      // Whoever was killed meanwhile sends and reads nothing more.
      onward.on("error", () => response.destroy());
      request.on("error", () => onward.destroy());
      request.pipe(onward);
    });
    gate.#server.listen(0, "127.0.0.1");
    await emitted(gate.#server, "listening");
    gate.url = `http://127.0.0.1:${gate.#server.address().port}`;
    return gate;
  }

  /** Resolves when a request waits. */
  get held() {
    return within(`a request to ${this.#url} that waits`, this.#held.promise);
  }

  /** Forwards to another gateway from now on. */
  forwardTo(url) {
    this.#url = url;
  }

  open() {
    this.#opened.resolve();
  }

  close() {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
