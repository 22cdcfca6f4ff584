// The last request of a delivery as a command: opened by key, copied, and run as it stands.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { delivery } from "../edge/support/deliveries.js";
import { event } from "../edge/support/gateway.js";
import { PHONE } from "./support/browser.js";
import { assertAccessible, assertFits, shoot } from "./support/looks.js";
import { opened } from "./support/opened.js";

const { dashboard, backend } = await opened({ backend: "ok" });

const CREDENTIALS = {
  headers: { "x-api-key": "key-of-a-test" },
  auth: { type: "bearer", token: "token-of-a-test" },
};
const BODY = event("task_'quoted'", "completed", {
  data: { result_url: "https://cdn.example/$1.jpg" },
});

test("the command sends what the receiver got, without its secrets", async () => {
  const { id, secret } = await dashboard.gateway.register(backend.url, CREDENTIALS);
  await dashboard.gateway.post(BODY);
  const made = await delivery(dashboard.gateway, { endpoint: id });
  const [received] = backend.received;
  const show = async (page) => {
    await page.getByText("The last request as curl").focus();
    await page.keyboard.press("Enter");
    const shown = page.getByLabel("Request as curl");
    await shown.waitFor();
    await assertFits(page);
    await assertAccessible(page);
    return shown.textContent();
  };
  const at = `/deliveries/${made.id}`;
  let command;
  const read = async (page) => {
    command = await show(page);
  };
  await dashboard.visit(read, { at });
  await dashboard.visit(
    async (page) => {
      await show(page);
      await shoot(page, "phone-dark-request");
    },
    { at, viewport: PHONE, colorScheme: "dark" },
  );
  for (const text of [
    secret,
    "key-of-a-test",
    "token-of-a-test",
    received.headers["webhook-signature"],
  ])
    assert.ok(!command.includes(text));
  await promisify(execFile)("sh", ["-c", command]);
  const again = backend.received.at(-1);
  assert.equal(backend.received.length, 2);
  assert.deepEqual(again.body, received.body);
  assert.deepEqual(again.body, Buffer.from(BODY));
  for (const name of ["webhook-id", "webhook-timestamp", "x-vtryon-delivery", "x-vtryon-attempt"])
    assert.equal(again.headers[name], received.headers[name], name);
  for (const name of ["x-vtryon-signature", "x-api-key"])
    assert.equal(again.headers[name], "REPLACE", name);
});

test("where its endpoint was deleted, the page says so", async () => {
  const { id } = await dashboard.gateway.register(backend.url, { events: ["gone"] });
  await dashboard.gateway.post(JSON.stringify({ event: "gone", task_id: "task_gone" }));
  const made = await delivery(dashboard.gateway, { endpoint: id });
  await dashboard.gateway.api(`/api/endpoints/${id}`, { method: "DELETE" });
  const work = async (page) => {
    await page.getByText("The last request as curl").click();
    await page.getByText("The request can't be shown any more.").waitFor();
    await assertAccessible(page);
  };
  await dashboard.visit(work, { at: `/deliveries/${made.id}` });
});
