// A shop. It orders looks and gives each shopper's page a ticket to follow its own look at the gateway.

import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import express from "express";
import { order } from "./vtryon.js";

const {
  PORT = "3000",
  HOST = "127.0.0.1",
  GATEWAY_URL = "http://127.0.0.1:8787",
  GATEWAY_TICKET_TOKEN,
  VTRYON_WEBHOOK_SECRET,
  STEP_MS = "2000",
} = process.env;
if (!GATEWAY_TICKET_TOKEN) throw new Error("GATEWAY_TICKET_TOKEN is not set");

const gateway = new URL(GATEWAY_URL).origin;
const PHOTOS = ["full-length", "portrait"];

/** The shopper of each task. A real shop has a database for this. */
const owners = new Map();
const MAX_OWNERS = 10_000;

const app = express();

app.use((_request, response, next) => {
  response.set({
    "content-security-policy": [
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'",
      `connect-src 'self' ${gateway}`,
      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ].join("; "),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  });
  next();
});
app.use(express.static(fileURLToPath(new URL("public", import.meta.url))));

app.post("/looks", express.json({ limit: "1kb" }), async (request, response) => {
  const { photo } = request.body ?? {};
  if (!PHOTOS.includes(photo)) {
    response.status(400).json({ message: "There is no such photo." });
    return;
  }
  const resultUrl = `http://${request.get("host")}/look.svg`;
  const stepMs = Number(STEP_MS);
  const id = order({ gateway, secret: VTRYON_WEBHOOK_SECRET, resultUrl, photo, stepMs });
  if (owners.size >= MAX_OWNERS) owners.delete(owners.keys().next().value);
  owners.set(id, shopperOf(request) ?? newShopper(response));
  response.status(201).json(await withTicket(id));
});

// A page that was reloaded, or whose ticket has expired, requests another one.
app.post("/looks/:id/ticket", async (request, response) => {
  const { id } = request.params;
  const shopper = shopperOf(request);
  if (shopper === undefined || owners.get(id) !== shopper) {
    response.status(404).json({ message: "There is no such look." });
    return;
  }
  response.status(201).json(await withTicket(id));
});

app.use((error, _request, response, _next) => {
  const status = error.status ?? 503;
  if (status >= 500) console.error(error.message);
  response.status(status).json({ message: "This does not work at the moment." });
});

/** Gets a ticket for one task. It lets a page see the status and result of that task only. */
async function withTicket(id) {
  const answer = await fetch(`${gateway}/api/tickets`, {
    method: "POST",
    headers: { authorization: `Bearer ${GATEWAY_TICKET_TOKEN}` },
    body: JSON.stringify({ task_id: id }),
    signal: AbortSignal.timeout(10_000),
  });
  if (answer.status !== 201) throw new Error(`no ticket: the gateway answers ${answer.status}`);
  const { ticket } = await answer.json();
  const query = new URLSearchParams({ ticket });
  return { id, live: `${gateway}/api/tasks/${encodeURIComponent(id)}/live?${query}` };
}

function shopperOf(request) {
  return /(?:^|; )shopper=([\w-]{36})(?:;|$)/.exec(request.get("cookie") ?? "")?.[1];
}

function newShopper(response) {
  const shopper = randomUUID();
  response.cookie("shopper", shopper, { httpOnly: true, sameSite: "strict" });
  return shopper;
}

const server = app.listen(Number(PORT), HOST, (error) => {
  if (error) throw error;
  console.log(`listening on http://${HOST}:${server.address().port}`);
});

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => server.close());
