// Which shard holds what: stored tasks are found by it, so it never changes.

import { createHash } from "node:crypto";
import { bytes, hex, text } from "./bytes.js";

function at(name, why, id, shards) {
  const digest = createHash("sha256").update(bytes(id)).digest();
  const shard = Number(digest.readBigUInt64BE() % BigInt(shards));
  return { name, why, id, digest: digest.toString("hex"), shards, shard };
}

export const shard = [
  at("one shard", "the least count", text("task_123"), 1),
  at("default count", "as most deployments have it", text("task_123"), 16),
  at("odd count", "no power of two", text("task_123"), 7),
  at("highest count", "1024", text("task_123"), 1024),
  at("not ASCII", "the bytes of UTF-8 are hashed", text("tâche-🧥"), 16),
  at("any bytes", "a body that can't be read is placed by its bytes", hex("ff00fe"), 16),
  ...Array.from({ length: 16 }, (_, place) =>
    at(`spread ${place}`, "neighbours are spread", text(`task_${place}`), 16),
  ),
];
