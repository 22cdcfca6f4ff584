// A faulty configuration stops everything, and the log names the variable; the answer does not.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { event, Gateway, TOKEN } from "../support/gateway.js";

const TAG = "0123456789abcdef".repeat(4);

/** [the variable, its value, what the log says of it, the other variables] */
const FAULTS = [
  ["VTRYON_WEBHOOK_SECRET", undefined, "is not set"],
  ["VTRYON_WEBHOOK_SECRET", "", "secret_empty"],
  ["VTRYON_WEBHOOK_SECRET", "whsec_x\n", "secret_whitespace"],
  ["VTRYON_WEBHOOK_SECRET_PREVIOUS", " ", "secret_whitespace"],
  ["VTRYON_WEBHOOK_SECRET", '"whsec_x"', "secret_quoted"],
  ["VTRYON_WEBHOOK_SECRET", "\ufeffwhsec_x", "secret_invisible"],
  ["VTRYON_WEBHOOK_SECRET_PREVIOUS", "undefined", "secret_placeholder"],
  ["GATEWAY_ADMIN_TOKEN", undefined, "is not set"],
  ["GATEWAY_ADMIN_TOKEN", "", "secret_empty"],
  ["GATEWAY_ADMIN_TOKEN", "x".repeat(31), "has fewer than 32 characters"],
  // Characters, not bytes.
  ["GATEWAY_ADMIN_TOKEN", "\u00e9".repeat(31), "has fewer than 32 characters"],
  ["GATEWAY_ADMIN_TOKEN", "x".repeat(513), "has more than 512 characters"],
  // What is no text is refused: it would be rounded, or be a text that anybody knows.
  ["VTRYON_WEBHOOK_SECRET", 1.5, "is not a text"],
  ["VTRYON_WEBHOOK_SECRET", true, "is not a text"],
  ["VTRYON_WEBHOOK_SECRET_PREVIOUS", ["whsec_x"], "is not a text"],
  ["GATEWAY_ADMIN_TOKEN", 1234567890, "is not a text"],
  ["GATEWAY_ADMIN_TOKEN_PREVIOUS", [TOKEN], "is not a text"],
  ["GATEWAY_TICKET_TOKEN", [TOKEN], "is not a text"],
  ["GATEWAY_MASTER_KEY", 1, "is not a text"],
  ["GATEWAY_ADMIN_TOKEN_PREVIOUS", "x".repeat(31), "has fewer than 32 characters"],
  [
    "GATEWAY_ADMIN_TOKEN_PREVIOUS",
    "x".repeat(32),
    "is set, but GATEWAY_ADMIN_TOKEN is not",
    { GATEWAY_ADMIN_TOKEN: undefined, ACCESS_TEAM: "acme", ACCESS_AUD: TAG },
  ],
  ["GATEWAY_TICKET_TOKEN", "x".repeat(31), "has fewer than 32 characters"],
  // It has to be right even where it need not be there.
  [
    "GATEWAY_ADMIN_TOKEN",
    "x".repeat(31),
    "32 characters",
    { ACCESS_TEAM: "acme", ACCESS_AUD: TAG },
  ],
  ["GATEWAY_ADMIN_TOKEN", "", "secret_empty", { ACCESS_TEAM: "acme", ACCESS_AUD: TAG }],
  ["ACCESS_AUD", undefined, "is not set", { ACCESS_TEAM: "acme" }],
  ["ACCESS_TEAM", undefined, "is not set", { ACCESS_AUD: TAG }],
  ["ACCESS_AUD", undefined, "is not set", { ACCESS_TEAM: "acme", GATEWAY_ADMIN_TOKEN: undefined }],
  ["ACCESS_TEAM", undefined, "is not set", { ACCESS_AUD: TAG, GATEWAY_ADMIN_TOKEN: undefined }],
  ["ACCESS_TEAM", "", "is not a team's name", { ACCESS_AUD: TAG }],
  ["ACCESS_TEAM", "https://acme.cloudflareaccess.com", "is not a team's name", { ACCESS_AUD: TAG }],
  ["ACCESS_TEAM", "acme.example.com", "is not a team's name", { ACCESS_AUD: TAG }],
  ["ACCESS_AUD", "", "is not 64 hex digits", { ACCESS_TEAM: "acme" }],
  ["ACCESS_AUD", TAG.slice(1), "is not 64 hex digits", { ACCESS_TEAM: "acme" }],
  ["ACCESS_AUD", `${TAG},`, "is not 64 hex digits", { ACCESS_TEAM: "acme" }],
  ["ACCESS_SCOPES", "*=read", "is set, but ACCESS_TEAM and ACCESS_AUD are not"],
  ["ACCESS_SCOPES", "", "is not `<e-mail", { ACCESS_TEAM: "acme", ACCESS_AUD: TAG }],
  ["ACCESS_SCOPES", "*=root", "is not `<e-mail", { ACCESS_TEAM: "acme", ACCESS_AUD: TAG }],
  ["ACCESS_SCOPES", ["*=read"], "is not a text", { ACCESS_TEAM: "acme", ACCESS_AUD: TAG }],
  ["GATEWAY_MASTER_KEY", undefined, "is not set"],
  ["GATEWAY_MASTER_KEY", "0f".repeat(31), "is not 32 bytes"],
  ["GATEWAY_MASTER_KEY", randomBytes(33).toString("base64"), "is not 32 bytes"],
  ["SHARDS", "0", "is not from 1 to 1024"],
  ["SHARDS", "many", "is not a whole number"],
  ["SHARDS", "-1", "is not from 1 to 1024"],
  ["SHARDS", "4294967297", "is not from 1 to 1024"],
  ["MAX_BODY_BYTES", "1048577", "is not from 1 to 1048576"],
  ["SHARDS", 4.9, "is not a whole number"],
  ["SHARDS", ["4"], "is not a whole number"],
  ["SHARDS", true, "is not a whole number"],
  ["ENDPOINT_HOSTS", ["shop.example"], "is not a text"],
  ["ENDPOINT_HOSTS", ",", "is not one text with hosts between commas"],
  ["ENDPOINT_HOSTS", "https://shop.example", "is not one text with hosts between commas"],
  ["GATEWAY_TICKET_TOKEN", "", "secret_empty"],
  ["GATEWAY_TICKET_TOKEN", TOKEN, "is the same as GATEWAY_ADMIN_TOKEN"],
  [
    "GATEWAY_TICKET_TOKEN",
    "y".repeat(32),
    "is the same as GATEWAY_ADMIN_TOKEN_PREVIOUS",
    { GATEWAY_ADMIN_TOKEN_PREVIOUS: "y".repeat(32) },
  ],
  ["TICKET_ORIGINS", "*", "is not one text with origins"],
  ["TICKET_ORIGINS", "https://shop.example/", "is not one text with origins"],
  ["TICKET_ORIGINS", ["https://shop.example"], "is not a text"],
  ["ALLOW_INSECURE_ENDPOINTS", "maybe", "is neither true nor false"],
  ["ALLOW_INSECURE_ENDPOINTS", 1, "is neither true nor false"],
  ["LOG_LEVEL", "loud", "is not debug, info or warn"],
  ["LOG_LEVEL", ["debug"], "is not a text"],
  ["RETENTION_HOURS", "47", "is not from 48 to 87600"],
  ["JURISDICTION", "europe", "is not one of eu, us, fedramp, fedramp-high"],
  ["JURISDICTION", "EU", "is not one of eu, us, fedramp, fedramp-high"],
  ["JURISDICTION", ["eu"], "is not a text"],
  ["LOCATION_HINT", "eu", "is not one of wnam, enam, sam, weur, eeur,"],
  ["RETENTION_HOURS", "87601", "is not from 48 to 87600"],
];
for (const [variable, value, message, others] of FAULTS) {
  const beside = others ? `, beside ${Object.keys(others).join(" and ")}` : "";
  const shown = String(JSON.stringify(value)).slice(0, 80);
  test(`${variable} = ${shown}${beside}`, async (t) => {
    const gateway = await Gateway.start({ bindings: { ...others, [variable]: value } });
    t.after(() => gateway.stop());
    const answers = await Promise.all([
      fetch(`${gateway.url}/healthz`),
      gateway.post(event("task_1", "queued")),
      gateway.post(event("task_1", "queued"), { signature: null }),
      fetch(`${gateway.url}/api/tasks`),
      fetch(`${gateway.url}/nowhere`),
    ]);
    for (const answer of answers) {
      const text = await answer.text();
      assert.deepEqual([answer.status, JSON.parse(text).error], [503, "unavailable"]);
      assert.ok(Number(answer.headers.get("retry-after")) > 0);
      assert.ok(!text.includes(variable));
    }
    const log = await gateway.logged(message);
    assert.ok(log.includes(`configuration: ${variable}`), log);
    assert.equal(log.split("configuration: ").length, 2, "once, whoever sends requests");
    assert.ok(!log.includes("x".repeat(31)), "never its value");
  });
}

