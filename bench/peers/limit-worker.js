// What nobody can do without: a Worker that reads the body of a request and answers it, unverified, with the `STATUS` that
// it is given. Where it has objects, it calls one of them first, which writes a row where `WRITES` is given: one commit.

import { DurableObject } from "cloudflare:workers";
import { HEADERS } from "./verified.js";

let calls = 0;

export default {
  async fetch(request, env) {
    const body = await request.arrayBuffer();
    if (env.SHARD) {
      calls += 1;
      await env.SHARD.getByName(`shard-${calls % Number(env.SHARDS)}`).receive(body);
    }
    const status = Number(env.STATUS ?? 200);
    return new Response('{"received":true}', { status, headers: HEADERS });
  },
};

export class Shard extends DurableObject {
  #sql;

  constructor(state, env) {
    super(state, env);
    this.#sql = state.storage.sql;
    this.#sql.exec(
      "CREATE TABLE IF NOT EXISTS bodies (no INTEGER PRIMARY KEY, body BLOB NOT NULL)",
    );
  }

  receive(body) {
    if (this.env.WRITES) this.#sql.exec("INSERT INTO bodies (body) VALUES (?)", body);
  }
}
