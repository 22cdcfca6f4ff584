// All that can be done about an endpoint, by hand.

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { acknowledged, delivery } from "../edge/support/deliveries.js";
import { event, sign, until } from "../edge/support/gateway.js";
import { assertAccessible, shoot } from "./support/looks.js";
import { opened } from "./support/opened.js";

const { dashboard, backend } = await opened({ backend: "ok" });
let endpoint;
beforeEach(async () => {
  backend.answer = "ok";
  backend.received.length = 0;
  endpoint = await dashboard.gateway.register(backend.url);
});
afterEach(() => dashboard.deleteEndpoints());

/** Opens the settings and does something about the endpoint; every dialog is looked at. */
function about(work, options = {}) {
  const visit = async (page) => {
    const card = page.getByRole("article", { name: backend.url });
    const press = (name) => card.getByRole("button", { name, exact: true }).click();
    /** Opens a dialog by its button, and returns it. */
    const ask = async (button, name) => {
      await press(button);
      const dialog = page.getByRole("dialog", { name });
      await dialog.waitFor();
      await assertAccessible(page);
      await shoot(page, `dialog-${name.toLowerCase().replaceAll(" ", "-")}`, { fullPage: false });
      return dialog;
    };
    await card.waitFor();
    await work({ page, card, press, ask });
  };
  return dashboard.visit(visit, { at: "/settings/webhooks", ...options });
}

const said = (card, text) => card.getByText(text, { exact: true }).waitFor();
const gone = (card, text) => card.getByText(text, { exact: true }).waitFor({ state: "detached" });
const known = async () => (await dashboard.gateway.api(`/api/endpoints/${endpoint.id}`)).body;

test("an invalid URL is refused with a message, and the input stays", async () => {
  await dashboard.visit(
    async (page) => {
      await page.getByLabel("Webhook URL").fill("ftp://shop.example/");
      await page.getByRole("button", { name: "Register Webhook Endpoint" }).click();
      const alert = page.getByRole("alert");
      await alert.getByText("The endpoint was not registered.").waitFor();
      assert.match(await alert.textContent(), /https/);
      assert.equal(await page.getByLabel("Webhook URL").inputValue(), "ftp://shop.example/");
      await shoot(page, "endpoint-refused");
    },
    { at: "/settings/webhooks", expected: /status of 40[01]/ },
  );
});

test("a test event shows the answer of a failing backend", async () => {
  await about(async ({ page, card, press }) => {
    backend.answer = ({ response }) => response.end("thank you");
    await press("Send test event");
    await said(card, "The test event was delivered.");
    await said(card, "200");
    // The answer of a success is not stored.
    assert.equal(await card.getByText("thank you").count(), 0);
    assert.equal(JSON.parse(backend.bodies[0]).event, "gateway.test");
    backend.answer = "fail";
    await press("Send test event");
    await said(card, "The test event was not delivered.");
    await said(card, "500");
    await said(card, "broken");
    await said(card, "It is tried again on the usual schedule.");
    await shoot(page, "test-event");
    assert.equal(await card.getByText("with the secret of this endpoint?").count(), 0);
    backend.answer = "unauthorized";
    await press("Send test event");
    await said(card, "Does the backend verify with the secret of this endpoint?");
    backend.answer = ({ response }) => {
      response.writeHead(500, { "webhook-delivery": "abort-message" }).end("not to me");
    };
    await press("Send test event");
    await said(card, "It is not tried again: its receiver asked for no further attempt.");
  });
});

test("edited: the gateway uses the saved settings", async () => {
  await about(async ({ card, ask }) => {
    const dialog = await ask("Edit", "Edit endpoint");
    await dialog.getByLabel("Description").fill("Shop, production");
    await dialog.getByLabel(/^All/).check();
    await dialog.getByLabel("completed").check();
    await dialog.getByLabel("Other statuses, with commas between").fill("rendering, drawing");
    await dialog.getByLabel("Statuses and events that the guide does not name").check();
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.waitFor({ state: "detached" });
    await said(card, "Shop, production");
    const { description, order, statuses, include } = await known();
    assert.deepEqual(
      { description, order, statuses, include },
      {
        description: "Shop, production",
        order: "all",
        statuses: ["completed", "rendering", "drawing"],
        include: ["unknown"],
      },
    );
  });
});

