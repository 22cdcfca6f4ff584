// The secret of an endpoint is shown once, and then nowhere: not in the page, not in what the browser keeps, and
// not in anything that the gateway answers.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { shoot } from "./support/looks.js";
import { opened } from "./support/opened.js";

const { dashboard, backend } = await opened({ backend: "ok" });
afterEach(() => dashboard.deleteEndpoints());

const AT = "/settings/webhooks";
const secretOf = (page) => page.getByLabel("Webhook Secret Key");

/** Registers the backend by hand; returns the secret that is shown. */
async function register(page) {
  await page.getByLabel("Webhook URL").fill(backend.url);
  await page.getByRole("button", { name: "Register Webhook Endpoint" }).click();
  await page.getByText("it is shown this once").waitFor();
  return secretOf(page).inputValue();
}

/** Runs in the page: all that it shows, and all that the browser keeps for it. */
async function everything() {
  const databases = await indexedDB.databases();
  return JSON.stringify([
    document.documentElement.outerHTML,
    [...document.querySelectorAll("input, textarea, select")].map(({ value }) => value),
    { ...localStorage },
    { ...sessionStorage },
    history.state,
    location.href,
    document.cookie,
    databases,
    await caches.keys(),
  ]);
}

/**
 * The texts that the API answers from now on, in the order in which they come. They are read on their way to the
 * page: the browser itself forgets them when the page is left.
 */
async function textsOfApi(page) {
  const texts = [];
  await page.route("**/api/**", async (route) => {
    const response = await route.fetch();
    texts.push(await response.text());
    await route.fulfill({ response });
  });
  return texts;
}

test("registered: the secret is there until the page is loaded again, and in no later answer", async () => {
  await dashboard.visit(
    async (page) => {
      const secret = await register(page);
      assert.match(secret, /^whsec_\S{32,}$/);
      assert.ok((await page.evaluate(everything)).includes(secret), "it would be found");
      await page.getByRole("button", { name: "Copy the secret" }).click();
      await page.getByText("Copied", { exact: true }).waitFor();
      assert.equal(await page.evaluate(() => navigator.clipboard.readText()), secret);
      await shoot(page, "secret");

      const texts = await textsOfApi(page);
      await page.reload();
      const card = page.getByRole("article", { name: backend.url });
      await card.waitFor();
      assert.equal(await secretOf(page).count(), 0);
      assert.ok(!(await page.evaluate(everything)).includes(secret));
      await card.getByRole("button", { name: "Send test event" }).click();
      await card.getByText("The test event was delivered.").waitFor();
      await card.getByRole("button", { name: "Disable" }).click();
      await card.getByText("It was disabled by hand.").waitFor();
      for (const name of ["Overview", "Tasks", "Deliveries", "Webhooks"]) {
        await page.getByRole("link", { name, exact: true }).click();
        await page.getByRole("heading", { name, level: 1 }).waitFor();
        assert.ok(!(await page.evaluate(everything)).includes(secret), name);
      }
      await card.waitFor();
      await page.unrouteAll({ behavior: "wait" });
      assert.ok(texts.some((text) => text.includes(`"url":"${backend.url}"`)));
      assert.deepEqual(
        texts.filter((text) => text.includes(secret)),
        [],
      );
    },
    { at: AT, permissions: ["clipboard-read", "clipboard-write"] },
  );
});

test("left or saved: the secret is gone", async () => {
  await dashboard.visit(
    async (page) => {
      const secret = await register(page);
      await page.getByRole("link", { name: "Tasks", exact: true }).click();
      await page.getByRole("heading", { name: "Tasks", level: 1 }).waitFor();
      await page.goBack();
      const card = page.getByRole("article", { name: backend.url });
      await card.waitFor();
      assert.ok(!(await page.evaluate(everything)).includes(secret));

      await card.getByRole("button", { name: "Rotate secret" }).click();
      const dialog = page.getByRole("dialog", { name: "Rotate secret" });
      await dialog.getByRole("button", { name: "Rotate secret" }).click();
      const next = await secretOf(page).inputValue();
      assert.notEqual(next, secret);
      await card.getByRole("button", { name: "I have saved it" }).click();
      await secretOf(page).waitFor({ state: "detached" });
      assert.ok(!(await page.evaluate(everything)).includes(next));
    },
    { at: AT },
  );
});
