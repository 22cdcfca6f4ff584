// Refused webhooks: counted by cause, with a first and a last sample of each and the likely mistake behind it.

import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { ahead } from "../support/deliveries.js";
import { event, Gateway, PREVIOUS, SECRET, sign, until } from "../support/gateway.js";
import { metered, since } from "../support/metering.js";
import { exchange, head } from "../support/raw.js";
import { counted } from "../support/rejections.js";

const RETIRED = "whsec_test_retired";
const STRANGE = "whsec_test_of_nobody";
/** What a sender keys on that takes the secret for base64. */
const DECODED = Buffer.from(SECRET.slice("whsec_".length), "base64url");

/** Starts a gateway that ends with its test. */
async function start(t, options) {
  const gateway = await Gateway.start(options);
  t.after(() => gateway.stop());
  return gateway;
}

/** Starts the runtime anew, and with it the tally of another isolate, which tells of itself soon. */
async function restart(gateway, bindings) {
  await gateway.halt();
  await gateway.restart(bindings);
}

/** Opens the directory's database, while the runtime does not run. */
async function directoryDatabase(gateway) {
  const names = await readdir(gateway.folder, { recursive: true });
  const name = names.find((name) => /Directory.*[0-9a-f]{64}\.sqlite$/.test(name));
  return new DatabaseSync(path.join(gateway.folder, name));
}

async function look(gateway) {
  const { status, body } = await gateway.api("/api/rejections");
  assert.equal(status, 200);
  return body;
}

const COMPACT = event("task_1", "completed", { data: { result_url: "https://cdn.example/1.png" } });
const PRETTY = JSON.stringify(JSON.parse(COMPACT), null, 2);
const base64 = (hex) => Buffer.from(hex, "hex").toString("base64");
const hash = (algorithm) => createHash(algorithm).update(COMPACT).digest("hex");
const hmac = (algorithm) => createHmac(algorithm, SECRET).update(COMPACT).digest("hex");

/** By code: [what is wrong, the mistake, the signature, given an endpoint's secret, and the body that is sent] */
const WRONG = {
  signature_mismatch: [
    ["a secret that was replaced", "retired_secret", () => sign(COMPACT, RETIRED), COMPACT],
    ["an endpoint's secret", "endpoint_secret", (own) => sign(COMPACT, own), COMPACT],
    ["parsed and written again", "body_reserialised", () => sign(PRETTY), COMPACT],
    ["made pretty", "body_reserialised", () => sign(COMPACT, PREVIOUS), PRETTY],
    ["a line break too many", "newline_added", () => sign(COMPACT), `${COMPACT}\n`],
    ["no secret", "plain_hash", () => hash("sha256"), COMPACT],
    [
      "a secret and a line break",
      "secret_with_whitespace",
      () => sign(COMPACT, `${SECRET}\n`),
      COMPACT,
    ],
    ["a secret in quotes", "secret_quoted", () => sign(COMPACT, `"${SECRET}"`), COMPACT],
    ["a byte order mark", "secret_with_bom", () => sign(COMPACT, `\ufeff${SECRET}`), COMPACT],
    ["a secret that was decoded", "secret_decoded", () => sign(COMPACT, DECODED), COMPACT],
    ["no body", "body_empty", () => sign(COMPACT), ""],
    ["no sense in it", "unknown", () => sign(COMPACT, STRANGE), COMPACT],
  ],
  malformed_signature: [
    ["a prefix", "prefixed", () => `sha256=${sign(COMPACT)}`, COMPACT],
    ["base64", "base64_signature", () => base64(sign(COMPACT)), COMPACT],
    ["SHA-1", "other_algorithm", () => hmac("sha1"), COMPACT],
    ["SHA-512", "other_algorithm", () => hmac("sha512"), COMPACT],
    ["cut off", "truncated_header", () => sign(COMPACT).slice(0, 60), COMPACT],
    ["no sense in the header", "other_form", () => "nonsense", COMPACT],
  ],
  multiple_signatures: [
    ["twice", "repeated_header", () => `${sign(COMPACT)}, ${sign(COMPACT)}`, COMPACT],
    ["Stripe's form", "stripe_form", () => `t=1,v1=${sign(COMPACT)}`, COMPACT],
  ],
  missing_signature: [["nothing", "empty_header", () => null, COMPACT]],
};

