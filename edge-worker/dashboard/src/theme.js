// Light, dark, or as the system has it.

import { Store } from "./store.js";

export const THEMES = ["system", "light", "dark"];

const dark = matchMedia("(prefers-color-scheme: dark)");

/** The chosen theme, and whether the system is dark: charts draw themselves anew when either changes. */
export const theme = new Store({ name: "system", isSystemDark: dark.matches });

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
  theme.update({ name });
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
dark.addEventListener("change", () => theme.update({ isSystemDark: dark.matches }));
