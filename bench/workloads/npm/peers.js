// Libraries that verify webhooks, each in its own scheme, over the same bytes.
//
// Each is prepared once, as far as it can be, and is given the body in the form that is cheapest for it: as one
// string, made here from the Buffer, that serves its JSON.parse too where it does not parse by itself.

import { createHmac } from "node:crypto";
import { sign, verify } from "@octokit/webhooks-methods";
import { Webhook } from "standardwebhooks";
import Stripe from "stripe";
import { Webhook as SvixWebhook } from "svix";
import { SECRET } from "../../lib/corpus.js";

const stripe = new Stripe("sk_test_bench");
const standard = new Webhook(SECRET);
const svix = new SvixWebhook(SECRET);

/** Returns for each peer what opens `body`: verifies it and returns its JSON. */
export async function peersOf(body) {
  const text = body.toString();
  const now = new Date();
  const seconds = Math.floor(now.getTime() / 1000);
  const ids = { "webhook-id": "msg_bench", "webhook-timestamp": `${seconds}` };
  const standardHeaders = { ...ids, "webhook-signature": standard.sign("msg_bench", now, text) };
  const mac = createHmac("sha256", SECRET).update(`${seconds}.${text}`).digest("hex");
  const stripeHeader = `t=${seconds},v1=${mac}`;
  const octokitHeader = await sign(SECRET, text);
  return {
    stripe: () => stripe.webhooks.constructEvent(body.toString(), stripeHeader, SECRET),
    async octokit() {
      const payload = body.toString();
      if (!(await verify(SECRET, payload, octokitHeader))) throw new Error("not verified");
      return JSON.parse(payload);
    },
    standardwebhooks: () => standard.verify(body.toString(), standardHeaders),
    svix() {
      const payload = body.toString();
      svix.verify(payload, standardHeaders);
      return JSON.parse(payload);
    },
  };
}