test("the mistake is named, and nothing that is secret", async (t) => {
  const gateway = await start(t, { bindings: { VTRYON_WEBHOOK_SECRET: RETIRED } });
  const { secret: own } = await gateway.register("http://127.0.0.1:9/", { enabled: false });
  await restart(gateway, { VTRYON_WEBHOOK_SECRET: SECRET });
  const secrets = [SECRET, PREVIOUS, RETIRED, STRANGE, own];
  const rounds = Math.max(...Object.values(WRONG).map((rows) => rows.length));
  const answers = [];
  for (let round = 0; round < rounds; round++) {
    const asked = Object.entries(WRONG).filter(([, rows]) => round < rows.length);
    for (const [code, rows] of asked) {
      const [what, , signature, body] = rows[round];
      secrets.push(signature(own));
      const answer = await gateway.post(body, { signature: signature(own) });
      assert.deepEqual(
        [answer.status, (await answer.json()).error],
        [401, "unauthorized"],
        `${what}: ${code}`,
      );
    }
    for (const [code, rows] of asked) {
      const [what, mistake, signature, body] = rows[round];
      const seen = await counted(gateway, code, round + 1);
      const value = signature(own) ?? "";
      assert.equal(seen.last_sample.mistake, mistake, what);
      assert.equal(seen.count, round + 1, what);
      assert.ok(seen.hint.length > 20 && seen.summary.length > 10, what);
      assert.ok(seen.first_at <= seen.last_at, what);
      assert.deepEqual(seen.last_sample, {
        received_at: seen.last_at,
        content_type: "text/plain;charset=UTF-8",
        body_bytes: body.length,
        signature: { length: value.length, is_hex: /^[0-9a-f]+$/.test(value) },
        head: body.slice(0, 256),
        mistake,
      });
    }
    const seen = await look(gateway);
    answers.push(JSON.stringify(seen));
    const times = seen.rejections.map(({ last_at }) => last_at);
    assert.deepEqual(times, times.toSorted().reverse(), "the newest comes first");
    await restart(gateway);
  }
  assert.match(answers[0], /isolate/, "it says that counts may be lost");
  // What the sender will be configured with next, as soon as it is.
  await restart(gateway, { VTRYON_WEBHOOK_SECRET_PREVIOUS: STRANGE });
  const next = await counted(gateway, "signature_mismatch");
  assert.equal(next.last_sample.mistake, "verifies_now");
  for (const text of [...answers, JSON.stringify(next), await gateway.wholeLog()]) {
    for (const secret of secrets.filter((secret) => secret && secret !== "nonsense")) {
      assert.ok(!text.includes(secret), secret);
    }
  }
});

test("the stored sample of a request is bounded", async (t) => {
  const gateway = await start(t);
  const long = `${"ä".repeat(127)}x€${"y".repeat(199_740)}`;
  await gateway.post(long, {
    headers: { "content-type": `text/${"p".repeat(500)}` },
    signature: sign(""),
  });
  await gateway.post(long, { signature: "s".repeat(3000) });
  const mismatch = await counted(gateway, "signature_mismatch");
  const malformed = await counted(gateway, "malformed_signature");
  for (const { last_sample: sample } of [mismatch, malformed]) {
    assert.equal(sample.body_bytes, Buffer.byteLength(long));
    // 256 bytes would end within the euro sign.
    assert.equal(sample.head, `${"ä".repeat(127)}x`);
  }
  assert.equal(mismatch.mistake, "body_incomplete");
  assert.equal(mismatch.last_sample.content_type.length, 100);
  assert.deepEqual(malformed.last_sample.signature, { length: 3000, is_hex: false });
  await gateway.halt();
  const database = await directoryDatabase(gateway);
  const [{ bytes }] = database
    .prepare("SELECT MAX(LENGTH(first_sample), LENGTH(last_sample)) AS bytes FROM rejections")
    .all();
  database.close();
  assert.ok(bytes > 32_768 && bytes < 34_000, `${bytes} bytes are stored`);
});

