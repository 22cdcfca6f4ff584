// The dashboard in a real Chromium, for one test file: a gateway of its own behind a proxy whose port stays,
// and readers who complain of whatever a page must not do.

import assert from "node:assert/strict";
import { Gateway, TOKEN } from "../../edge/support/gateway.js";
import { StableProxy } from "../../edge/support/stable-proxy.js";
import { launch } from "../../support/chromium.js";

export const WIDE = { width: 1360, height: 860 };
export const PHONE = { width: 375, height: 760 };

/**
 * What the browser itself logs: an answer to who is not signed in yet, or about a task without events, and
 * a socket that the page has closed too soon for it.
 */
const USUAL = /status of 40[14]|closed before the connection is established/;

export class Dashboard {
  gateway;
  /** What the browser takes for the gateway; killed and started anew, the gateway has another port. */
  proxy;
  #browser;

  /** Starts a gateway, with the options of `Gateway.start`, and a browser. */
  static async open(options) {
    const dashboard = new Dashboard();
    try {
      dashboard.#browser = await launch();
      dashboard.gateway = await Gateway.start({ dashboard: true, ...options });
      dashboard.proxy = await StableProxy.open(dashboard.gateway.url);
      return dashboard;
    } catch (error) {
      await dashboard.close();
      throw error;
    }
  }

  get url() {
    return this.proxy.url;
  }

  /**
   * Opens a page in a browser of a reader's own, who is signed in unless `token` is null. In the end nothing
   * may have been complained of but what is `expected`. Requests go to the gateway alone, and to `hosts`.
   */
  async visit(work, { at = "/", token = TOKEN, expected = USUAL, hosts = [], ...more } = {}) {
    const context = await this.#browser.newContext({ viewport: WIDE, locale: "en-GB", ...more });
    // Not how long something may take, but that what never comes is named.
    context.setDefaultTimeout(60_000);
    const complaints = [];
    await listen(context, [this.url, ...hosts], (text) => complaints.push(text));
    try {
      const page = await context.newPage();
      await this.show(page, at);
      if (token !== null) await signIn(page, token);
      await work(page, complaints);
    } finally {
      await context.close();
    }
    const wrong = complaints.filter((text) => !expected.test(text));
    assert.deepEqual(wrong, [], "nothing is complained of");
  }

  /** Loads a page by its path. */
  async show(page, at) {
    await page.goto(this.url + at);
  }

  async deleteEndpoints() {
    const { endpoints } = (await this.gateway.api("/api/endpoints")).body;
    for (const { id } of endpoints) {
      await this.gateway.api(`/api/endpoints/${id}`, { method: "DELETE" });
    }
  }

  async close() {
    await this.#browser?.close();
    await this.proxy?.close();
    await this.gateway?.stop();
  }
}

/** Signs in where the page asks for it, and waits until it lets in. */
export async function signIn(page, token = TOKEN) {
  const field = page.getByLabel("Token", { exact: true });
  await field.fill(token);
  await field.press("Enter");
  await field.waitFor({ state: "detached" });
}

/** Has everything complained of that no page may do, from before its first script on and across all pages. */
async function listen(context, hosts, complain) {
  context.on("weberror", (fault) => complain(`thrown: ${fault.error().stack}`));
  context.on("dialog", (dialog) => {
    complain(`asked: ${dialog.message()}`);
    dialog.dismiss();
  });
  context.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complain(`logged: ${message.text()}`);
  });
  context.on("request", (request) => {
    const { origin } = new URL(request.url());
    if (!hosts.includes(origin)) complain(`asked elsewhere: ${request.url()}`);
  });
  await context.exposeFunction("complain", complain);
  await context.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => {
      globalThis.complain(`violates the policy: ${violatedDirective} ${blockedURI}`);
    });
  });
}
