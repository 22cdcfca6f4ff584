// The storefront example in a browser, at the real gateway: a shopper orders a look and sees live what becomes of it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { event } from "../edge/support/gateway.js";
import { assertAccessible, PHONE, Storefront, shoot, WIDE } from "./support/storefront.js";

let storefront;
before(async () => {
  storefront = await Storefront.open();
});
after(() => storefront?.close());

const said = (page, text) => page.locator("#status").filter({ hasText: text }).waitFor();
const order = (page) => page.getByRole("button", { name: "See it on you" }).click();
const lookOf = (page) => page.evaluate(() => sessionStorage.getItem("look"));
const shown = (page) => page.locator("#picture").getAttribute("src");

/** Has Vtryon say how a look stands. */
async function postStatus(page, status, more) {
  const { status: answer } = await storefront.gateway.post(event(await lookOf(page), status, more));
  assert.equal(answer, 200);
}

for (const [name, viewport] of [
  ["wide", WIDE],
  ["phone", PHONE],
]) {
  for (const colorScheme of ["light", "dark"]) {
    test(`a look is ordered and made: ${name}, ${colorScheme}`, async () => {
      await storefront.shopping(
        async (page, shop) => {
          await shoot(page, `${name}-${colorScheme}-product`);
          await assertAccessible(page);
          await order(page);
          await said(page, "Your look is on its way.");
          await postStatus(page, "queued");
          await said(page, "Your look is in the queue.");
          await postStatus(page, "processing");
          await said(page, "Your look is being made.");
          await shoot(page, `${name}-${colorScheme}-processing`);
          await postStatus(page, "completed", { data: { result_url: `${shop.url}/look.svg` } });
          await said(page, "Your look is ready.");
          await page
            .getByRole("img", { name: "You, wearing the sage green linen overshirt" })
            .waitFor();
          // It waits for the picture, and fails where there is none in the file.
          await page.locator("#picture").evaluate((picture) => picture.decode());
          await page.evaluate(() =>
            Promise.all(document.getAnimations().map(({ finished }) => finished.catch(() => {}))),
          );
          await shoot(page, `${name}-${colorScheme}-completed`);
          await assertAccessible(page);
          const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
          assert.equal(wide, false, "nothing sticks out");
        },
        { viewport, colorScheme },
      );
    });
  }
}

test("a look that fails says why, and another one can be ordered", async () => {
  await storefront.shopping(
    async (page) => {
      await page.getByText("Portrait").click();
      await order(page);
      await said(page, "There is no look this time: no person was found in the photo.");
      await shoot(page, "failed");
      await assertAccessible(page);
      await page.getByText("Full length").click();
      await order(page);
      await said(page, "Your look is ready.");
    },
    { playsVtryon: true },
  );
});

test("a broken connection is resumed: missed updates are shown, without a request to the shop", async () => {
  await storefront.shopping(async (page, _shop, complaints) => {
    const asked = [];
    page.on("request", (request) => request.method() === "POST" && asked.push(request.url()));
    await order(page);
    await said(page, "Your look is on its way.");
    await postStatus(page, "queued");
    await said(page, "Your look is in the queue.");
    const resumed = page.waitForRequest((request) => request.url().includes("/live"));
    storefront.proxy.cut();
    await postStatus(page, "processing");
    assert.match((await (await resumed).allHeaders())["last-event-id"], /^r1\./);
    await said(page, "Your look is being made.");
    await postStatus(page, "completed");
    await said(page, "Your look is ready, but there is no picture of it.");
    assert.equal(asked.length, 1);
    // The browser itself tells of the cut.
    assert.match(complaints.splice(0).join(), /^Failed to load resource: net::ERR_\w+$/);
  });
});

test("a ticket that is refused is asked for again", async () => {
  await storefront.shopping(async (page, _shop, complaints) => {
    await page.route("**/live?**", (route) => route.fulfill({ status: 401, body: "{}" }), {
      times: 1,
    });
    await order(page);
    await said(page, "Your look is on its way.");
    await postStatus(page, "processing");
    await said(page, "Your look is being made.");
    complaints.splice(0);
  });
});

test("the page resumes after a reload, also after the final status; another shopper sees nothing", async () => {
  await storefront.shopping(async (page, shop) => {
    await order(page);
    await said(page, "Your look is on its way.");
    await postStatus(page, "processing");
    await said(page, "Your look is being made.");
    await page.reload();
    await said(page, "Your look is being made.");
    await postStatus(page, "completed", { data: { result_url: `${shop.url}/look.svg` } });
    await said(page, "Your look is ready.");
    await page.reload();
    await said(page, "Your look is ready.");
    assert.match(await shown(page), /look\.svg$/);
    const foreign = await fetch(`${shop.url}/looks/${await lookOf(page)}/ticket`, {
      method: "POST",
    });
    assert.equal(foreign.status, 404);
  });
});

test("Vtryon's values are shown as text; only the URL of an image is loaded", async () => {
  await storefront.shopping(async (page) => {
    for (const url of ["javascript:alert(1)", "http://elsewhere.example/a.png", "no url"]) {
      await order(page);
      await said(page, "Your look is on its way.");
      await postStatus(page, "completed", { data: { result_url: url } });
      await said(page, "there is no picture of it");
      assert.match(await shown(page), /product\.svg$/);
    }
    await order(page);
    await said(page, "Your look is on its way.");
    await postStatus(page, "failed", { error: { message: "<img src=x onerror=alert(1)>" } });
    await said(page, "<img src=x onerror=alert(1)>");
  });
});

test("an unreachable gateway is reported as such, without its details", async () => {
  await storefront.shopping(
    async (page, _shop, complaints) => {
      const { url } = storefront.gateway;
      storefront.proxy.forwardTo("http://127.0.0.1:1");
      try {
        await order(page);
        await said(page, "This does not work at the moment.");
      } finally {
        storefront.proxy.forwardTo(url);
      }
      await order(page);
      await said(page, "Your look is ready.");
      assert.match(complaints.splice(0).join(), /status of 503/);
    },
    { playsVtryon: true },
  );
});