/** A webhook of the operator's, signed with a secret that has a line break at its end. */
const misconfigured = (gateway) =>
  gateway.post(COMPACT, { signature: sign(COMPACT, `${SECRET}\n`) });

/** Sends what strangers do: random signatures, with the body of an event or with none. */
async function flood(gateway, body, count = 30) {
  for (let nth = 0; nth < count; nth++) {
    const signature = createHash("sha256").update(`${body}${nth}`).digest("hex");
    assert.equal((await gateway.post(body, { signature })).status, 401);
  }
}

test("in one report, noise before and after a webhook does not overwrite its sample", async (t) => {
  const gateway = await start(t);
  await flood(gateway, "{}");
  await misconfigured(gateway);
  await flood(gateway, "noise");
  const seen = await counted(gateway, "signature_mismatch", 61);
  assert.deepEqual(
    [seen.mistake, seen.first_sample.mistake, seen.last_sample.mistake],
    ["secret_with_whitespace", "secret_with_whitespace", "unknown"],
  );
  assert.equal(seen.last_sample.head, "noise");
  assert.match(seen.hint, /paste it there again/);
});

test("from report to report, a flood of copies does not overwrite the sample that helps", async (t) => {
  const gateway = await start(t);
  const looksReal = event("task_stranger", "completed");
  await flood(gateway, looksReal);
  let seen = await counted(gateway, "signature_mismatch", 30);
  assert.deepEqual([seen.mistake, seen.first_sample.mistake], ["unknown", "unknown"]);
  // Another isolate, which reports at once.
  await restart(gateway);
  await misconfigured(gateway);
  seen = await counted(gateway, "signature_mismatch", 31);
  assert.equal(
    seen.first_sample.mistake,
    "secret_with_whitespace",
    "what is recognised goes first",
  );
  await restart(gateway);
  await flood(gateway, looksReal);
  // By its form alone, which anybody can send.
  await gateway.post(looksReal, {
    signature: createHash("sha256").update(looksReal).digest("hex"),
  });
  seen = await counted(gateway, "signature_mismatch", 62);
  assert.deepEqual(
    [seen.mistake, seen.first_sample.mistake, seen.last_sample.mistake],
    ["secret_with_whitespace", "secret_with_whitespace", "plain_hash"],
  );
  assert.equal(seen.first_sample.head, COMPACT);
});

test("a first sample is diagnosed before an anonymous one is compared with it", async (t) => {
  const gateway = await start(t);
  await misconfigured(gateway);
  await counted(gateway, "signature_mismatch");
  await gateway.halt();
  // As the directory stores it where another report was judged less than two seconds ago.
  const database = await directoryDatabase(gateway);
  const { changes } = database.prepare("UPDATE rejections SET first_evidence = -1").run();
  database.close();
  assert.equal(changes, 1);
  await gateway.restart();
  const looksReal = event("task_stranger", "completed");
  // It is recognised by its form.
  await gateway.post(looksReal, {
    signature: createHash("sha256").update(looksReal).digest("hex"),
  });
  const seen = await counted(gateway, "signature_mismatch", 2);
  assert.deepEqual(
    [seen.first_sample.mistake, seen.last_sample.mistake],
    ["secret_with_whitespace", "plain_hash"],
  );
});

test("rejections without a wrong signature have no diagnosis, and an unread body has no excerpt", async (t) => {
  // The runtime reads up to 64 KiB of a body that is refused. With more it resets the connection, and the answer may be lost.
  const gateway = await start(t, { bindings: { MAX_BODY_BYTES: "16384" } });
  await gateway.post(COMPACT, { method: "PUT" });
  await gateway.post("x".repeat(16_385));
  const url = `${gateway.url}/api/rejections`;
  for (const [code, bytes] of [
    ["method_not_allowed", COMPACT.length],
    ["payload_too_large", 16_385],
  ]) {
    const seen = await counted(gateway, code);
    assert.equal(seen.mistake, null);
    for (const sample of [seen.first_sample, seen.last_sample])
      assert.deepEqual([sample.body_bytes, sample.head], [bytes, ""], code);
  }
  assert.equal((await fetch(url)).status, 401, "it is for administrators");
  assert.equal((await gateway.api("/api/rejections", { method: "DELETE" })).status, 405);
});

