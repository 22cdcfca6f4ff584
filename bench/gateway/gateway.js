// The gateway on the runtime itself. KV is a stand-in that has nothing: only results that are read are put into it.

import path from "node:path";
import { RUNTIME_CAPNP } from "../../tests/runtime.js";
import { Workerd } from "./workerd.js";

const BUILD = path.resolve(import.meta.dirname, "../../edge-worker/build");

export const SECRET = "whsec_bench";
export const TOKEN = "admin-token-of-the-bench-0123456789abcdef";

/**
 * Starts the gateway with so many shards, from the folder that it was built into. `variables` are added to those of the
 * bench, `tracer` is what `Workerd.start` takes.
 */
export function startGateway({ shards = 1, build = BUILD, variables = {}, tracer } = {}) {
  const all = {
    VTRYON_WEBHOOK_SECRET: SECRET,
    GATEWAY_ADMIN_TOKEN: TOKEN,
    GATEWAY_MASTER_KEY: "0f".repeat(32),
    SHARDS: String(shards),
    // Endpoints of the bench listen on loopback.
    ALLOW_INSECURE_ENDPOINTS: "1",
    ...variables,
  };
  const modules = ["index.js", "index_bg.wasm"].map((name) => path.join(build, name));
  return Workerd.start(config(all), modules, { tracer });
}

const config = (variables) => `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    ( name = "gateway", worker = .gateway ),
    ( name = "kv", worker = .kv ),
    ( name = "objects", disk = ( path = "objects", writable = true ) ),
    ( name = "internet", network = ( allow = ["public", "private"] ) ),
  ],
  sockets = [( name = "http", http = (), service = "gateway" )],
);

const gateway :Workerd.Worker = (
${RUNTIME_CAPNP}
  modules = [
    ( name = "index.js", esModule = embed "index.js" ),
    ( name = "index_bg.wasm", wasm = embed "index_bg.wasm" ),
  ],
  bindings = [
    ( name = "TASK_SHARD", durableObjectNamespace = "TaskShard" ),
    ( name = "DIRECTORY", durableObjectNamespace = "Directory" ),
    ( name = "RESULTS", kvNamespace = "kv" ),
${Object.entries(variables)
  .map(([name, value]) => `    ( name = "${name}", text = "${value}" ),`)
  .join("\n")}
  ],
  durableObjectNamespaces = [
    ( className = "TaskShard", uniqueKey = "TaskShard", enableSql = true ),
    ( className = "Directory", uniqueKey = "Directory", enableSql = true ),
  ],
  durableObjectStorage = ( localDisk = "objects" ),
);

const kv :Workerd.Worker = (
${RUNTIME_CAPNP}
  serviceWorkerScript = "addEventListener('fetch', (event) => event.respondWith(new Response(null, { status: 404 })))",
);
`;
