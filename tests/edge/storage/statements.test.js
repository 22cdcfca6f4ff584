// Every statement of the engine returns the same rows on a Durable Object as on SQLite as a native library: the native
// tests run the engine on that one.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { Miniflare } from "miniflare";
import { RUNTIME } from "../../runtime.js";

const ROOT = path.resolve(import.meta.dirname, "../../..");

/** A Durable Object that does what was recorded, and returns the first statement that does not return the same. */
const OBJECT = `
  import { DurableObject } from "cloudflare:workers";

  export class Replayer extends DurableObject {
    async fetch(request) {
      return Response.json(this.replay(await request.json()) ?? null);
    }

    replay(steps) {
      for (const step of steps) {
        const difference = step.steps ? this.inTransaction(step) : this.compare(step);
        if (difference) return difference;
      }
    }

    inTransaction({ steps, is_committed }) {
      let difference;
      try {
        this.ctx.storage.transactionSync(() => {
          difference = this.replay(steps);
          if (!is_committed) throw new Error("rolled back");
        });
      } catch (error) {
        if (is_committed) throw error;
      }
      return difference;
    }

    compare({ sql, parameters, rows }) {
      try {
        const binds = parameters.map((value) => (value?.bytes ? new Uint8Array(value.bytes) : value));
        const found = [...this.ctx.storage.sql.exec(sql, ...binds).raw()].map((row) => row.map(column));
        return JSON.stringify(found) === JSON.stringify(rows) ? undefined : { sql, rows, found };
      } catch (error) {
        return { sql, rows, error: String(error) };
      }
    }
  }

  /** As the Worker reads a column: a fraction as the integer that it begins with. */
  function column(value) {
    if (value instanceof ArrayBuffer) return { bytes: [...new Uint8Array(value)] };
    return typeof value === "number" ? Math.trunc(value) : value;
  }

  export default {
    fetch: (request, env) => env.REPLAYER.getByName(new URL(request.url).pathname).fetch(request),
  };
`;

/** Where the native tests have recorded what they did: `make test-edge` has them do it before. */
const { RECORDINGS } = process.env;
let folder = RECORDINGS;
let runtime;

/** Has the native tests record, where this file is run alone. */
async function record() {
  folder = await mkdtemp(path.join(tmpdir(), "vtryon-statements-"));
  const tests = ["--test", "shard", "--test", "directory", "every_statement_is_recorded"];
  await promisify(execFile)("cargo", ["test", "--package", "vtryon-gateway-engine", ...tests], {
    cwd: ROOT,
    env: { ...process.env, RECORDINGS: folder },
  });
}

before(async () => {
  if (!RECORDINGS) await record();
  runtime = new Miniflare({
    modules: true,
    script: OBJECT,
    ...RUNTIME,
    durableObjects: { REPLAYER: { className: "Replayer", useSQLite: true } },
  });
});

after(async () => {
  await runtime?.dispose();
  if (!RECORDINGS) await rm(folder, { recursive: true, force: true });
});

for (const name of ["shard", "directory"]) {
  test(`every statement of a ${name} returns the same on a Durable Object`, async () => {
    const body = await readFile(path.join(folder, `${name}.json`));
    const answer = await runtime.dispatchFetch(`http://test/${name}`, { method: "POST", body });
    const text = await answer.text();
    assert.equal(answer.status, 200, text);
    assert.equal(JSON.parse(text), null, text);
  });
}
