// Whether what is shown is live, and what came in between where it was not.

import { html } from "htm/preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { session } from "../../api/session.js";
import { feed, feedState, useFeed } from "../../feed.js";
import { count } from "../../format.js";
import { useStore } from "../../store.js";
import { useNow } from "../time.js";
import { announce } from "./announce.js";
import { Notice } from "./notice.js";

const TONES = { live: "good", partly: "warning", waiting: "bad" };

/** The state of the connection; announced when it is lost and when it is back. */
export function LiveState() {
  const state = useStore(feedState);
  const { phase, shards } = useStore(session);
  const announced = useRef("live");
  useEffect(() => {
    if (!["live", "waiting"].includes(state.phase) || state.phase === announced.current) return;
    announced.current = state.phase;
    announce(state.phase === "live" ? "Live updates are back" : "Live updates are interrupted");
  }, [state.phase]);
  if (phase === "in" && shards === 0) {
    return html`<span class="live" title="Live updates need a token with the scope listen"><span data-tone="waiting">Not live</span></span>`;
  }
  return html`
    <span class="live" data-phase=${state.phase}>
      <span data-tone=${TONES[state.phase] ?? "waiting"}><${Words} state=${state} /></span>
      ${
        state.phase === "waiting" &&
        html`<button type="button" class="link" onClick=${() => feed?.retryNow()}>Connect now</button>`
      }
    </span>
  `;
}

function Words({ state }) {
  const now = useNow(1000);
  if (state.phase === "live") return "Live";
  if (state.phase === "partly") return `Live: ${state.live} of ${state.sockets}`;
  if (state.phase !== "waiting") return "Connecting…";
  const seconds = Math.max(0, Math.ceil((state.retryAt - now) / 1000));
  return seconds === 0 ? "Reconnecting…" : `Reconnecting in ${seconds} s`;
}

/** Says that something was missed, and has the list loaded anew. */
export function Gaps({ reload }) {
  const [gap, setGap] = useState();
  useFeed((messages) => {
    const last = messages.findLast(({ type }) => type === "gap");
    if (last === undefined) return;
    setGap(last);
    reload();
  });
  if (gap === undefined) return null;
  const missed = gap.to - gap.from + 1;
  return html`
    <${Notice} tone="warning" title="Some updates were missed." onClose=${() => setGap(undefined)}>
      ${missed > 0 ? `${count(missed, "update")} of shard ${gap.shard} are` : `Updates of shard ${gap.shard} are`}
      ${" "}not kept any more. The list was loaded anew, so what it shows is right.
    <//>
  `;
}
