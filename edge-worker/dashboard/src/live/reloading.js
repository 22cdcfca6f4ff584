// Loads again what has changed: a few at a time, and each once more when it has changed meanwhile. What was asked for before
// that is of no use.

export class Reloading {
  #load;
  #onLoaded;
  #most;
  #waiting = new Set();
  #isBusy = false;
  /** Grows with each `clear`: what was asked for before is of no use. */
  #generation = 0;

  /** `load` resolves to what has an id; `onLoaded` is given what was loaded together, of which some may have failed. */
  constructor({ load, onLoaded, most = 5 }) {
    this.#load = load;
    this.#onLoaded = onLoaded;
    this.#most = most;
  }

  add(ids) {
    for (const id of ids) this.#waiting.add(id);
    if (!this.#isBusy) this.#run();
  }

  /** Forgets what is waiting, and what is being loaded. */
  clear() {
    this.#waiting.clear();
    this.#generation += 1;
  }

  async #run() {
    this.#isBusy = true;
    while (this.#waiting.size > 0) {
      const generation = this.#generation;
      const ids = [...this.#waiting].slice(0, this.#most);
      for (const id of ids) this.#waiting.delete(id);
      const answers = await Promise.allSettled(ids.map((id) => this.#load(id)));
      const loaded = answers.filter(
        ({ status }, nth) => status === "fulfilled" && !this.#waiting.has(ids[nth]),
      );
      if (generation === this.#generation) this.#onLoaded(loaded.map(({ value }) => value));
    }
    this.#isBusy = false;
  }
}
