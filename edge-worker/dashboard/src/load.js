// What a part shows of the API: loaded, loading, or not to be had.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { get } from "./api.js";
import { session } from "./session.js";
import { useStore } from "./store.js";

/**
 * Loads by `load(signal)`, again whenever `deps` change, somebody signs in, or `reload` is called. What was
 * loaded stays until the next is there.
 */
export function useLoad(load, deps = []) {
  const { generation } = useStore(session);
  const [state, setState] = useState({ loading: true });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const abort = new AbortController();
    setState(({ data }) => ({ data, loading: true }));
    load(abort.signal).then(
      (data) => abort.signal.aborted || setState({ data, loading: false }),
      (error) => abort.signal.aborted || setState(({ data }) => ({ data, error, loading: false })),
    );
    return () => abort.abort();
  }, [...deps, turn, generation]);
  const reload = useCallback(() => setTurn((turn) => turn + 1), []);
  const change = useCallback(
    (by) => setState(({ data, ...rest }) => ({ ...rest, data: by(data) })),
    [],
  );
  return { ...state, reload, change };
}

/**
 * Loads a listing page by page: `name` is the field of the answer that has the items. Returns them all, and
 * `more` where there are more.
 */
export function usePages(path, name, query) {
  const key = JSON.stringify(query);
  const first = useLoad((signal) => page(path, name, query, undefined, signal), [path, key]);
  const [rest, setRest] = useState({});
  const { data } = first;
  // What follows another first page than the one shown is of no use.
  const following = rest.after === data ? rest : {};
  const current = useRef();
  current.current = data;
  const cursor = following.pages?.at(-1).cursor ?? (following.pages ? null : data?.cursor);
  const more = async () => {
    setRest({ ...following, after: data, loading: true, error: undefined });
    try {
      const next = await page(path, name, query, cursor);
      if (current.current !== data) return;
      setRest({ after: data, pages: [...(following.pages ?? []), next] });
    } catch (error) {
      if (current.current === data) setRest({ ...following, after: data, error });
    }
  };
  return {
    items: data && [data, ...(following.pages ?? [])].flatMap(({ items }) => items),
    loading: first.loading,
    error: first.error,
    reload: first.reload,
    complete: data !== undefined && cursor === null,
    more: cursor ? more : undefined,
    loadingMore: following.loading === true,
    moreError: following.error,
  };
}

/** Pages may be empty and not the last: so many are passed over before the reader is asked. */
const EMPTY_PAGES = 5;

async function page(path, name, query, cursor, signal) {
  for (let passed = 0; ; passed += 1) {
    const answer = await get(path, { query: { ...query, cursor }, signal });
    const isLast = answer.cursor === null || passed === EMPTY_PAGES;
    if (answer[name].length > 0 || isLast) return { items: answer[name], cursor: answer.cursor };
    cursor = answer.cursor;
  }
}

/** Calls `act` every so many milliseconds while the page is looked at. */
export function useEvery(pause, act) {
  const latest = useRef(act);
  latest.current = act;
  useEffect(() => {
    const timer = setInterval(() => document.hidden || latest.current(), pause);
    return () => clearInterval(timer);
  }, [pause]);
}

/** Does one thing at a time: returns `[run, busy, error]`. */
export function useAction(act) {
  const [state, setState] = useState({ busy: false });
  const run = async (...args) => {
    setState({ busy: true });
    try {
      const result = await act(...args);
      setState({ busy: false });
      return result;
    } catch (error) {
      setState({ busy: false, error });
    }
  };
  return [run, state.busy, state.error];
}
