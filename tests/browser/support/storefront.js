// The storefront example behind a gateway of its own, and a browser to look at it with.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { withExample } from "../../../node-binding/test/support/example-process.js";
import { Gateway, SECRET } from "../../edge/support/gateway.js";
import { TICKET_TOKEN } from "../../edge/support/live/tickets.js";
import { StableProxy } from "../../edge/support/stable-proxy.js";
import { launch } from "../../support/chromium.js";
import { freePort } from "../../support/free-port.js";

const ROOT = path.resolve(import.meta.dirname, "../../..");
const SHOTS = path.join(ROOT, ".cache/screenshots");
const AXE = readFileSync(path.join(ROOT, "node_modules/axe-core/axe.min.js"), "utf8");

export const WIDE = { width: 1200, height: 900 };
export const PHONE = { width: 390, height: 844 };

export class Storefront {
  gateway;
  /** What the browser takes for the gateway. */
  proxy;
  #browser;
  #port;

  static async open() {
    const storefront = new Storefront();
    try {
      await storefront.#start();
      return storefront;
    } catch (error) {
      await storefront.close();
      throw error;
    }
  }

  async #start() {
    this.#browser = await launch();
    // The gateway has to know whose pages come, before they do.
    this.#port = await freePort();
    const TICKET_ORIGINS = `http://127.0.0.1:${this.#port}`;
    const bindings = { GATEWAY_TICKET_TOKEN: TICKET_TOKEN, TICKET_ORIGINS };
    this.gateway = await Gateway.start({ bindings });
    this.proxy = await StableProxy.open(this.gateway.url);
  }

  /**
   * Opens the shop in a browser of a shopper's own; nothing may be complained of in the end. Unless it plays Vtryon,
   * the test says how looks stand.
   */
  async shopping(work, { playsVtryon = false, viewport = WIDE, colorScheme = "light" } = {}) {
    const environment = {
      PORT: String(this.#port),
      GATEWAY_URL: this.proxy.url,
      GATEWAY_TICKET_TOKEN: TICKET_TOKEN,
      VTRYON_WEBHOOK_SECRET: playsVtryon ? SECRET : "",
      STEP_MS: "200",
    };
    await withExample("storefront", environment, async (shop) => {
      const context = await this.#browser.newContext({ viewport, colorScheme });
      try {
        const page = await context.newPage();
        const complaints = [];
        page.on("pageerror", (fault) => complaints.push(`${fault}`));
        page.on("console", (message) => complaints.push(message.text()));
        await page.addInitScript(watchPolicy);
        await page.goto(shop.url);
        await work(page, shop, complaints);
        assert.deepEqual(complaints, []);
        assert.deepEqual(await page.evaluate(() => globalThis.violations), []);
      } finally {
        await context.close();
      }
    });
  }

  async close() {
    await this.#browser?.close();
    await this.proxy?.close();
    await this.gateway?.stop();
  }
}

/** Runs in the page: notes what the content security policy has forbidden. */
function watchPolicy() {
  globalThis.violations = [];
  document.addEventListener("securitypolicyviolation", ({ blockedURI, violatedDirective }) => {
    globalThis.violations.push(`${violatedDirective} ${blockedURI}`);
  });
}

/** Keeps a picture of a page, for whoever wants to see it. */
export async function shoot(page, name) {
  mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: path.join(SHOTS, `storefront-${name}.png`), fullPage: true });
}

/** Finds nothing that keeps people out. The policy lets nobody inject the checker, but the debugger may. */
export async function assertAccessible(page) {
  const { violations } = await page.evaluate(`${AXE}; axe.run()`);
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html)}`);
  assert.deepEqual(found, []);
}