/** By kind of path: [the path, the status, how many of them are counted]. Each is posted with a signature. */
const ELSEWHERE = {
  "/webhooks/*": [
    ["/webhooks/vtryon//", 404],
    ["/webhooks/vtyron", 404],
    ["/webhooks/stolen-secret-in-a-path", 404],
  ],
  "/api/*": [
    ["/api/webhooks", 401],
    ["/api/endpoints", 401],
  ],
  "/*": [
    ["/", 404],
    ["/webhook", 404],
  ],
};

test("signed posts to other paths are counted by the kind of path, and no path is stored", async (t) => {
  const gateway = await start(t);
  const signature = sign(COMPACT);
  const post = (at, headers) => fetch(gateway.url + at, { method: "POST", body: COMPACT, headers });
  for (const [at, status] of Object.values(ELSEWHERE).flat()) {
    assert.equal((await post(at, { "x-vtryon-signature": signature })).status, status, at);
    // What is not signed, or is no post, is no webhook.
    await post(at, {});
    await fetch(gateway.url + at, { headers: { "x-vtryon-signature": signature } });
  }
  for (const [kind, posts] of Object.entries(ELSEWHERE)) {
    const seen = await until(async () => {
      const { rejections } = await look(gateway);
      return rejections.find(({ path, count }) => path === kind && count >= posts.length);
    });
    assert.deepEqual([seen.code, seen.count, seen.mistake], ["not_found", posts.length, null]);
    assert.match(seen.summary, /^a signed webhook was posted to /);
    assert.match(seen.hint, /\/webhooks\/vtryon$/);
    assert.deepEqual([seen.last_sample.body_bytes, seen.last_sample.head], [COMPACT.length, ""]);
  }
  assert.equal((await look(gateway)).rejections.length, Object.keys(ELSEWHERE).length);
  const text = JSON.stringify(await look(gateway)) + (await gateway.wholeLog());
  for (const secret of ["stolen", "vtyron", signature]) assert.ok(!text.includes(secret), secret);
});

test("a refusal does not wait for a body that never arrives", async (t) => {
  const gateway = await start(t);
  const headers = ["x-vtryon-signature: nonsense", "content-length: 100"];
  for (const beginning of ["", "{"]) {
    const answer = await exchange(
      gateway.url,
      head("POST", "/webhooks/vtryon", headers),
      beginning,
    );
    assert.equal(answer.status, 401);
  }
  const { last_sample } = await counted(gateway, "malformed_signature", 2);
  assert.deepEqual([last_sample.body_bytes, last_sample.head], [100, "{"]);
});

test("a flood is counted, and reported to the directory at intervals", async (t) => {
  const gateway = await start(t, { build: "build-faults" });
  const FLOOD = 2000;
  // Before anything is stored, the directory asks a shard where the deployment lies.
  const token = { name: "ci", scope: "read" };
  assert.equal((await gateway.api("/api/tokens", { json: token })).status, 201);
  const before = await metered(gateway);
  const begun = Date.now();
  let left = FLOOD;
  const sender = async () => {
    while (left-- > 0)
      assert.equal((await gateway.post(COMPACT, { signature: sign("") })).status, 401);
  };
  await Promise.all(Array.from({ length: 10 }, sender));
  assert.equal((await counted(gateway, "signature_mismatch", FLOOD)).count, FLOOD);
  const { request, shard_request, directory_request } = since(before, await metered(gateway));
  assert.equal(shard_request, 0);
  // To look is a request to the Worker, which passes it on.
  const reports = directory_request - (request - FLOOD);
  const pauses = Math.floor((Date.now() - begun) / 10_000);
  assert.ok(reports <= pauses + 1, `${reports} reports in ${pauses} pauses`);
});

