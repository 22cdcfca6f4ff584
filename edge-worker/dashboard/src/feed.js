// The live updates of this page: begun when the session is, shared by all parts.

import { useEffect, useRef, useState } from "preact/hooks";
import { checkSession, session } from "./api/session.js";
import { LiveFeed } from "./live/live-feed.js";
import { SharedCheck } from "./live/shared-check.js";
import { Store, useStore } from "./store.js";

/** The state of the feed, as `LiveFeed.state` has it. */
export const feedState = new Store({ phase: "idle", live: 0, sockets: 0 });

/** The feed; none until the API has let us in. */
export let feed;

/** Asks the API before lost sockets are opened again, once for all of them: the session may have ended. */
export const check = new SharedCheck(checkSession);

/** Opens a socket to a path of this gateway. */
export function open(path) {
  return new WebSocket(location.origin.replace(/^http/, "ws") + path);
}

session.subscribe(({ phase, shards }) => {
  if (phase === "in" && shards > 0) {
    feed ??= new LiveFeed({ shards, open, check, onChange: (state) => feedState.set(state) });
    feed.start();
  } else {
    feed?.stop();
    // After signing out somebody else may sign in, who begins anew.
    if (phase === "out") feed = undefined;
  }
});

addEventListener("online", () => feed?.retryNow());

/** Calls `take` with what has come, in batches, as long as the part is shown. */
export function useFeed(take) {
  // Signing in may begin the feed after the part was shown.
  useStore(session);
  const current = feed;
  const latest = useRef(take);
  latest.current = take;
  useEffect(() => {
    if (current === undefined) return;
    const batch = batches((messages) => latest.current(messages));
    const end = current.subscribe(batch.add);
    return () => {
      end();
      batch.stop();
    };
  }, [current]);
}

/** Calls `act` when the feed goes on after an interruption, of which attempts of deliveries are not repeated. */
export function useResumed(act) {
  useFeed((messages) => {
    if (messages.some(({ type, resumed }) => type === "ready" && resumed)) act();
  });
}

/** Returns which of some tasks were erased while the feed was followed; `ids` may be missing while they are loaded. */
export function useErased(ids = []) {
  const [erased, setErased] = useState(new Set());
  const [erasures, setErasures] = useState(0);
  useFeed((messages) => {
    if (messages.some(({ type }) => type === "erased")) setErasures((count) => count + 1);
  });
  useEffect(() => {
    let isCurrent = true;
    feed?.erasedAmong(ids).then((found) => {
      if (isCurrent && found.length > 0) setErased((known) => new Set([...known, ...found]));
    });
    return () => {
      isCurrent = false;
    };
  }, [JSON.stringify(ids), erasures]);
  return erased;
}

/** Hundreds of events a second are shown a few times a second. */
export function batches(take, pause = 150) {
  let waiting = [];
  let timer;
  const flush = () => {
    timer = undefined;
    const messages = waiting;
    waiting = [];
    take(messages);
  };
  return {
    add: (message) => {
      waiting.push(message);
      timer ??= setTimeout(flush, pause);
    },
    stop: () => clearTimeout(timer),
  };
}