test("a token of 32 characters is long enough", async (t) => {
  const token = "x".repeat(32);
  const bindings = { GATEWAY_ADMIN_TOKEN: token, GATEWAY_TICKET_TOKEN: "y".repeat(32) };
  const gateway = await Gateway.start({ bindings });
  t.after(() => gateway.stop());
  const headers = { authorization: `Bearer ${token}` };
  assert.equal((await fetch(`${gateway.url}/api/tasks`, { headers })).status, 200);
});

test("without a KV namespace, results are read from their shards", async (t) => {
  const gateway = await Gateway.start({ kvNamespaces: [] });
  t.after(() => gateway.stop());
  assert.equal((await fetch(`${gateway.url}/healthz`)).status, 200);
  assert.equal((await gateway.post(event("task_1", "completed"))).status, 200);
  const { status, body } = await gateway.api("/api/tasks/task_1/result");
  assert.deepEqual([status, body.status], [200, "completed"]);
  assert.equal((await gateway.api("/api/tasks/task_2/result")).status, 404);
});

test("a binding for results that is no KV namespace", async (t) => {
  const gateway = await Gateway.start({ kvNamespaces: [], bindings: { RESULTS: "a text" } });
  t.after(() => gateway.stop());
  assert.equal((await fetch(`${gateway.url}/healthz`)).status, 503);
  await gateway.logged("configuration: RESULTS is not a KV namespace");
});

for (const previous of [undefined, ""])
  test(`what may be left out has a default; the previous secret and token are ${JSON.stringify(previous)}`, async (t) => {
    const bindings = {
      VTRYON_WEBHOOK_SECRET_PREVIOUS: previous,
      GATEWAY_ADMIN_TOKEN_PREVIOUS: previous,
      SHARDS: undefined,
      // And the key may be written in base64.
      GATEWAY_MASTER_KEY: randomBytes(32).toString("base64"),
      // Access lets in, without a token.
      GATEWAY_ADMIN_TOKEN: undefined,
      ACCESS_TEAM: "acme.cloudflareaccess.com",
      ACCESS_AUD: `${TAG},${TAG}`,
    };
    const gateway = await Gateway.start({ bindings });
    t.after(() => gateway.stop());
    assert.equal((await gateway.post(event("task_1", "queued"))).status, 200);
  });
