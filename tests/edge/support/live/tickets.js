// Tickets, as a shop's backend gets them for the pages of its shoppers.

import assert from "node:assert/strict";
import { bearer } from "../api/caller.js";
import { TOKEN } from "../gateway.js";

/** The token that a shop's backend has: it is good for tickets alone. */
export const TICKET_TOKEN = "ticket-token-of-the-tests-0123456789abcdef";

/** Asks for a ticket, as the administrator unless `headers` say otherwise. */
export const mint = (gateway, json, headers = bearer(TOKEN)) =>
  gateway.api("/api/tickets", { json, headers: { authorization: "", ...headers } });

/** A ticket for a task. */
export async function ticketFor(gateway, task_id) {
  const { status, body } = await mint(gateway, { task_id });
  assert.equal(status, 201, JSON.stringify(body));
  return body.ticket;
}
