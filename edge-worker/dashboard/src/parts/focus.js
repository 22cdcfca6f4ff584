// What has gone gives the focus to what was around it: whoever uses keys goes on from there, and not from the top.

/** What may take it; of the rest of a page it is the heading. */
const AROUND = "dialog, fieldset, article, section, .foot";

/** Begins to look after the focus of the pages. */
export function keepFocus() {
  let last;
  document.addEventListener("focusin", ({ target }) => {
    last = target.closest?.(".shell") ? target : undefined;
  });
  const observer = new MutationObserver((records) => {
    if (last === undefined || last.isConnected || document.activeElement !== document.body) return;
    const removal = records.find(({ removedNodes }) =>
      [...removedNodes].some((node) => node.contains(last)),
    );
    const around = removal?.target.closest(AROUND);
    const next = around?.isConnected ? around : document.querySelector("main h1");
    last = undefined;
    if (next === null) return;
    next.tabIndex = -1;
    next.focus({ preventScroll: true });
  });
  observer.observe(document.body, { childList: true, subtree: true });
}
