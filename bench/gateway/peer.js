// A Worker in JavaScript to compare the gateway with, on the same runtime: a file of bench/peers.

import path from "node:path";
import { RUNTIME_CAPNP } from "../../tests/runtime.js";
import { SECRET } from "./gateway.js";
import { Workerd } from "./workerd.js";

const PEERS = path.resolve(import.meta.dirname, "../peers");
/** What peers import. */
const COMMON = ["verified.js", "event-store.js"];

/**
 * Starts a peer by the name of its file; `shards` only where its objects store something. `variables` are texts that it
 * finds in its environment.
 */
export function startPeer(name, { shards, variables = {} } = {}) {
  const files = [name, ...COMMON];
  const all = { SECRET, ...(shards && { SHARDS: String(shards) }), ...variables };
  return Workerd.start(
    config(files, all, shards ? OBJECTS : STATELESS),
    files.map((file) => path.join(PEERS, file)),
  );
}

const OBJECTS = {
  bindings: '    ( name = "SHARD", durableObjectNamespace = "Shard" ),',
  storage: `
  durableObjectNamespaces = [( className = "Shard", uniqueKey = "Shard", enableSql = true )],
  durableObjectStorage = ( localDisk = "objects" ),`,
};

const STATELESS = { bindings: "", storage: "" };

const config = (
  files,
  variables,
  { bindings, storage },
) => `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    ( name = "peer", worker = .peer ),
    ( name = "objects", disk = ( path = "objects", writable = true ) ),
    ( name = "internet", network = ( allow = ["public", "private"] ) ),
  ],
  sockets = [( name = "http", http = (), service = "peer" )],
);

const peer :Workerd.Worker = (
${RUNTIME_CAPNP}
  modules = [
${files.map((file) => `    ( name = "${file}", esModule = embed "${file}" ),`).join("\n")}
  ],
  bindings = [
${Object.entries(variables)
  .map(([name, value]) => `    ( name = "${name}", text = "${value}" ),`)
  .join("\n")}
${bindings}
  ],${storage}
);
`;
