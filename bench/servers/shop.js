// What the receivers in Express have in common: they verify as Vtryon's guide does, and forward events to a backend.

import { createHmac, timingSafeEqual } from "node:crypto";
import { env } from "node:process";
import express from "express";
import { PATH } from "./serve.js";

/** The six attempts of a delivery: the pauses before its retries, in milliseconds. */
export const PAUSES = [60_000, 600_000, 3_600_000, 14_400_000, 57_600_000];

const TIMEOUT = 10_000;

/** Makes the app: `receive` is given a verified event and its body as text, before it is answered. */
export function shop(receive) {
  const app = express();
  const keepText = (request, _, bytes) => {
    request.rawBody = bytes.toString();
  };
  app.use(express.json({ verify: keepText }));
  app.post(PATH, async (request, response) => {
    const signature = Buffer.from(String(request.headers["x-vtryon-signature"]));
    const expected = Buffer.from(
      createHmac("sha256", env.SECRET).update(request.rawBody).digest("hex"),
    );
    if (signature.length !== expected.length || !timingSafeEqual(signature, expected)) {
      return response.status(401).send("wrong signature");
    }
    await receive(request.body, request.rawBody);
    response.json({ received: true });
  });
  return app;
}

/** Sends an event to the backend; throws unless it is taken. */
export async function forward(body) {
  const response = await fetch(env.ENDPOINT, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
    signal: AbortSignal.timeout(TIMEOUT),
  });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`answered ${response.status}`);
}