test("edited: each number is saved by its name, and the card shows it", async () => {
  await about(async ({ card, ask }) => {
    const dialog = await ask("Edit", "Edit endpoint");
    const given = {};
    for (const input of await dialog.locator("input[type=number]").all()) {
      const [name, max] = [await input.getAttribute("name"), await input.getAttribute("max")];
      // No two are the same, and none is a default.
      given[name] = Number(max) - Object.keys(given).length;
      await input.fill(String(given[name]));
    }
    assert.ok("timeout_seconds" in given);
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.waitFor({ state: "detached" });
    const saved = await known();
    assert.deepEqual(
      Object.fromEntries(Object.keys(given).map((name) => [name, saved[name]])),
      given,
    );
    for (const value of Object.values(given)) {
      const text = value.toLocaleString("en-GB");
      await card.getByRole("definition").filter({ hasText: text }).first().waitFor();
    }
  });
});

test("edited by two at once: each changes what it has changed, and nothing else", async () => {
  await about(async ({ card, ask }) => {
    const dialog = await ask("Edit", "Edit endpoint");
    const json = {
      description: "By another",
      statuses: ["failed", "rendering"],
      headers: { "x-a": "b" },
    };
    await dashboard.gateway.api(`/api/endpoints/${endpoint.id}`, { method: "PATCH", json });
    await dialog.getByLabel("Timeout in seconds").fill("7");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.waitFor({ state: "detached" });
    await said(card, "7 s");
    await said(card, "By another");
    const { description, statuses, headers, timeout_seconds } = await known();
    assert.deepEqual(
      { description, statuses, headers, timeout_seconds },
      {
        description: "By another",
        statuses: ["failed", "rendering"],
        headers: ["x-a"],
        timeout_seconds: 7,
      },
    );
    // Nothing changed is nothing undone.
    const again = await ask("Edit", "Edit endpoint");
    await again.getByRole("button", { name: "Save" }).click();
    await again.waitFor({ state: "detached" });
    assert.equal((await known()).timeout_seconds, 7);
  });
});

test("a limit that the shards can't divide is refused with a message, and an empty one is none", async () => {
  const work = async ({ card, ask }) => {
    const dialog = await ask("Edit", "Edit endpoint");
    const limit = dialog.getByLabel("Attempts at the same time");
    await limit.fill("1");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.getByText(/each of the \d+ shards makes at least one attempt at a time/).waitFor();
    assert.equal(await limit.inputValue(), "1");
    await limit.fill("");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.waitFor({ state: "detached" });
    await said(card, "none");
    assert.equal((await known()).max_in_flight, null);
  };
  await about(work, { expected: /status of 40[19]/ });
});

test("an endpoint's page shows its health and its settings, and can be left by deleting it", async () => {
  await acknowledged(dashboard.gateway, event("task_of_page", "queued"));
  await delivery(dashboard.gateway, { endpoint: endpoint.id, task_id: "task_of_page" });
  await about(async ({ page, card }) => {
    await card.getByRole("link", { name: "Charts and load" }).click();
    await page.getByRole("heading", { name: `Endpoint ${endpoint.id}`, exact: true }).waitFor();
    const chart = page.getByRole("img", { name: /by state. 1 delivery in this time/ });
    await chart.waitFor();
    await page.getByText("Attempts in flight").waitFor();
    const own = page.getByRole("article", { name: backend.url });
    assert.equal(await own.getByRole("link", { name: "Charts and load" }).count(), 0);
    await own.getByRole("button", { name: "Pause" }).click();
    await own.getByRole("button", { name: "Resume" }).waitFor();
    assert.equal((await known()).paused, true);
    await page.getByLabel("Time shown").selectOption("Last 24 hours");
    await page.getByRole("heading", { name: /^Deliveries per 24 minutes/ }).waitFor();
    await assertAccessible(page);
    await own.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page.getByRole("heading", { name: "No endpoint yet." }).waitFor();
  });
});

