// Secrets at rest: no file of the objects or of KV has one in any usual encoding, and what is sealed opens only where
// it was sealed.

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { Backend } from "../support/backends/backend.js";
import { acknowledged, delivery } from "../support/deliveries.js";
import {
  event,
  Gateway,
  PREVIOUS,
  resultKey,
  SECRET,
  sign,
  TOKEN,
  until,
} from "../support/gateway.js";
import { TICKET_TOKEN } from "../support/live/tickets.js";

const MASTER = `${"5ec7e7".repeat(10)}0f0f`;
const API_KEY = "api-key-of-the-tests-0123456789abcdef";
const OTHER_KEY = "other-key-of-the-tests-0123456789abcdef";
const PASSWORD = "password-of-the-tests-0123456789abcdef";
const FORMER = "whsec_dGhlIGZvcm1lciBzZWNyZXQgb2YgdGhlIHRlc3Q=";

let gateway;
let backend;
/** Every secret that the gateway has had, by what it is. */
const secrets = new Map([
  ["Vtryon's", SECRET],
  ["Vtryon's previous", PREVIOUS],
  ["Vtryon's former", FORMER],
  ["the admin token", TOKEN],
  ["the ticket token", TICKET_TOKEN],
  ["the master key", MASTER],
]);
before(async () => {
  backend = await Backend.start();
  gateway = await Gateway.start({
    bindings: {
      SHARDS: "1",
      GATEWAY_MASTER_KEY: MASTER,
      GATEWAY_TICKET_TOKEN: TICKET_TOKEN,
      VTRYON_WEBHOOK_SECRET: FORMER,
    },
  });
});
after(async () => {
  await gateway.stop();
  await backend.stop();
});

