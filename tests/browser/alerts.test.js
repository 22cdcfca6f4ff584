// An alert destination by hand: registered, tested, chosen, deleted; and the alerts that are listed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../edge/support/gateway.js";
import { assertAccessible } from "./support/looks.js";
import { opened } from "./support/opened.js";

const { dashboard, receiver } = await opened({ receiver: "ok" });

test("a destination is registered, tested, changed and deleted, and told what happens", async () => {
  await dashboard.visit(
    async (page) => {
      await page.getByText("Nothing is wrong").waitFor();
      await page.getByLabel("Webhook URL").fill(receiver.url);
      await page.getByText("Format, choice and description").click();
      await page.getByLabel("Slack").check();
      await page.getByRole("button", { name: "Register Alert Destination" }).click();
      // Of a URL of Slack's, the rest is a credential.
      const card = page.getByRole("article", { name: new URL(receiver.url).origin, exact: true });
      assert.match(await card.getByLabel("Webhook Secret Key").inputValue(), /^whsec_/);
      await card.getByRole("button", { name: "I have saved it" }).click();

      await card.getByRole("button", { name: "Send test alert" }).click();
      await card.getByText("The test alert was delivered.").waitFor();
      assert.match(JSON.parse(receiver.bodies[0]).text, /This is a test/);

      await card.getByRole("button", { name: "Edit" }).click();
      const edit = page.getByRole("dialog", { name: "Edit destination" });
      await edit.getByLabel("An endpoint was registered").check();
      await assertAccessible(page);
      await edit.getByRole("button", { name: "Save" }).click();
      await card.getByText("gateway.endpoint_created").waitFor();

      await dashboard.gateway.register(receiver.url);
      await until(() => receiver.received.length === 2);
      assert.match(JSON.parse(receiver.bodies[1]).text, /An endpoint was registered/);
      assert.equal(receiver.received[1].path, receiver.received[0].path, "its URL has not changed");
      await page.reload();
      await page.getByRole("row", { name: "An endpoint was registered" }).waitFor();

      await card.getByRole("button", { name: "Delete" }).click();
      const remove = page.getByRole("dialog", { name: "Delete destination" });
      await remove.getByRole("button", { name: "Delete" }).click();
      await page.getByRole("heading", { name: "No destination yet." }).waitFor();
    },
    { at: "/settings/alerts" },
  );
});
