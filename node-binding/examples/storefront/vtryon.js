// A stand-in for Vtryon's API: takes an order for a look and sends its events to the gateway, signed as Vtryon does.

import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { lifecycle, sign } from "vtryon-webhooks/testing";

/**
 * Orders a look and returns the id of its task.
 * @param {{ gateway: string, secret: string | undefined, resultUrl: string, photo: string, stepMs: number }} order
 *   without a secret nothing is sent: the events come from elsewhere
 */
export function order({ gateway, secret, resultUrl, photo, stepMs }) {
  const task_id = `task_${randomUUID().replaceAll("-", "").slice(0, 12)}`;
  const ends = photo === "portrait" ? "failed" : "completed";
  const events = lifecycle("try-on", { task_id, ends }).map((event) =>
    event.status === "completed" ? { ...event, data: { result_url: resultUrl } } : event,
  );
  if (secret) {
    send(events, { gateway, secret, stepMs }).catch((error) => {
      console.error(`the events of ${task_id} were not all sent: ${error.message}`);
    });
  }
  return task_id;
}

async function send(events, { gateway, secret, stepMs }) {
  for (const event of events) {
    await sleep(stepMs);
    const body = JSON.stringify(event);
    const headers = {
      "content-type": "application/json",
      "x-vtryon-signature": sign(body, secret),
    };
    const { status } = await fetch(`${gateway}/webhooks/vtryon`, { method: "POST", headers, body });
    if (status !== 200) throw new Error(`the gateway answers ${status}`);
  }
}
