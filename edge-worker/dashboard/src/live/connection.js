// One socket of live updates. It acknowledges what was processed, resumes after the last id that it was given,
// and tries again, later each time, until it is live. It knows nothing of tasks, and nothing of a page.
//
// A browser does not tell why a socket was refused. So before one is opened again, it is asked whether sockets may be
// opened at all: a session that has ended costs one question, and not a socket for each shard again and again.

/** Acknowledges at the latest after so many characters. Each is at most three bytes, and one is due after 64 KiB. */
const ACK_AFTER = 20_000;

/** Milliseconds of silence until a ping, and from there until the connection is taken for dead. */
const PING_AFTER = 25_000;
const PONG_WITHIN = 10_000;

/** Milliseconds to the first new attempt; each doubles them, up to the longest. */
const FIRST_WAIT = 500;
const LONGEST_WAIT = 30_000;

export class Connection {
  /**
   * `idle`, `connecting`, `catching-up` (open, but not all is sent that was stored), `live`, `waiting`, or `ended`
   * (nothing more comes, and it does not connect again).
   */
  phase = "idle";
  /** When it tries again, in milliseconds since 1970, while it waits. */
  retryAt = undefined;

  #options;
  #socket;
  #cursor;
  /** The shards whose backlog has been sent once. */
  #readyShards = new Set();
  #failures = 0;
  #unacknowledged = 0;
  #retry;
  #silence;
  /** How many times was asked when it was lost, and which attempt to connect again is the current one. */
  #lostAfter = 0;
  #attempt = 0;

  /**
   * `onMessage` is given each message, `ready` with whether it has `resumed`: then the shard was ready before, and hints
   * that were sent in between are missed. `onChange` is called when `phase` changes. `check` is a `SharedCheck`; without
   * one nobody is asked before a socket is opened again.
   */
  constructor({ url, onMessage, onChange, check, open, random = Math.random }) {
    this.#options = { url, onMessage, onChange, check, open, random };
  }

  /** Whether it was lost, or refused, and is not live since then. */
  get hasFailed() {
    return this.#failures > 0;
  }

  /** Connects, after the last id where there is one. */
  start() {
    if (this.phase === "idle") this.#connect();
  }

  /** Closes; the last id is kept for the next start. */
  stop() {
    this.#forget();
    this.#failures = 0;
    this.#enter("idle");
  }

  /** Does not wait any longer. */
  retryNow() {
    if (this.phase === "waiting") this.#reconnect();
  }

  async #reconnect() {
    const { check } = this.#options;
    if (check === undefined) return this.#connect();
    this.#forget();
    const attempt = this.#attempt;
    this.#enter("connecting");
    const mayConnect = await check.after(this.#lostAfter);
    // It may have been stopped meanwhile.
    if (attempt !== this.#attempt) return;
    if (mayConnect) this.#connect();
    else this.#lost();
  }

  #connect() {
    this.#forget();
    this.#unacknowledged = 0;
    const query = this.#cursor === undefined ? "" : `?cursor=${encodeURIComponent(this.#cursor)}`;
    const socket = this.#options.open(this.#options.url + query);
    this.#socket = socket;
    this.#enter("connecting");
    socket.onopen = () => {
      this.#enter("catching-up");
      this.#heard();
    };
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = (close) => (isEnd(close) ? this.#end() : this.#lost());
  }

  #receive(text) {
    this.#heard();
    const message = read(text);
    if (message === undefined) return;
    const isReady = message.type === "ready";
    if (isReady) {
      message.resumed = this.#readyShards.has(message.shard);
      this.#readyShards.add(message.shard);
    }
    this.#options.onMessage(message);
    if (typeof message.id === "string") this.#cursor = message.id;
    // Hints have no id, but the server counts them too.
    this.#unacknowledged += text.length;
    if (isReady || this.#unacknowledged >= ACK_AFTER) this.#acknowledge();
    if (isReady) {
      // Not before: a server that accepts and closes must not be asked without a pause.
      this.#failures = 0;
      this.#enter("live");
    }
  }

  #acknowledge() {
    if (this.#cursor === undefined) return;
    this.#socket.send(JSON.stringify({ type: "ack", id: this.#cursor }));
    this.#unacknowledged = 0;
  }

  /** Begins to wait for silence anew: a network that is gone does not say so. */
  #heard() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      this.#socket.send("ping");
      this.#silence = setTimeout(() => this.#lost(), PONG_WITHIN);
    }, PING_AFTER);
  }

  #end() {
    this.#forget();
    this.#enter("ended");
  }

  #lost() {
    this.#forget();
    this.#lostAfter = this.#options.check?.generation ?? 0;
    const longest = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.#failures);
    this.#failures += 1;
    // Between half of it and all: what was lost together does not come back together.
    const wait = (longest * (1 + this.#options.random())) / 2;
    this.#retry = setTimeout(() => this.#reconnect(), wait);
    this.#enter("waiting", Date.now() + wait);
  }

  /** Ends with the socket whatever could still arrive on it. */
  #forget() {
    this.#attempt += 1;
    clearTimeout(this.#retry);
    clearTimeout(this.#silence);
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined) return;
    socket.onopen = null;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close();
  }

  #enter(phase, retryAt) {
    this.phase = phase;
    this.retryAt = retryAt;
    this.#options.onChange();
  }
}

/** Whether the server has closed because what the stream is about was erased: then nothing more comes. */
const isEnd = ({ code, reason }) => code === 1000 && reason === "erased";

/** Reads a message; what is none, as `pong`, is nothing. */
function read(text) {
  try {
    const message = JSON.parse(text);
    return typeof message?.type === "string" ? message : undefined;
  } catch {
    return undefined;
  }
}
