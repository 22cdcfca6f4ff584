// A minimal Worker that verifies Vtryon's webhooks: a body that is signed right is parsed, and the answers are those of
// the gateway. It stores nothing.

import { HEADERS, verified } from "./verified.js";

export default {
  async fetch(request, env) {
    const { body, refused } = await verified(request, env.SECRET);
    if (refused) return refused;
    const event = JSON.parse(new TextDecoder().decode(body));
    if (typeof event.task_id !== "string") return new Response(null, { status: 400 });
    return new Response('{"received":true}', { headers: HEADERS });
  },
};
