// A dashboard and the backends that it is about, opened for all tests of a file.

import { after } from "node:test";
import { Backend } from "../../edge/support/backends/backend.js";
import { Dashboard } from "./browser.js";

/**
 * Opens a dashboard, with the options of `Gateway.start`, and a backend for each name, which answers as
 * `Backend.start` is told; after the tests all are closed. Returns them by name, the dashboard as `dashboard`.
 */
export async function opened(backends = {}, options = undefined) {
  const all = {};
  const close = async () => {
    const { dashboard, ...others } = all;
    await dashboard?.close();
    for (const backend of Object.values(others)) await backend.stop();
  };
  after(close);
  try {
    all.dashboard = await Dashboard.open(options);
    for (const [name, answer] of Object.entries(backends)) all[name] = await Backend.start(answer);
  } catch (error) {
    await close();
    throw error;
  }
  return all;
}
