// What a part shows of the API: loaded, loading, or failed.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { useStore } from "../store.js";
import { get } from "./requests.js";
import { session } from "./session.js";

/** How long a load may take before a poll begins another one, in milliseconds. */
const LONGEST_LOAD = 60_000;

/**
 * Loads by `load(signal)`, again whenever `deps` or `version` change, somebody signs in, or `reload` is called. What was
 * loaded stays until the next is there; `isStale` tells that it is of other `deps`. After an `error` it stays too, unless
 * it is of other `deps` or not there any more. `poll` reloads unless a load is in progress, and an `error` stays meanwhile,
 * so that it is announced once; `change` changes what was loaded.
 */
export function useLoad(load, deps = [], version = 0) {
  const { generation } = useStore(session);
  const [state, setState] = useState({ loading: true });
  const [turn, setTurn] = useState(0);
  const of = JSON.stringify(deps);
  // The load in progress: what aborts it, and when it began.
  const pending = useRef();
  useEffect(() => {
    const abort = new AbortController();
    pending.current = { abort, since: Date.now() };
    const set = (next) => {
      if (abort.signal.aborted) return;
      pending.current = undefined;
      setState(next);
    };
    setState((state) => ({ ...state, loading: true }));
    load(abort.signal).then(
      (data) => set({ data, of, loading: false }),
      (error) =>
        set((state) => ({
          ...(state.of === of && error.code !== "not_found" && { data: state.data, of }),
          failure: { error, of, generation },
          loading: false,
        })),
    );
    return () => abort.abort();
  }, [of, version, turn, generation]);
  const loadAgain = () => setTurn((turn) => turn + 1);
  const reload = useCallback(() => {
    // Whoever tries again sees whether it fails again.
    setState((state) => ({ ...state, failure: undefined, loading: true }));
    loadAgain();
  }, []);
  const poll = useCallback(() => {
    const isRecent = pending.current && Date.now() - pending.current.since < LONGEST_LOAD;
    if (!isRecent) loadAgain();
  }, []);
  const change = useCallback(
    (by) => {
      setState((state) => {
        const data = by(state.data);
        // The error of an earlier load says nothing of data that is newer.
        return data === state.data ? state : { ...state, data, of, failure: undefined };
      });
      if (pending.current === undefined) return;
      // The answer may be older than the change.
      pending.current.abort.abort();
      reload();
    },
    [of],
  );
  const { data, loading, failure } = state;
  // What failed before a sign-in, or under other `deps`, is being loaded again.
  const isCurrent = failure?.of === of && failure.generation === generation;
  const error = isCurrent ? failure.error : undefined;
  const isStale = data !== undefined && state.of !== of;
  return { data, error, loading, isStale, reload, poll, change };
}

/**
 * Loads a listing page by page: `name` is the field of the answer that has the items. Returns them all, and `more` where
 * there are more. Loaded again, it has as many pages as it had. `mark` is what `markOf` returned before they were asked for.
 */
export function usePages(path, name, query, markOf = () => undefined) {
  const key = JSON.stringify(query);
  /** How many pages are shown, and of which list. */
  const shown = useRef({});
  const { data, isStale, change, ...loaded } = useLoad(
    async (signal) => {
      const mark = markOf();
      const most = shown.current.key === key ? shown.current.count : 1;
      return { mark, pages: await firstPages(path, name, query, most, signal) };
    },
    [path, key],
  );
  // A list under another filter would tell what is not so.
  const list = isStale ? undefined : data;
  const pages = list?.pages;
  if (pages !== undefined) shown.current = { key, count: pages.length };
  const cursor = pages?.at(-1).cursor;
  const [failed, setFailed] = useState({});
  const [more, loadingMore] = useAction(async () => {
    setFailed({});
    try {
      const next = await page(path, name, query, cursor);
      // What follows another list than the one shown is of no use.
      change((latest) => (latest === list ? { ...list, pages: [...pages, next] } : latest));
    } catch (error) {
      setFailed({ list, error });
    }
  });
  return {
    ...loaded,
    mark: list?.mark,
    items: pages?.flatMap(({ items }) => items),
    complete: cursor === null,
    more: cursor ? more : undefined,
    loadingMore,
    moreError: failed.list === list ? failed.error : undefined,
  };
}

/** Loads so many pages of a listing, or all where it has fewer. */
export async function firstPages(path, name, query, most, signal) {
  const pages = [];
  do pages.push(await page(path, name, query, pages.at(-1)?.cursor, signal));
  while (pages.length < most && pages.at(-1).cursor !== null);
  return pages;
}

/** Pages may be empty and not the last: so many are skipped before the reader is asked. */
const EMPTY_PAGES = 5;

async function page(path, name, query, cursor, signal) {
  for (let skipped = 0; ; skipped += 1) {
    const answer = await get(path, { query: { ...query, cursor }, signal });
    const isLast = answer.cursor === null || skipped === EMPTY_PAGES;
    if (answer[name].length > 0 || isLast) return { items: answer[name], cursor: answer.cursor };
    cursor = answer.cursor;
  }
}

/**
 * Calls `act` every so many milliseconds while the page is looked at and somebody is signed in, and when it is looked at
 * again.
 */
export function useEvery(pause, act) {
  const latest = useRef(act);
  latest.current = act;
  useEffect(() => {
    const actIfSeen = () => {
      if (!document.hidden && session.value.phase === "in") latest.current();
    };
    const timer = setInterval(actIfSeen, pause);
    document.addEventListener("visibilitychange", actIfSeen);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", actIfSeen);
    };
  }, [pause]);
}

/**
 * Does one thing at a time: returns `[run, busy, error]`. A button that is `disabled` loses the focus, so that it
 * is `aria-disabled` while busy, and what is run then is nothing.
 */
export function useAction(act) {
  const [state, setState] = useState({ busy: false });
  const isBusy = useRef(false);
  const run = async (...args) => {
    if (isBusy.current) return;
    isBusy.current = true;
    setState({ busy: true });
    try {
      const result = await act(...args);
      setState({ busy: false });
      return result;
    } catch (error) {
      setState({ busy: false, error });
    } finally {
      isBusy.current = false;
    }
  };
  return [run, state.busy, state.error];
}

/** For a button that has another meaning once it has acted: the second click of a double click is none. Keys count 0. */
export const onlyOnce = (act) => (event) => event.detail < 2 && act();
