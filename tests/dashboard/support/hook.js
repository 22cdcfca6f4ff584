// A hook without a page: a component that shows nothing needs no DOM.

import { h, render } from "preact";

/** Renders a component that calls `hook`; returns all that the hook has returned, the latest last. */
export function rendered(hook) {
  const returned = [];
  const Component = () => {
    returned.push(hook());
    return null;
  };
  render(h(Component), { childNodes: [], firstChild: null });
  return returned;
}
