// A value that changes, and its subscribers.

import { useEffect, useState } from "preact/hooks";

export class Store {
  #listeners = new Set();

  constructor(value) {
    this.value = value;
  }

  set(value) {
    this.value = value;
    for (const listener of [...this.#listeners]) listener(value);
  }

  /** Changes some fields of a value that is an object. */
  update(fields) {
    this.set({ ...this.value, ...fields });
  }

  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** Returns a store's value, and renders again when it changes. */
export function useStore(store) {
  const [value, setValue] = useState(store.value);
  useEffect(() => {
    // It may have changed between the rendering and now.
    setValue(store.value);
    return store.subscribe(setValue);
  }, [store]);
  return value;
}
