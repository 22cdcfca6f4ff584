/** Runs jobs of the same key in order, one at a time, and jobs of different keys concurrently, up to a limit. */
export class KeyedQueue {
  readonly #limit: number;
  /** The jobs of each key that has any. The first one is running or next. */
  readonly #jobs: Map<string, (() => Promise<void>)[]> = new Map();
  /** Keys whose first job has not started. */
  readonly #ready: string[] = [];
  #running = 0;
  #stopped = false;
  #onIdle: () => void = () => {};

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Adds a job after all others of its key. */
  add(key: string, job: () => Promise<void>): void {
    const jobs = this.#jobs.get(key);
    if (jobs !== undefined) {
      jobs.push(job);
      return;
    }
    this.#jobs.set(key, [job]);
    this.#ready.push(key);
    this.#startReady();
  }

  /** Starts no further jobs. */
  stop(): void {
    this.#stopped = true;
  }

  /** After `stop`: resolves when all running jobs have ended. */
  async idle(): Promise<void> {
    if (this.#running === 0) return;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
  }

  /** The number of running jobs. */
  get running(): number {
    return this.#running;
  }

  #startReady(): void {
    while (!this.#stopped && this.#running < this.#limit) {
      const key = this.#ready.shift();
      if (key === undefined) return;
      this.#run(key);
    }
  }

  async #run(key: string): Promise<void> {
    const jobs = this.#jobs.get(key) ?? [];
    this.#running += 1;
    await jobs[0]?.();
    this.#running -= 1;
    jobs.shift();
    // At the end of the list, so that a key with many jobs does not delay the others.
    if (jobs.length > 0) this.#ready.push(key);
    else this.#jobs.delete(key);
    this.#startReady();
    if (this.#running === 0) this.#onIdle();
  }
}
