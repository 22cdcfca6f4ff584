/** Says that a gateway can't be reached: once, until it has been reached again. */
export class Reachability {
  readonly #gateway: URL;
  readonly #say: (line: string) => void;
  #isAway = false;

  constructor(gateway: URL, say: (line: string) => void) {
    this.#gateway = gateway;
    this.#say = say;
  }

  away(reason: string): void {
    if (!this.#isAway) {
      this.#say(`${this.#gateway.origin}: ${reason}; retrying until it can be reached`);
    }
    this.#isAway = true;
  }

  reached(): void {
    this.#isAway = false;
  }
}