test("an endpoint's page shows what was changed elsewhere", async () => {
  await dashboard.visit(
    async (page) => {
      await page.clock.install();
      await page.reload();
      const card = page.getByRole("article", { name: backend.url });
      await said(card, "Enabled");
      const json = { enabled: false };
      await dashboard.gateway.api(`/api/endpoints/${endpoint.id}`, { method: "PATCH", json });
      await page.clock.runFor(20_000);
      await said(card, "Disabled");
    },
    { at: `/settings/webhooks/${endpoint.id}` },
  );
});

test("headers and authentication are set, shown by their names, replaced and cleared", async () => {
  await about(async ({ page, card, ask }) => {
    const edit = async (work) => {
      const dialog = await ask("Edit", "Edit endpoint");
      await work(dialog);
      await dialog.getByRole("button", { name: "Save" }).click();
      await dialog.waitFor({ state: "detached" });
    };
    const header = async (dialog, name, value) => {
      await dialog.getByRole("button", { name: "Add header" }).click();
      await dialog.getByLabel("Name of the header").last().fill(name);
      await dialog.getByLabel("Value of the header").last().fill(value);
    };
    const set = async () => {
      const { headers, auth } = await known();
      return [headers, auth];
    };
    await edit(async (dialog) => {
      await header(dialog, "X-Api-Key", "a key");
      await header(dialog, "X-Tenant", "shop");
      await dialog.getByLabel("Authentication").selectOption("Basic");
      await dialog.getByLabel("User name").fill("shop");
      await dialog.getByLabel("Password").fill("open sesame");
      await assertAccessible(page);
      await shoot(page, "endpoint-credentials", { fullPage: false });
    });
    await said(card, "X-Api-Key, X-Tenant");
    await said(card, "Basic");
    assert.deepEqual(await set(), [["X-Api-Key", "X-Tenant"], "basic"]);
    await edit((dialog) => dialog.getByLabel("Description").fill("They stay"));
    assert.deepEqual(await set(), [["X-Api-Key", "X-Tenant"], "basic"]);
    await edit(async (dialog) => {
      await header(dialog, "X-Api-Key", "another key");
      await dialog.getByLabel("Authentication").selectOption("Bearer");
      await dialog.getByLabel("Token").fill("token");
    });
    assert.deepEqual(await set(), [["X-Api-Key"], "bearer"]);
    await edit(async (dialog) => {
      await dialog.getByRole("button", { name: "Remove all headers" }).click();
      await dialog.getByLabel("Authentication").selectOption("None");
    });
    assert.deepEqual(await set(), [[], null]);
    await gone(card, "X-Api-Key");
  });
});

test("rotated and retired: both secrets sign until the former is retired", async () => {
  await about(async ({ page, card, press, ask }) => {
    const signatures = async (task) => {
      assert.equal((await dashboard.gateway.post(event(task, "queued"))).status, 200);
      await until(() => backend.bodies.some((body) => body.includes(task)));
      return backend.received.at(-1);
    };
    const rotate = await ask("Rotate secret", "Rotate secret");
    await rotate.getByRole("button", { name: "Rotate secret" }).click();
    await said(card, "Previous secret");
    const secret = await card.getByLabel("Webhook Secret Key").inputValue();
    assert.notEqual(secret, endpoint.secret);
    const { headers, body } = await signatures("task_rotated");
    assert.equal(headers["x-vtryon-signature"], sign(body, secret));
    assert.equal(headers["webhook-signature"].split(" ").length, 2);
    await shoot(page, "rotated");

    await press("I have saved it");
    const retire = await ask("Retire previous secret", "Retire previous secret");
    await retire.getByRole("button", { name: "Retire" }).click();
    await gone(card, "Previous secret");
    assert.equal(
      (await signatures("task_retired")).headers["webhook-signature"].split(" ").length,
      1,
    );
  });
});

test("rotated, and the answer is lost: nobody is told that it was not done", async () => {
  const work = async ({ page, card, ask }) => {
    await page.route("**/rotate", async (route) => {
      await route.fetch();
      await route.abort();
    });
    const rotate = await ask("Rotate secret", "Rotate secret");
    await rotate.getByRole("button", { name: "Rotate secret" }).click();
    await said(rotate.getByRole("alert"), "Whether it was done is not known.");
    await page.reload();
    await said(card, "Previous secret");
  };
  await about(work, { expected: /status of 401|ERR_FAILED|closed before the conn/ });
});