test("a sample expires after a day; the count stays", async (t) => {
  const gateway = await start(t, { build: "build-faults" });
  await gateway.post(COMPACT, { signature: null });
  await counted(gateway, "missing_signature");
  for (const [hours, is_kept] of [
    [23, true],
    [25, false],
    // And it is removed, not only left out.
    [0, false],
  ]) {
    await restart(gateway, ahead(hours));
    const [{ count, first_sample, last_sample, mistake, hint }] = (await look(gateway)).rejections;
    assert.deepEqual(
      [count, first_sample !== null, last_sample !== null, mistake !== null],
      [1, is_kept, is_kept, is_kept],
      `${hours} hours`,
    );
    assert.ok(hint.length > 20);
  }
});

/** What is seen of a signature by the first secret, after a start with other variables. */
async function mistakeAfter(gateway, bindings) {
  await restart(gateway, bindings);
  const before = (await look(gateway)).rejections[0]?.count ?? 0;
  await gateway.post(COMPACT, { signature: sign(COMPACT, RETIRED) });
  return (await counted(gateway, "signature_mismatch", before + 1)).last_sample.mistake;
}

/** The gateway as it was before the secret was replaced. */
async function startBefore(t) {
  const secrets = { VTRYON_WEBHOOK_SECRET: RETIRED, VTRYON_WEBHOOK_SECRET_PREVIOUS: undefined };
  const gateway = await start(t, { build: "build-faults", bindings: secrets });
  // Whatever wakes the directory makes it remember them.
  await look(gateway);
  return gateway;
}

test("a secret that was replaced is remembered for 90 days, under the master key", async (t) => {
  const gateway = await startBefore(t);
  for (const [bindings, mistake, is_noted] of [
    [{ VTRYON_WEBHOOK_SECRET: SECRET }, "retired_secret", false],
    [{ GATEWAY_MASTER_KEY: "1e".repeat(32) }, "unknown", true],
    [{ GATEWAY_MASTER_KEY: "0f".repeat(32) }, "retired_secret", false],
    [ahead(89 * 24), "retired_secret", false],
    [ahead(91 * 24), "unknown", false],
  ]) {
    assert.equal(await mistakeAfter(gateway, bindings), mistake);
    assert.equal((await look(gateway)).note.includes("GATEWAY_MASTER_KEY"), is_noted);
  }
});

test("ten secrets that were replaced are remembered", async (t) => {
  const gateway = await startBefore(t);
  for (let day = 1; day <= 10; day++) {
    await restart(gateway, { ...ahead(day * 24), VTRYON_WEBHOOK_SECRET: `whsec_test_${day}` });
    await look(gateway);
  }
  assert.equal(await mistakeAfter(gateway, ahead(11 * 24)), "retired_secret", "it is the tenth");
  const next = { ...ahead(12 * 24), VTRYON_WEBHOOK_SECRET: "whsec_test_11" };
  assert.equal(await mistakeAfter(gateway, next), "unknown");
});

test("at most 25 secrets are tried, and the note mentions the others", async (t) => {
  const gateway = await start(t);
  const endpoints = [];
  for (let n = 0; n < 20; n++) {
    endpoints.push(await gateway.register(`http://127.0.0.1:9/${n}`, { enabled: false }));
  }
  const last = endpoints.at(-1);
  await gateway.post(COMPACT, { signature: sign(COMPACT, last.secret) });
  await counted(gateway, "signature_mismatch");
  // Each has a previous secret from then on. Two of the 25 are Vtryon's.
  for (const [place, left] of [null, null, null, "1"].entries()) {
    const { id } = endpoints[place];
    assert.equal(
      (await gateway.api(`/api/endpoints/${id}/rotate`, { method: "POST" })).status,
      200,
    );
    const { rejections, note } = await look(gateway);
    assert.equal(
      rejections[0].mistake,
      "endpoint_secret",
      "current ones are tried before previous ones",
    );
    assert.equal(/not tried, since at most 25 are: (\d+)\./.exec(note)?.[1] ?? null, left);
  }
});
