// A Worker that acknowledges what it has stored, as one would write it by hand: it verifies with WebCrypto, parses,
// and calls one of so many objects, which stores the event. It keeps no deliveries, shows nothing live, and looks at no
// clock but one.

import { DurableObject } from "cloudflare:workers";
import { acknowledge, EventStore } from "./event-store.js";

export default { fetch: acknowledge };

export class Shard extends DurableObject {
  #events;

  constructor(state, env) {
    super(state, env);
    this.#events = new EventStore(state.storage);
  }

  receive(task_id, status, body) {
    this.#events.store(task_id, status, Date.now(), body);
  }
}
