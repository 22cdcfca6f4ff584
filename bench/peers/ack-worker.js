// A Worker that acknowledges what it has stored, as one would write it by hand: it verifies with WebCrypto, parses,
// and calls one of so many objects, which stores the event. It keeps no deliveries, shows nothing live, and looks at no
// clock but one.

import { DurableObject } from "cloudflare:workers";
import { EventStore, STAGES, shardOf } from "./event-store.js";
import { HEADERS, verified } from "./verified.js";

export default {
  async fetch(request, env) {
    const { body, refused } = await verified(request, env.SECRET);
    if (refused) return refused;
    const { task_id, status } = JSON.parse(new TextDecoder().decode(body));
    if (typeof task_id !== "string" || !(status in STAGES)) {
      return new Response(null, { status: 400 });
    }
    const name = `shard-${shardOf(task_id, Number(env.SHARDS))}`;
    await env.SHARD.getByName(name).keep(task_id, status, Date.now(), body);
    return new Response('{"received":true}', { headers: HEADERS });
  },
};

export class Shard extends DurableObject {
  #events;

  constructor(state, env) {
    super(state, env);
    this.#events = new EventStore(state.storage);
  }

  keep(task_id, status, at, body) {
    this.#events.store(task_id, status, at, body);
  }
}
