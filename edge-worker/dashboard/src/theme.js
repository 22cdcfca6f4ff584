// Light, dark, or as the system has it.

import { Store } from "./store.js";

export const THEMES = ["system", "light", "dark"];

/** The chosen theme; charts draw themselves anew when it changes. */
export const theme = new Store("system");

export function choose(name) {
  // Storage may be refused: then the choice lasts as long as the page.
  try {
    localStorage.setItem("theme", name);
  } catch {}
  apply(name);
}

function apply(name) {
  if (name === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  theme.set(name);
}

function stored() {
  try {
    return localStorage.getItem("theme");
  } catch {
    return null;
  }
}

const before = stored();
if (THEMES.includes(before)) apply(before);
// The colours change with the system's as well.
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => theme.set(theme.value));
