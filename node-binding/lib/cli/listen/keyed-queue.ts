/**
 * Work in lanes: jobs of one lane run in order, one after the other; lanes run beside each other, a bounded
 * number of them.
 */
export class KeyedQueue {
  readonly #limit: number;
  /** The jobs of each lane that is not empty, the one that runs first. */
  readonly #lanes: Map<string, (() => Promise<void>)[]> = new Map();
  /** KeyedQueue whose first job has not begun. */
  readonly #ready: string[] = [];
  #running = 0;
  #stopped = false;
  #idle: () => void = () => {};

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Adds a job to the end of a lane. */
  add(lane: string, job: () => Promise<void>): void {
    const jobs = this.#lanes.get(lane);
    if (jobs !== undefined) {
      jobs.push(job);
      return;
    }
    this.#lanes.set(lane, [job]);
    this.#ready.push(lane);
    this.#fill();
  }

  /** Begins nothing any more. */
  stop(): void {
    this.#stopped = true;
  }

  /** Resolves, once it was stopped, when what runs has ended. */
  async idle(): Promise<void> {
    if (this.#running === 0) return;
    await new Promise<void>((idle) => {
      this.#idle = idle;
    });
  }

  /** How many jobs run. */
  get running(): number {
    return this.#running;
  }

  #fill(): void {
    while (!this.#stopped && this.#running < this.#limit) {
      const lane = this.#ready.shift();
      if (lane === undefined) return;
      this.#run(lane);
    }
  }

  async #run(lane: string): Promise<void> {
    const jobs = this.#lanes.get(lane) ?? [];
    this.#running += 1;
    await jobs[0]?.();
    this.#running -= 1;
    jobs.shift();
    // At the end of the line, so that a long lane does not keep the others waiting.
    if (jobs.length > 0) this.#ready.push(lane);
    else this.#lanes.delete(lane);
    this.#fill();
    if (this.#running === 0) this.#idle();
  }
}
