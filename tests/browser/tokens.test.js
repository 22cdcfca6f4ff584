// Tokens by hand: created, shown once, used, revoked; what a lesser one sees; and who has done it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createToken, statusBy } from "../edge/support/api/tokens.js";
import { event, until } from "../edge/support/gateway.js";
import { assertAccessible, assertFits, shoot } from "./support/looks.js";
import { opened } from "./support/opened.js";

const { dashboard } = await opened();

const AT = "/settings/tokens";
const shown = (page, name) => page.getByRole("region", { name: `New token: ${name}` });

test("created, shown once, and revoked", async () => {
  await dashboard.visit(
    async (page) => {
      await page.getByLabel("Name", { exact: true }).fill("Prometheus");
      await page.getByLabel("Ends after").selectOption("No end");
      await page.getByRole("button", { name: "Create token" }).click();
      const token = await shown(page, "Prometheus")
        .getByLabel("Token", { exact: true })
        .inputValue();
      assert.match(token, /^vtg_[0-9a-f]{96}$/);
      assert.equal(await statusBy(dashboard.gateway, { token }), 200);
      await assertFits(page);
      await assertAccessible(page);
      await shoot(page, "token");
      await page.getByRole("button", { name: "Copy the token Prometheus" }).click();
      await page.getByText("Copied", { exact: true }).waitFor();
      assert.equal(await page.evaluate(() => navigator.clipboard.readText()), token);

      await page.reload();
      const row = page.getByRole("row", { name: /Prometheus/ });
      await row.getByText("read", { exact: true }).waitFor();
      assert.ok(!(await page.content()).includes(token), "it is nowhere any more");

      await page.getByRole("button", { name: "Revoke Prometheus" }).click();
      const dialog = page.getByRole("dialog", { name: "Revoke token" });
      await assertAccessible(page);
      await dialog.getByRole("button", { name: "Cancel" }).click();
      await dialog.waitFor({ state: "detached" });
      await row.waitFor();
      await page.getByRole("button", { name: "Revoke Prometheus" }).click();
      await dialog.getByRole("button", { name: "Revoke", exact: true }).click();
      await page.getByRole("heading", { name: "No token yet." }).waitFor();
      // The focus is where the token was.
      await until(() =>
        page.evaluate(() => document.activeElement.textContent === "Tokens in use"),
      );

      await page.getByRole("link", { name: "Audit trail" }).click();
      const record = page.getByRole("row", { name: /DELETE \/api\/tokens/ });
      await record.getByText("Admin token").waitFor();
    },
    { at: AT, permissions: ["clipboard-read", "clipboard-write"] },
  );
});

test("a second new token leaves the first one to be copied, until it is revoked", async () => {
  await dashboard.visit(
    async (page) => {
      const tokens = new Set();
      for (const name of ["one", "other"]) {
        await page.getByLabel("Name", { exact: true }).fill(name);
        await page.getByRole("button", { name: "Create token" }).click();
        await shown(page, name).waitFor();
      }
      for (const name of ["one", "other"]) {
        tokens.add(await shown(page, name).getByLabel("Token", { exact: true }).inputValue());
      }
      assert.equal(tokens.size, 2);
      await page.getByRole("button", { name: "Revoke one" }).click();
      const dialog = page.getByRole("dialog", { name: "Revoke token" });
      await dialog.getByRole("button", { name: "Revoke", exact: true }).click();
      await shown(page, "one").waitFor({ state: "detached" });
      await shown(page, "other").getByRole("button", { name: "I have saved it" }).click();
      await shown(page, "other").waitFor({ state: "detached" });
    },
    { at: AT },
  );
});

test("a refused name is told, and the form stays", async () => {
  await dashboard.visit(
    async (page) => {
      await page.getByLabel("Name", { exact: true }).fill("a\u0085b");
      await page.getByRole("button", { name: "Create token" }).click();
      await page.getByRole("alert").getByText("without control characters").waitFor();
      assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "a\u0085b");
    },
    { at: AT, expected: /status of 40[01]/ },
  );
});

test("who may only read sees tasks, that nothing is live, and what is refused", async () => {
  await dashboard.gateway.post(event("task_read", "queued"));
  const { token } = await createToken(dashboard.gateway, "read");
  await dashboard.visit(
    async (page) => {
      await page.getByRole("link", { name: "task_read" }).first().waitFor();
      await page.getByText("Not live", { exact: true }).waitFor();
      await assertAccessible(page);
      await page.getByRole("link", { name: "task_read" }).first().click();
      await page.getByRole("main").getByText("Not live", { exact: true }).waitFor();
      await page.getByRole("link", { name: "Audit trail" }).click();
      await page.getByRole("alert").getByText("This needs the scope `admin`").waitFor();
      await assertFits(page);
      await shoot(page, "scope-read");
    },
    { at: "/tasks", token, expected: /status of 40[13]/ },
  );
});

test("the audit trail is read page by page, and loaded again with all its pages", async () => {
  for (let nth = 0; nth < 30; nth++) {
    const { id } = await createToken(dashboard.gateway, "read");
    await dashboard.gateway.api(`/api/tokens/${id}`, { method: "DELETE" });
  }
  await dashboard.visit(
    async (page) => {
      await page.getByText("50 records", { exact: true }).waitFor();
      await page.getByRole("button", { name: "Load more" }).click();
      const all = page.getByText(/\d+ records, which is all/);
      await all.waitFor();
      const count = await all.textContent();
      const following = page.waitForResponse(/\/api\/audit\?.*cursor=/);
      await page.getByRole("button", { name: "Reload" }).click();
      await (await following).finished();
      assert.equal(await all.textContent(), count);
    },
    { at: "/settings/audit" },
  );
});

test("a token that is created before the list was loaded does not stand for the whole list", async () => {
  await createToken(dashboard.gateway, "read", { name: "listed before" });
  await dashboard.visit(
    async (page) => {
      const unavailable = { error: "unavailable", message: "this can't be answered now" };
      let isAnswered = false;
      await page.route("**/api/tokens", (route) => {
        if (isAnswered || route.request().method() !== "GET") return route.continue();
        return route.fulfill({ status: 503, json: unavailable });
      });
      await page.reload();
      await page.getByText("The tokens were not loaded.").waitFor();
      isAnswered = true;
      await page.getByLabel("Name", { exact: true }).fill("created after");
      await page.getByRole("button", { name: "Create token" }).click();
      for (const name of ["created after", "listed before"]) {
        await page.getByRole("row", { name }).waitFor();
      }
    },
    { at: AT, expected: /status of (401|503)/ },
  );
});
