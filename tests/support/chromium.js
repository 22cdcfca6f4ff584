// The Chromium of this machine, without a window.

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { chromium } from "playwright-core";

const SETTINGS = new URL("../webdriver.json", import.meta.url);

/** Starts the Chromium that $CHROMIUM names, or that is found where programs are. */
export function launch() {
  const settings = JSON.parse(readFileSync(SETTINGS, "utf8"));
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? found(),
    args: settings["goog:chromeOptions"].args,
  });
}

function found() {
  const places = process.env.PATH.split(":");
  // The last may be Ubuntu's, which only says that Chromium is a snap.
  const names = ["chromium", "google-chrome", "chromium-browser"];
  const files = names.flatMap((name) => places.map((place) => path.join(place, name)));
  const file = files.find(existsSync);
  if (file === undefined) throw new Error("no Chromium here: install it, or set CHROMIUM");
  return file;
}
