// One question for many connections: what was lost together asks once.

export class SharedCheck {
  /** How many times it has asked. A connection notes it when it is lost. */
  generation = 0;

  #ask;
  #answer;

  /** `ask` resolves to whether connections may be opened. */
  constructor(ask) {
    this.#ask = ask;
  }

  /** Answers by a question that began after `generation` was noted; asks where there is none. */
  after(generation) {
    if (this.generation === generation) {
      this.generation += 1;
      this.#answer = this.#ask();
    }
    return this.#answer;
  }
}
