// What a shard remembers of an endpoint after one attempt after the other, and what it makes of it; then
// what all shards together make of theirs.

const HOUR = 3_600_000;
const DAYS = 24 * HOUR;

const OK = "delivered";
const GONE = "gone";
const NO = "unauthorized";
const BAD = "refused";
const NONE = null;

/** An attempt is [reply, at]; `is` is [failing_since, succeeded_at, gone, failures] after all of them. */
const after = (name, why, attempts, is, now, verdict = null) => ({
  name,
  why,
  attempts,
  is,
  now,
  verdict,
});

/** A shard is [failing_since, succeeded_at, gone, failures]; the failures are left out. */
const all = (name, why, shards, now, dead) => ({ name, why, shards, now, dead });

const FAILING = [0, null, 0];
const NEVER = [null, null, 0];

export const health = [
  after("never tried", "nothing is known", [], NEVER, 100 * DAYS),
  after("a success", "remembered", [[OK, 5]], [null, 5, 0], 5),
  after(
    "a success within the hour",
    "not worth a row",
    [
      [OK, 5],
      [OK, HOUR + 4],
    ],
    [null, 5, 0],
    HOUR + 4,
  ),
  after(
    "a success after the hour",
    "remembered",
    [
      [OK, 5],
      [OK, HOUR + 5],
    ],
    [null, HOUR + 5, 0],
    HOUR + 5,
  ),
  after(
    "a success that is reported late",
    "time does not go back",
    [
      [OK, HOUR],
      [OK, 5],
    ],
    [null, HOUR, 0],
    HOUR,
  ),
  after(
    "a success after a failure",
    "remembered at once: the failing has ended",
    [
      [OK, 5],
      [BAD, 6],
      [OK, 7],
    ],
    [null, 7, 0],
    7,
  ),
  after("a failure", "failing since then", [[BAD, 5]], [5, null, 0, 1], 5),
  after("no answer", "a failure too", [[NONE, 5]], [5, null, 0, 1], 5),
  after("a refused signature", "a failure too", [[NO, 5]], [5, null, 0, 1], 5),
  after(
    "failures",
    "failing since the first",
    [
      [OK, 1],
      [BAD, 5],
      [NONE, 6],
      [NO, 7],
    ],
    [5, 1, 0, 3],
    7,
  ),
  after("gone once", "it may be a mistake", [[GONE, 5]], [5, null, 1, 1], 5),
  after(
    "gone twice",
    "it says so",
    [
      [GONE, 5],
      [GONE, 6],
    ],
    [5, null, 2, 2],
    6,
    "gone",
  ),
  after(
    "gone, back, gone",
    "not in a row",
    [
      [GONE, 5],
      [OK, 6],
      [GONE, 7],
    ],
    [7, 6, 1, 1],
    7,
  ),
  after(
    "gone, another failure, gone",
    "not in a row",
    [
      [GONE, 5],
      [BAD, 6],
      [GONE, 7],
    ],
    [5, null, 1, 3],
    7,
  ),
  after(
    "gone, no answer, gone",
    "not in a row",
    [
      [GONE, 5],
      [NONE, 6],
      [GONE, 7],
    ],
    [5, null, 1, 3],
    7,
  ),
  after("failing for almost 5 days", "not yet", [[BAD, 5]], [5, null, 0, 1], 5 * DAYS + 4),
  after(
    "failing for 5 days",
    "that is the limit",
    [[BAD, 5]],
    [5, null, 0, 1],
    5 * DAYS + 5,
    "failing",
  ),
  after(
    "gone and failing",
    "gone says more",
    [
      [GONE, 0],
      [GONE, 1],
    ],
    [0, null, 2, 2],
    6 * DAYS,
    "gone",
  ),
  after(
    "failing for long, then a success",
    "it is back",
    [
      [BAD, 0],
      [OK, 6 * DAYS],
    ],
    [null, 6 * DAYS, 0],
    6 * DAYS,
  ),
  after(
    "failing four times in a row",
    "it is down",
    [
      [OK, 1],
      [BAD, 2],
      [GONE, 3],
      [NONE, 4],
      [NO, 5],
    ],
    [2, 1, 0, 4],
    5,
  ),
  after(
    "failing five times in a row",
    "not worth a row",
    [
      [BAD, 1],
      [BAD, 2],
      [BAD, 3],
      [BAD, 4],
      [BAD, 5],
    ],
    [1, null, 0, 4],
    5,
  ),
  all("no shards", "nothing is known", [], 9 * DAYS, false),
  all("shards that have never tried", "nothing is known", [NEVER, NEVER], 9 * DAYS, false),
  all("one fails, the others have never tried", "dead", [NEVER, FAILING, NEVER], 5 * DAYS, true),
  all("one fails, not for long enough", "not yet", [FAILING], 5 * DAYS - 1, false),
  all("all fail", "dead", [FAILING, FAILING], 5 * DAYS, true),
  all(
    "one fails, one works",
    "the one that works proves it alive",
    [FAILING, [null, 4 * DAYS, 0]],
    6 * DAYS,
    false,
  ),
  all(
    "one fails, one fails only of late",
    "it has worked within the limit",
    [FAILING, [5 * DAYS, 4 * DAYS, 0]],
    6 * DAYS,
    false,
  ),
  all("one fails, one has worked long ago", "dead", [FAILING, [null, 0, 0]], 6 * DAYS, true),
  all(
    "a success almost an hour past the limit",
    "the latest one may have been an hour later",
    [FAILING, [null, 0, 0]],
    5 * DAYS + HOUR - 1,
    false,
  ),
  all(
    "a success an hour past the limit",
    "the latest one was before the limit",
    [FAILING, [null, 0, 0]],
    5 * DAYS + HOUR,
    true,
  ),
  all("gone and failing for 5 days", "dead", [[0, null, 2]], 5 * DAYS, true),
];
