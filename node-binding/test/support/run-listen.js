// Runs `vtryon-webhooks listen`, and lets tests wait for what it says.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { emitted, until, within } from "../../../tests/support/wait.js";
import { FakeGateway, TOKEN } from "./fake-gateway.js";
import { OWN_HOST } from "./own-host.js";
import { bodyOf, COMMAND } from "./run-cli.js";

export { until };

/** A folder for the states of a test file, removed at its end. */
export function stateFolder(after) {
  const folder = mkdtempSync(join(tmpdir(), "vtryon-listen-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export class Listener {
  stdout = "";
  stderr = "";
  #child;
  #ended;

  /** Starts it; `home` is where states are kept, and the test's end ends it. */
  constructor(t, { gateway, token, home, args = [], env = {}, runtime = process.execPath }) {
    const { PATH } = process.env;
    const variables = { PATH, XDG_STATE_HOME: home, VTRYON_GATEWAY_URL: gateway, ...env };
    if (token !== undefined) variables.VTRYON_GATEWAY_TOKEN = token;
    this.#child = spawn(runtime, [COMMAND, "listen", ...args], {
      env: variables,
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const name of ["stdout", "stderr"]) {
      this.#child[name].setEncoding("utf8").on("data", (text) => {
        this[name] += text;
      });
    }
    this.#ended = once(this.#child, "close").then(([code, signal]) => code ?? signal);
    t.after(() => this.stop("SIGKILL"));
  }

  /** Resolves when the backlog has been received. */
  async ready() {
    await this.says(/^listening$|"type":"ready"/m);
    return this;
  }

  /** Waits until it has said something, on either stream; fails when it ends before. */
  async says(pattern) {
    const all = () => `${this.stdout}\n${this.stderr}`;
    const isOver = () => this.#child.exitCode !== null || this.#child.signalCode !== null;
    await until(() => pattern.test(all()) || isOver()).catch(() => {});
    if (!pattern.test(all())) throw new Error(`it never said ${pattern}:\n${all()}`);
  }

  /** The lines about events, without their times. */
  get lines() {
    const lines = this.stdout.split("\n").filter((line) => line !== "");
    return lines.map((line) => line.replace(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +/, ""));
  }

  get records() {
    return this.lines.map((line) => JSON.parse(line));
  }

  /** Its exit code, or the signal that ended it. */
  get ended() {
    return within("the end of listen", this.#ended);
  }

  signal(name) {
    this.#child.kill(name);
  }

  /** Ends it; returns its exit code, or the signal. */
  stop(signal = "SIGTERM") {
    this.signal(signal);
    return this.ended;
  }
}

/** A gateway that is none, until the test has ended. */
export async function gatewayOf(t, shards) {
  const gateway = await FakeGateway.start(shards);
  t.after(() => gateway.down().catch(() => {}));
  return gateway;
}

/** A backend that answers with the given status, or calls the given function. */
export async function backendOf(t, answer = 200) {
  const backend = { answer, received: [], port: 0 };
  let server;
  backend.up = async () => {
    server = createServer(async (request, response) => {
      const body = await bodyOf(request).catch(() => undefined);
      if (body === undefined) return;
      backend.received.push({ url: request.url, headers: request.headers, body });
      if (typeof backend.answer === "function") backend.answer(response);
      else response.writeHead(backend.answer).end();
    });
    await emitted(server.listen(backend.port, OWN_HOST), "listening");
    backend.port = server.address().port;
    backend.url = `http://${OWN_HOST}:${backend.port}/hook`;
  };
  backend.down = () => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    return within("the backend to close", closed);
  };
  await backend.up();
  t.after(() => backend.down());
  return backend;
}

/** The events of tasks in the order of arrival. */
export const statusesOf = ({ received }) => received.map(({ body }) => JSON.parse(body).status);

/** Returns how to start `listen` for a gateway and backends, with states in a folder. */
export function listenIn(home) {
  return (t, gateway, backends, args = [], more = {}) => {
    const forwards = backends.flatMap(({ url }) => ["--forward", url]);
    const options = { gateway: gateway.url, token: TOKEN, home, ...more };
    return new Listener(t, { ...options, args: [...forwards, ...args] });
  };
}
