/** Which answers pass. */
export interface Expectation {
  /** The statuses that pass. 503 passes only with `retry-after`. */
  readonly statuses: readonly number[];
  /** Whether it passes too that the connection is closed without an answer. */
  readonly closed: boolean;
  /** The same for readers: `401, 400 or 403`. */
  readonly words: string;
}

type Answers = number | "2xx" | "4xx" | "closed";

/** What Vtryon's signature covers is taken. */
export const TAKEN: Expectation = expecting("2xx");

/** What it does not cover is not: 401 by the table of errors, 400 and 403 where others have chosen so. */
export const REFUSED: Expectation = expecting(401, 400, 403);

/** Signed, but not an event that can be read: kept and acknowledged, or refused, but no fault. */
export const READ_OR_REFUSED: Expectation = expecting("2xx", 400, 422);

/** The same of a body that is long beside. */
export const READ_OR_TOO_LONG: Expectation = expecting("2xx", 400, 413, 422);

/** Signed, under a name of its form that a server may not know. */
export const TAKEN_OR_UNSUPPORTED: Expectation = expecting("2xx", 400, 415);

/** Not signed, and beside that in such a form. */
export const REFUSED_OR_UNSUPPORTED: Expectation = expecting(401, 400, 403, 415);

/** Past the default limit, but not past the highest. */
export const TAKEN_OR_TOO_LONG: Expectation = expecting("2xx", 413);

/** The same, not signed. */
export const REFUSED_OR_TOO_LONG: Expectation = expecting(413, 401, 400, 403);

/** Past the highest limit. */
export const TOO_LONG: Expectation = expecting(413);

/** A method that no event comes by: 405, or whatever else a router says to strangers. */
export const OTHER_METHOD: Expectation = expecting("4xx", 501);

/** A repeat while the event is being handled. */
export const TAKEN_OR_LATER: Expectation = expecting("2xx", 503);

/**
 * The connection ends after every signed byte, before the declared length. To accept them is no forgery; otherwise the
 * sender is at fault (`incomplete_body`), and may be gone before the answer.
 */
export const CUT_OFF: Expectation = expecting("2xx", "4xx", "closed");

function expecting(...answers: Answers[]): Expectation {
  const words = answers.map((answer) => (answer === 503 ? "503 with retry-after" : `${answer}`));
  const last = words.pop() ?? "";
  return {
    statuses: answers.flatMap(statusesOf),
    closed: answers.includes("closed"),
    words: words.length > 0 ? `${words.join(", ")} or ${last}` : last,
  };
}

function statusesOf(answer: Answers): number[] {
  if (typeof answer === "number") return [answer];
  if (answer === "closed") return [];
  return Array.from({ length: 100 }, (_, at) => Number(answer[0]) * 100 + at);
}
