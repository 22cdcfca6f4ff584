// Text from outside, on every page that shows it: it is shown as text, does not break the layout, and runs nothing.

import assert from "node:assert/strict";
import { test } from "node:test";
import { deliveries } from "../edge/support/deliveries.js";
import { event, sign, until } from "../edge/support/gateway.js";
import { PHONE } from "./support/browser.js";
import { assertAccessible, assertFits, shoot } from "./support/looks.js";
import { opened } from "./support/opened.js";

const TEXTS = {
  markup: "<img src=x onerror=alert(1)><script>alert(2)</script>",
  "an end of an attribute": `"'><svg/onload=alert(1)> onmouseover="alert(2)`,
  "an entity": "&lt;b&gt;&amp;&#x3c;script&#x3e;",
  "a template": "$" + "{alert(1)}{{constructor.constructor('alert(1)')()}}",
  "the other direction": "task_\u202egnp.exe\u2066\u2067",
  "right to left": "قميص أزرق (2)",
  "256 bytes": "x".repeat(256),
  "blanks and nothing": "a  b\u00a0c\u200b\u200d\u2028d",
  emoji: "👩‍👩‍👧‍👦🏳️‍🌈".repeat(6),
  "a path": "../../api/session?replay=rpl_1#%2e%2e/%zz",
  "a host": "//evil.example/x",
  "a scheme": "javascript:alert(document.domain)",
  "a name of every object": "__proto__",
};

const { dashboard, backend } = await opened({
  backend: ({ body, response }) => {
    // Only the answers of failures are stored.
    const isRefused = String(body).includes('"status":"failed"');
    response.writeHead(isRefused ? 500 : 200, { "content-type": "text/html" });
    response.end(idIn(body));
  },
});

/** As an excerpt is stored: without characters that are not printed. */
const excerptOf = (text) => text.replace(/\p{Cf}|\p{Cc}|\p{Zl}|\p{Zp}/gu, "\ufffd");

/** The id of the task that a body is about; any text for one that can't be read. */
function idIn(body) {
  try {
    return JSON.parse(body).task_id;
  } catch {
    return TEXTS.markup;
  }
}

const post = async (body) =>
  assert.equal((await dashboard.gateway.post(body)).status, 200, String(body));

/** How many bytes of it a status and the name of an event may have. */
const MOST = { status: 64, event: 128 };

/** As much of a text as a name may have of bytes, and no half of a character. */
function within(text, bytes) {
  const characters = [...text];
  while (Buffer.byteLength(characters.join("")) > bytes) characters.pop();
  return characters.join("");
}

/**
 * Runs in the page: the texts that hold a turn of direction and do not keep it to themselves. A block does, but for what
 * else is in its line.
 */
function unbound() {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const { data, parentElement } = walker.currentNode;
    if (!data.includes("\u202e")) continue;
    const { display, unicodeBidi } = getComputedStyle(parentElement);
    const isAlone = parentElement.childNodes.length === 1 || /flex|grid/.test(display);
    const isBlock = display !== "inline" && isAlone;
    if (!isBlock && unicodeBidi !== "isolate") found.push(parentElement.outerHTML);
  }
  return found;
}

async function assertHarmless(page) {
  await assertFits(page);
  assert.deepEqual(await page.evaluate(unbound), []);
  const scripts = await page
    .locator("body script, body svg, main img, [onerror], [onload]")
    .count();
  assert.equal(scripts, 0);
}

test("as id, status, event, error and answer: listed", async () => {
  const json = { description: TEXTS.markup, include: ["unknown", "quarantined"], order: "all" };
  await dashboard.gateway.register(backend.url, json);
  for (const text of Object.values(TEXTS)) {
    await post(event(text, "processing"));
    await post(event(text, within(text, MOST.status)));
    await post(JSON.stringify({ event: within(text, MOST.event), task_id: text }));
    await post(event(text, "failed", { error: { message: text } }));
  }
  // The last event of each task is refused.
  const expected = Object.keys(TEXTS).length * 3;
  await until(async () => {
    return (await deliveries(dashboard.gateway, { state: "delivered" })).length === expected;
  });
  await dashboard.visit(
    async (page) => {
      for (const [at, list] of [
        ["/", page.getByRole("list", { name: "Latest changes" })],
        ["/tasks", page.getByRole("table", { name: "Tasks" })],
        ["/deliveries", page.getByRole("table", { name: "Deliveries" })],
      ]) {
        await dashboard.show(page, at);
        // The overview shows the latest twelve.
        for (const text of Object.values(TEXTS).slice(-12)) {
          await list
            .getByRole("link")
            .and(page.getByText(text, { exact: true }))
            .first()
            .waitFor();
        }
        await assertHarmless(page);
      }
      await assertAccessible(page);
    },
    { viewport: PHONE },
  );
});

