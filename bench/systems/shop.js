// A receiver in Express, alone or with a database server.

import { fork } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { SECRET } from "../gateway/gateway.js";
import { treeOf } from "../lib/processes.js";
import { killAll } from "./server.js";

const SERVERS = path.resolve(import.meta.dirname, "../servers");

/** Starts a file of bench/servers, and before it the database that `makeDatabase` makes. */
export async function startShop(file, backend, makeDatabase) {
  const database = await makeDatabase?.();
  const env = { ...process.env, SECRET, ENDPOINT: backend.url, ...database?.variables };
  let children = [];
  const shop = {
    pids: () => children.map(({ pid }) => pid),
    async restart() {
      children = [];
      if (database) children.push(await database.start());
      const app = fork(path.join(SERVERS, file), {
        env,
        stdio: ["ignore", "ignore", "inherit", "ipc"],
      });
      children.push(app);
      const failed = once(app, "exit").then(([code]) => {
        throw new Error(`${file} has ended: ${code}`);
      });
      failed.catch(() => {});
      [shop.port] = await Promise.race([once(app, "message"), failed]);
    },
    kill: () => killAll(treeOf(shop.pids())),
    async stop() {
      await shop.kill();
      database?.remove();
    },
  };
  await shop.restart();
  return shop;
}
