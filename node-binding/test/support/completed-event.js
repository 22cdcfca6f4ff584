// The event that tests receive: a task that is completed.

import { createHmac } from "node:crypto";

export const SECRET = "whsec_test";

export const BODY = JSON.stringify({
  event: "generation.status_changed",
  task_id: "task_1",
  status: "completed",
  data: { result_url: "https://cdn.example/4k.png" },
});

/** Signs as Vtryon does. */
export const sign = (body, secret = SECRET) =>
  createHmac("sha256", secret).update(body).digest("hex");

/** Posts the event, signed. */
export const post = (url, secret = SECRET) =>
  fetch(url, {
    method: "POST",
    body: BODY,
    headers: { "x-vtryon-signature": sign(BODY, secret) },
  });
