// What every page has to be: to be had by everybody, and no wider than the screen. And its picture, for whoever wants to see it.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import path from "node:path";

const ROOT = path.resolve(import.meta.dirname, "../../..");
const SHOTS = path.join(ROOT, ".cache/screenshots");
const AXE = readFileSync(path.join(ROOT, "node_modules/axe-core/axe.min.js"), "utf8");

/** Finds nothing that keeps people out. The policy lets no page load the checker; the debugger needs no leave. */
export async function assertAccessible(page) {
  const { violations } = await page.evaluate(`${AXE}; axe.run({ resultTypes: ["violations"] })`);
  const found = violations.map(
    ({ impact, id, nodes }) => `${impact} ${id}: ${nodes.map(({ html }) => html).join(" ")}`,
  );
  assert.deepEqual(found, [], page.url());
}

/** Finds nothing that sticks out to the right. */
export async function assertFits(page) {
  const over = await page.evaluate(() => {
    const { scrollWidth } = document.documentElement;
    if (scrollWidth <= innerWidth) return [];
    const isOver = (element) => element.getBoundingClientRect().right > innerWidth;
    const elements = [...document.querySelectorAll("body *")].filter(isOver);
    return [`${scrollWidth} px`, ...elements.map(({ outerHTML }) => outerHTML)];
  });
  assert.deepEqual(over, [], `${page.url()} is wider than the screen`);
}

/** Keeps a picture of a page in `.cache/screenshots`. */
export async function shoot(page, name, { fullPage = true } = {}) {
  mkdirSync(SHOTS, { recursive: true });
  const file = path.join(SHOTS, `dashboard-${name}.png`);
  await page.screenshot({ path: file, fullPage, animations: "disabled" });
}
