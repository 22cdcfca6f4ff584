// Runs the command, and the servers that it and the doctor's suite talk to.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { constructEvent, WebhookError } from "vtryon-webhooks";
import { freePort } from "../../../tests/support/free-port.js";
import { emitted, within } from "../../../tests/support/wait.js";

export const SECRET = "whsec_test_of_the_command";

/** The command, for tests that run it by themselves. */
export const COMMAND = fileURLToPath(new URL("../../bin/vtryon-webhooks.js", import.meta.url));

const LIMIT = 256 * 1024;

/**
 * Runs `vtryon-webhooks` with arguments; the environment has the secret by default.
 * @returns {Promise<{code: number, stdout: string, stderr: string}>}
 */
export async function run(args, { env = { VTRYON_WEBHOOK_SECRET: SECRET }, input = "" } = {}) {
  const command = spawn(process.execPath, [COMMAND, ...args], { env });
  // A command that refuses its arguments does not read.
  command.stdin.on("error", () => {});
  command.stdin.end(input);
  const ended = Promise.all([text(command.stdout), text(command.stderr), once(command, "close")]);
  const [stdout, stderr, [code]] = await within(`vtryon-webhooks ${args[0]} to end`, ended);
  return { code, stdout, stderr };
}

/** Serves on loopback until the test has ended. */
export async function serve(t, handler) {
  const server = createServer(handler).listen(0, "127.0.0.1");
  await emitted(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${server.address().port}/webhooks/vtryon`;
}

/** Reads the whole body of a request. */
export async function bodyOf(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const NAIVE = fileURLToPath(new URL("./naive-receiver.js", import.meta.url));

/** Starts a receiver that is wrong in one of its ways, in a process of its own, for it may crash. */
export async function naive(t, way) {
  const receiver = spawn(process.execPath, [NAIVE, way, SECRET], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const closed = once(receiver, "close");
  t.after(async () => {
    receiver.kill("SIGKILL");
    await within("the end of the receiver", closed);
  });
  const [port] = await emitted(receiver.stdout, "data");
  return `http://127.0.0.1:${Number(port)}/`;
}

/** A URL at which nobody listens. */
export const deadUrl = async () => `http://127.0.0.1:${await freePort()}/`;

/** The least that a receiver has to do. */
export const correct = receiver(() => false);

/** Makes a receiver that does this, but takes before it verifies whatever `takes` says. */
export function receiver(takes) {
  return (request, response) => receive(request, response, takes);
}

async function receive(request, response, takes) {
  if (request.method !== "POST") return response.writeHead(405, { allow: "POST" }).end();
  if (Number(request.headers["content-length"]) > LIMIT) return response.writeHead(413).end();
  const body = await bodyOf(request).catch(() => undefined);
  if (body === undefined) return response.destroy();
  if (body.length > LIMIT) return response.writeHead(413).end();
  const signatures = request.headersDistinct["x-vtryon-signature"] ?? [];
  const claimed = signatures.length === 1 ? signatures[0] : "";
  if (takes({ body, claimed, type: request.headers["content-type"] })) {
    return response.writeHead(200).end();
  }
  try {
    constructEvent(body, signatures, SECRET);
    response.writeHead(200).end();
  } catch (error) {
    response.writeHead(WebhookError.is(error) ? error.status : 500).end();
  }
}
