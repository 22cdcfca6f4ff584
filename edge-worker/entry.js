// What the runtime loads: the handlers and the two classes of objects, over the WebAssembly that Rust is compiled to.

import { DurableObject } from "cloudflare:workers";
import * as rust from "gateway";
import module from "./index_bg.wasm";

rust.initSync({ module });

export default { fetch: rust.fetch, scheduled: rust.scheduled };

/**
 * Holds the Rust object behind a Durable Object. An abort, for example when memory is exhausted, ends the WebAssembly
 * instance with everything in it. The next call starts another instance; the Rust object is created again there.
 */
class RustObject {
  #make;
  #object;
  #instance;

  constructor(make) {
    this.#make = make;
    this.get();
  }

  get() {
    const { instanceId } = rust.__worker_init_state();
    if (instanceId !== this.#instance) {
      this.#object = this.#make();
      this.#instance = instanceId;
    }
    return this.#object;
  }
}

export class Directory extends DurableObject {
  #rust;

  constructor(state, env) {
    super(state, env);
    this.#rust = new RustObject(() => new rust.Directory(state, env));
  }

  fetch(request) {
    return this.#rust.get().fetch(request);
  }

  alarm() {
    return this.#rust.get().alarm();
  }
}

/** A shard is called by RPC, which costs less than a request. */
export class TaskShard extends DurableObject {
  #rust;

  constructor(state, env) {
    super(state, env);
    this.#rust = new RustObject(() => new rust.TaskShard(state, env));
  }

  call(call, body) {
    return this.#rust.get().call(call, body);
  }

  fetch(request) {
    return this.#rust.get().fetch(request);
  }

  alarm() {
    return this.#rust.get().alarm();
  }

  webSocketMessage(socket, message) {
    return this.#rust.get().webSocketMessage(socket, message);
  }

  webSocketClose(socket, code, reason, wasClean) {
    return this.#rust.get().webSocketClose(socket, code, reason, wasClean);
  }

  webSocketError(socket, error) {
    return this.#rust.get().webSocketError(socket, error);
  }
}