test("as id, status, event, error and answer: a task's own page", async () => {
  await dashboard.visit(
    async (page) => {
      const rows = page.getByRole("rowheader").getByRole("link");
      await rows.first().waitFor();
      const links = await rows.evaluateAll((all) =>
        all.map((link) => [link.textContent, link.getAttribute("href")]),
      );
      const places = new Map(links);
      await rows.filter({ hasText: TEXTS["a path"] }).click();
      await page.getByRole("heading", { name: TEXTS["a path"], level: 1 }).waitFor();
      for (const [name, text] of Object.entries(TEXTS)) {
        await dashboard.show(page, places.get(text));
        const heading = page.getByRole("heading", { level: 1 });
        const timeline = page.getByRole("list", { name: "Timeline" });
        await timeline.getByRole("listitem").nth(3).waitFor();
        assert.equal(await heading.textContent(), text);
        const shownText = (await timeline.textContent()).toLowerCase();
        for (const most of Object.values(MOST)) {
          assert.ok(shownText.includes(within(text, most).toLowerCase()), name);
        }
        assert.ok((await page.getByRole("alert").textContent()).includes(text), name);
        const summaries = page.locator("details.delivery summary");
        await summaries.first().waitFor();
        for (const summary of await summaries.all()) await summary.click();
        const answer = page.locator("pre.answer").first();
        await answer.waitFor();
        assert.equal(await answer.textContent(), excerptOf(text));
        await assertHarmless(page);
        await shoot(page, `hostile-${name.replaceAll(" ", "-")}`);
      }
    },
    { at: "/tasks", viewport: PHONE },
  );
});

const RESULTS = {
  "javascript:alert(1)": false,
  "JAVASCRIPT:alert(1)": false,
  "data:text/html,<script>alert(1)</script>": false,
  "http://cdn.example/result.png": false,
  "//cdn.example/result.png": false,
  "/icon.svg": false,
  "blob:https://cdn.example/1": false,
  [TEXTS.markup]: false,
  'https://cdn.example/a"><script>alert(1)</script>': true,
  "https://user:password@cdn.example/a": true,
};

test("the link and the image of a result need https", async () => {
  for (const [nth, result_url] of Object.keys(RESULTS).entries()) {
    await post(event(`task_result_${nth}`, "completed", { data: { result_url } }));
  }
  await dashboard.visit(async (page) => {
    for (const [nth, [url, isLink]] of Object.entries(RESULTS).entries()) {
      await dashboard.show(page, `/tasks/task_result_${nth}`);
      const result = page
        .locator("section")
        .filter({ has: page.getByRole("heading", { name: "Result" }) });
      await result.waitFor();
      const links = await result
        .getByRole("link")
        .evaluateAll((all) => all.map(({ href }) => href));
      assert.deepEqual(links, isLink ? [new URL(url).href] : [], url);
      assert.equal(
        await result.getByRole("button", { name: "Show the image" }).count(),
        links.length,
      );
      if (!isLink) await result.getByText(url, { exact: true }).waitFor();
      assert.equal(await page.locator("main img").count(), 0);
    }
  });
});

test("quarantined bodies and rejected requests are shown unchanged", async () => {
  const body = `${TEXTS.markup}${TEXTS["the other direction"]}`;
  await post(body);
  await dashboard.gateway.post(body, {
    signature: sign(body, "whsec_of_nobody"),
    headers: { "content-type": TEXTS["an end of an attribute"] },
  });
  await until(async () => (await dashboard.gateway.api("/api/rejections")).body.rejections[0]);
  await dashboard.visit(
    async (page) => {
      const head = page.getByLabel("Beginning of the body");
      await head.waitFor();
      assert.equal(await head.textContent(), excerptOf(body));
      await assertHarmless(page);
      await dashboard.show(page, "/rejections");
      await page.getByText("The last one").click();
      assert.equal(await head.textContent(), excerptOf(body));
      await page.getByText(TEXTS["an end of an attribute"]).waitFor();
      await assertHarmless(page);
      await dashboard.show(page, "/settings/webhooks");
      await page.getByText(TEXTS.markup, { exact: true }).waitFor();
      await assertHarmless(page);
    },
    { at: "/quarantine", viewport: PHONE },
  );
});

test("the content security policy blocks injected scripts and requests", async () => {
  await dashboard.visit(
    async (page, complaints) => {
      await page.evaluate(() => {
        for (const text of ["alert(1)", "fetch('https://evil.example/')"]) {
          document.body.append(Object.assign(document.createElement("script"), { text }));
        }
        document.body.insertAdjacentHTML(
          "beforeend",
          "<img src=x onerror=alert(1) style='color:red'>",
        );
        document.body.append(Object.assign(document.createElement("iframe"), { src: "/" }));
        return fetch("https://evil.example/").catch(() => {});
      });
      const violated = (directive) =>
        complaints.some((text) => text.includes(`policy: ${directive}`));
      for (const each of [
        "script-src-elem",
        "script-src-attr",
        "style-src-attr",
        "connect-src",
        "frame-src",
      ]) {
        await until(() => violated(each));
      }
    },
    { expected: /policy|Policy|status of 401|net::ERR_|evil\.example/ },
  );
});