test("a dialog stays while what it asked for is being done", async () => {
  await about(async ({ page, card, ask }) => {
    const { promise: released, resolve: release } = Promise.withResolvers();
    await page.route(`**/api/endpoints/${endpoint.id}`, async (route) => {
      await released;
      await route.continue();
    });
    const dialog = await ask("Delete", "Delete endpoint");
    await dialog.getByRole("button", { name: "Delete" }).click();
    await dialog.locator("[aria-disabled=true]", { hasText: "Cancel" }).waitFor();
    // Chromium closes a dialog by the second Escape, whatever the page says.
    for (const _ of [1, 2, 3]) await page.keyboard.press("Escape");
    await page.mouse.click(5, 5);
    assert.ok(await dialog.isVisible());
    release();
    await card.waitFor({ state: "detached" });
  });
});

test("disabled and enabled: meanwhile nothing is delivered, and that is said", async () => {
  await about(async ({ page, card, press }) => {
    await press("Disable");
    await said(card, "Nothing is delivered to it.");
    await said(card, "Disabled");
    assert.equal((await known()).enabled, false);
    assert.ok(await card.getByRole("button", { name: "Send test event" }).isDisabled());
    await shoot(page, "disabled");
    await press("Enable");
    await gone(card, "Nothing is delivered to it.");
    await said(card, "Enabled");
    assert.equal((await known()).enabled, true);
  });
});

test("a double click disables, and does not enable again", async () => {
  await about(async ({ page, card, press }) => {
    const sent = [];
    page.on("request", (request) => request.method() === "PATCH" && sent.push(request.url()));
    await press("Disable");
    await said(card, "Disabled");
    // The second click of a double click comes once the button has the other meaning.
    const enable = card.getByRole("button", { name: "Enable", exact: true });
    await enable.dispatchEvent("click", { detail: 2 });
    await page.evaluate(() => fetch("/icon.svg"));
    assert.equal(sent.length, 1);
    assert.equal((await known()).enabled, false);
  });
});

test("paused and resumed: meanwhile deliveries wait, and that is said", async () => {
  await about(async ({ page, card, press }) => {
    await press("Pause");
    await said(card, "It is paused.");
    await said(card, "Paused");
    assert.equal((await known()).paused, true);
    assert.ok(await card.getByRole("button", { name: "Send test event" }).isDisabled());
    assert.equal((await dashboard.gateway.post(event("task_paused", "queued"))).status, 200);
    await shoot(page, "paused");
    await press("Resume");
    await gone(card, "It is paused.");
    await said(card, "Enabled");
    await until(() => backend.bodies.some((body) => body.includes("task_paused")));
  });
});

test("deleted: not by a slip, and for good", async () => {
  await about(async ({ page, card, ask }) => {
    const first = await ask("Delete", "Delete endpoint");
    await first.getByRole("button", { name: "Cancel" }).click();
    await first.waitFor({ state: "detached" });
    assert.equal((await known()).id, endpoint.id);
    const dialog = await ask("Delete", "Delete endpoint");
    await dialog.getByRole("button", { name: "Delete" }).click();
    await card.waitFor({ state: "detached" });
    await page.getByRole("heading", { name: "No endpoint yet." }).waitFor();
    assert.equal((await known()).error, "not_found");
  });
});

test("what was asked for before a change does not undo it", async () => {
  await about(async ({ page, card, press }) => {
    await page.clock.install();
    await page.reload();
    await said(card, "Enabled");
    const { promise: released, resolve: release } = Promise.withResolvers();
    let asked = 0;
    await page.route("**/api/endpoints", async (route) => {
      asked += 1;
      const response = await route.fetch();
      if (asked === 1) await released;
      // Nobody may be waiting for it any more.
      await route.fulfill({ response }).catch(() => {});
    });
    const polled = page.waitForRequest("**/api/endpoints");
    // From then on time passes as the test says, so that nothing is asked for by another poll.
    await page.clock.pauseAt(Date.now() + 60_000);
    await page.clock.runFor(20_000);
    await polled;
    const again = page.waitForResponse("**/api/endpoints");
    await press("Disable");
    await said(card, "Disabled");
    await page.clock.runFor(1000);
    await again;
    release();
    await said(card, "Disabled");
    assert.equal(asked, 2);
  });
});