/** Uses all that handles a secret once. */
async function useEverything() {
  await gateway.api("/api/secrets");
  await gateway.halt();
  await gateway.restart({ VTRYON_WEBHOOK_SECRET: SECRET });
  const first = await gateway.register(backend.url);
  const second = await gateway.register(`${backend.url}/2`, {
    headers: { "x-api-key": API_KEY, "x-other-key": OTHER_KEY },
    auth: { type: "basic", username: "shop", password: PASSWORD },
  });
  const authorization = Buffer.from(`shop:${PASSWORD}`).toString("base64");
  secrets.set("a header's", API_KEY).set("another header's", OTHER_KEY);
  secrets.set("a password", PASSWORD).set("a password in its header", authorization);
  secrets.set("an endpoint's", first.secret).set("another endpoint's", second.secret);
  const rotated = await gateway.api(`/api/endpoints/${first.id}/rotate`, { json: {} });
  secrets.set("an endpoint's new", rotated.body.secret);

  const session = await fetch(`${gateway.url}/api/session`, {
    method: "POST",
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  assert.equal(session.status, 204);
  const [cookie] = session.headers.get("set-cookie").split(";");
  secrets.set("a session", cookie.slice(cookie.indexOf("=") + 1));
  const made = await gateway.api("/api/tickets", {
    json: { task_id: "task_1" },
    headers: { authorization: `Bearer ${TICKET_TOKEN}` },
  });
  assert.equal(made.status, 201);
  secrets.set("a ticket", made.body.ticket);

  const token = await gateway.api("/api/tokens", { json: { name: "ci", scope: "admin" } });
  secrets.set("a token", token.body.token);
  const used = { headers: { authorization: `Bearer ${token.body.token}` } };
  assert.equal((await gateway.api("/api/tokens", used)).status, 200);

  await acknowledged(gateway, event("task_1", "queued"), event("task_2", "completed"), "no json");
  for (const { id } of [first, second]) {
    await delivery(gateway, { task_id: "task_2", endpoint: id });
    assert.equal((await gateway.api(`/api/endpoints/${id}/test`, { method: "POST" })).status, 200);
  }
  const watched = await fetch(`${gateway.url}/api/tasks/task_1/live?ticket=${made.body.ticket}`, {
    headers: { accept: "text/event-stream" },
  });
  assert.equal(watched.status, 200);
  await watched.body.cancel();
  for (const [nth, secret] of [...secrets.values()].entries()) {
    const body = event(`task_refused_${nth}`, "queued");
    await gateway.post(`${body}\n`, { signature: sign(body, secret) });
  }
  await until(async () => (await gateway.api("/api/rejections")).body.rejections.length > 0);
  const kv = await gateway.kv();
  assert.equal((await gateway.api("/api/tasks/task_2/result")).status, 200);
  await until(() => kv.get(resultKey("task_2")));
}

/** The forms in which a secret would be found. */
function forms(secret) {
  const parts = [Buffer.from(secret)];
  const body = secret.startsWith("whsec_") ? Buffer.from(secret.slice(6), "base64") : undefined;
  if (body?.length >= 16) parts.push(body, Buffer.from(secret.slice(6)));
  if (/^[0-9a-f]{64}$/.test(secret)) parts.push(Buffer.from(secret, "hex"));
  return parts.flatMap((bytes) => {
    // Within longer base64, by how it lies; the first and the last digits are shared with its neighbours.
    const lying = [0, 1, 2].map((before) => {
      const digits = Buffer.concat([Buffer.alloc(before), bytes]).toString("base64");
      return digits.replaceAll("=", "").slice(before && before + 1, -1);
    });
    const texts = [
      ...lying,
      ...lying.map((digits) => digits.replaceAll("+", "-").replaceAll("/", "_")),
      bytes.toString("hex"),
      bytes.toString("hex").toUpperCase(),
    ];
    const utf16 = Buffer.from(bytes.toString("latin1"), "utf16le");
    return [bytes, utf16, ...texts.map((text) => Buffer.from(text))];
  });
}

/** Every file below the gateway's folder, with its bytes. */
async function files() {
  const entries = await readdir(gateway.folder, { recursive: true, withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile());
  return Promise.all(
    names.map(async ({ name, parentPath }) => {
      const file = path.join(parentPath, name);
      return { file, bytes: await readFile(file) };
    }),
  );
}

test("no file has a secret", async () => {
  await useEverything();
  // Once as a crash leaves them, with what SQLite has not yet moved into its main file, and once as a stop does.
  for (const end of ["kill", "halt"]) {
    await gateway[end]();
    const found = await files();
    assert.ok(found.some(({ file }) => /Directory.*\.sqlite/.test(file)));
    assert.ok(found.some(({ file }) => /TaskShard.*\.sqlite/.test(file)));
    assert.ok(found.some(({ file }) => file.includes(`${path.sep}kv${path.sep}`)));
    for (const original of ["task_2", Buffer.from("task_refused_").toString("hex")]) {
      assert.ok(
        found.some(({ bytes }) => bytes.includes(original)),
        `${original} is stored, and would be found`,
      );
    }
    for (const [what, secret] of secrets) {
      for (const form of forms(secret)) {
        const place = found.find(({ bytes }) => bytes.includes(form));
        assert.equal(place?.file, undefined, `${what}, as ${form.length} bytes, after ${end}`);
      }
    }
    await gateway.restart();
    await gateway.api("/api/tasks");
  }
});

test("the scan finds a secret in each form", () => {
  for (const [what, secret] of secrets) {
    const carriers = [
      Buffer.from(secret),
      Buffer.from(`"${secret}"`),
      Buffer.from(Buffer.from(`x${secret}y`).toString("base64")),
      Buffer.from(Buffer.from(`xy${secret}z`).toString("base64url")),
      Buffer.from(Buffer.from(secret).toString("hex")),
      Buffer.from(secret, "utf16le"),
    ];
    for (const carrier of carriers) {
      assert.ok(
        forms(secret).some((form) => carrier.includes(form)),
        `${what}: ${carrier}`,
      );
    }
  }
});

/** Changes a database of an object while the gateway is down. */
async function edit(className, work) {
  await gateway.halt();
  const names = await readdir(gateway.folder, { recursive: true });
  const name = names.find((name) => new RegExp(`${className}.*[0-9a-f]{64}\\.sqlite$`).test(name));
  const database = new DatabaseSync(path.join(gateway.folder, name));
  try {
    work(database);
  } finally {
    database.close();
    await gateway.restart();
  }
}

/** Changes what the directory, and then the shard, has of the endpoints. */
async function editEndpoints(change) {
  await edit("TaskShard", (database) => {
    const { doc } = database.prepare("SELECT doc FROM settings").get();
    const settings = JSON.parse(doc);
    change(settings.endpoints);
    database.prepare("UPDATE settings SET doc = ?").run(JSON.stringify(settings));
  });
  await edit("Directory", (database) => {
    const rows = database
      .prepare("SELECT no, doc FROM endpoints WHERE deleted_at IS NULL ORDER BY no")
      .all();
    const records = rows.map(({ doc }) => JSON.parse(doc));
    change(records.map(({ endpoint }) => endpoint));
    for (const [nth, { no }] of rows.entries()) {
      database
        .prepare("UPDATE endpoints SET doc = ? WHERE no = ?")
        .run(JSON.stringify(records[nth]), no);
    }
  });
}

const MOVES = {
  "as a header to another endpoint": ([first, second]) => {
    first.headers = [second.headers[0]];
  },
  "to another endpoint": ([first, second]) => {
    [first.secrets[0].sealed, second.secrets[0].sealed] = [
      second.secrets[0].sealed,
      first.secrets[0].sealed,
    ];
  },
  "to another version": ([first]) => {
    first.secrets[0].sealed = first.secrets[1].sealed;
  },
  "under another number of its version": ([first]) => {
    first.secrets[0].version += 1;
  },
};

for (const [name, move] of Object.entries(MOVES)) {
  test(`a sealed secret that is moved ${name} does not open`, async () => {
    const problem = async (id) => (await gateway.api(`/api/endpoints/${id}`)).body.problem;
    assert.equal(await problem("ep_1"), null);
    let original;
    await editEndpoints((endpoints) => {
      original ??= structuredClone(endpoints);
      move(endpoints);
    });
    assert.match(await problem("ep_1"), /not the key that sealed/);
    const sent = backend.received.length;
    const task_id = `task_${name.replaceAll(" ", "_")}`;
    await acknowledged(gateway, event(task_id, "completed"));
    const pending = await delivery(gateway, { task_id, endpoint: "ep_1" }, ({ reason }) => reason);
    assert.deepEqual(
      [pending.state, pending.reason, pending.attempts],
      ["pending", "secret_unreadable", []],
    );
    const toFirst = backend.received.slice(sent).filter(({ path }) => path === "/hook");
    assert.deepEqual(toFirst, [], "nothing is signed with it");
    await editEndpoints((endpoints) => {
      for (const [nth, endpoint] of original.entries()) Object.assign(endpoints[nth], endpoint);
    });
    assert.equal(await problem("ep_1"), null);
  });
}

test("a header's value under the name of another header does not open", async () => {
  await editEndpoints(([, { headers }]) => {
    [headers[0].sealed, headers[1].sealed] = [headers[1].sealed, headers[0].sealed];
  });
  const { body } = await gateway.api("/api/endpoints/ep_2");
  assert.match(body.problem, /not the key that sealed this endpoint's headers/);
});

test("one of Vtryon's that is moved to another row does not open", async () => {
  const note = async () => (await gateway.api("/api/rejections")).body.note;
  assert.doesNotMatch(await note(), /GATEWAY_MASTER_KEY/);
  await edit("Directory", (database) => {
    const rows = database.prepare("SELECT fingerprint, sealed FROM secrets ORDER BY seen_at").all();
    // The first is the former one; those that are configured are read from the environment.
    database
      .prepare("UPDATE secrets SET sealed = ? WHERE fingerprint = ?")
      .run(rows[1].sealed, rows[0].fingerprint);
  });
  assert.match(await note(), /GATEWAY_MASTER_KEY does not open them: 1\./);
});
