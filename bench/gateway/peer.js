// A Worker in JavaScript to compare the gateway with, on the same runtime: a file of bench/peers.

import path from "node:path";
import { RUNTIME_CAPNP } from "../../tests/runtime.js";
import { SECRET } from "./gateway.js";
import { Workerd } from "./workerd.js";

const PEERS = path.resolve(import.meta.dirname, "../peers");
/** What all peers import. */
const COMMON = "verified.js";

/** Starts a peer by the name of its file; `shards` only where its objects store something. */
export function startPeer(name, { shards } = {}) {
  const files = [name, COMMON].map((file) => path.join(PEERS, file));
  return Workerd.start(config(name, shards), files);
}

const objects = (shards) => `
  bindings = [
    ( name = "SECRET", text = "${SECRET}" ),
    ( name = "SHARDS", text = "${shards}" ),
    ( name = "SHARD", durableObjectNamespace = "Shard" ),
  ],
  durableObjectNamespaces = [( className = "Shard", uniqueKey = "Shard", enableSql = true )],
  durableObjectStorage = ( localDisk = "objects" ),`;

const stateless = `
  bindings = [( name = "SECRET", text = "${SECRET}" )],`;

const config = (name, shards) => `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    ( name = "peer", worker = .peer ),
    ( name = "objects", disk = ( path = "objects", writable = true ) ),
  ],
  sockets = [( name = "http", http = (), service = "peer" )],
);

const peer :Workerd.Worker = (
${RUNTIME_CAPNP}
  modules = [
    ( name = "${name}", esModule = embed "${name}" ),
    ( name = "${COMMON}", esModule = embed "${COMMON}" ),
  ],${shards ? objects(shards) : stateless}
);
`;
