// What statuses mean for a task, told one after the other: the outcome of each, and where it ends.
// `owed` is the place in the list at which the final result came to be owed, or -1; `seen` has a bit for
// each stage, `unknown` the other statuses that are kept.

const APPLIED = "applied";
const DUPLICATE = "duplicate";
const LATE = "late";
const CONFLICT = "conflict";
const UNKNOWN = "unknown";

const STAGES = ["queued", "processing", "completed", "failed"];
const [Q, P, C, F] = STAGES;

function told(name, why, steps, status) {
  const statuses = steps.map(([status]) => status);
  const outcomes = steps.map(([, outcome]) => outcome);
  const isEnd = ([status, outcome]) => outcome === APPLIED && (status === C || status === F);
  const seen = STAGES.reduce(
    (bits, stage, place) => bits | (statuses.includes(stage) ? 1 << place : 0),
    0,
  );
  const unknown = steps.filter(([, outcome]) => outcome === UNKNOWN).map(([status]) => status);
  return { name, why, statuses, outcomes, status, owed: steps.findIndex(isEnd), seen, unknown };
}

/** The table of the README: where a task stands, and a status that it has not seen. */
const TABLE = [
  [[], Q, APPLIED],
  [[], P, APPLIED],
  [[], C, APPLIED],
  [[], F, APPLIED],
  [[Q], P, APPLIED],
  [[Q], C, APPLIED],
  [[Q], F, APPLIED],
  [[P], Q, LATE],
  [[P], C, APPLIED],
  [[P], F, APPLIED],
  [[C], Q, LATE],
  [[C], P, LATE],
  [[C], F, CONFLICT],
  [[F], Q, LATE],
  [[F], P, LATE],
  [[F], C, CONFLICT],
];

const table = TABLE.map(([before, status, outcome]) => {
  const steps = [...before.map((status) => [status, APPLIED]), [status, outcome]];
  const stands = before[0] ?? "nothing";
  return told(
    `${stands}, then ${status}`,
    "a row of the table",
    steps,
    outcome === APPLIED ? status : before[0],
  );
});

const repeats = [Q, P, C, F].map((status) =>
  told(
    `${status} twice`,
    "a repeat is a duplicate",
    [
      [status, APPLIED],
      [status, DUPLICATE],
    ],
    status,
  ),
);

const many = Array.from({ length: 18 }, (_, place) => `paused_${place}`);

export const lifecycle = [
  ...table,
  ...repeats,
  told(
    "the usual way",
    "queued, processing, completed",
    [
      [Q, APPLIED],
      [P, APPLIED],
      [C, APPLIED],
    ],
    C,
  ),
  told(
    "a failure",
    "queued, processing, failed",
    [
      [Q, APPLIED],
      [P, APPLIED],
      [F, APPLIED],
    ],
    F,
  ),
  told(
    "reversed",
    "the network reorders",
    [
      [C, APPLIED],
      [P, LATE],
      [Q, LATE],
    ],
    C,
  ),
  told(
    "a late repeat",
    "seen before the end, so it is a duplicate, not late",
    [
      [Q, APPLIED],
      [C, APPLIED],
      [Q, DUPLICATE],
    ],
    C,
  ),
  told(
    "late once",
    "what came late is seen too",
    [
      [C, APPLIED],
      [Q, LATE],
      [Q, DUPLICATE],
    ],
    C,
  ),
  told(
    "conflict once",
    "what conflicted is seen too",
    [
      [F, APPLIED],
      [C, CONFLICT],
      [C, DUPLICATE],
      [F, DUPLICATE],
    ],
    F,
  ),
  told(
    "all repeated",
    "Vtryon may send anything twice",
    [
      [Q, APPLIED],
      [Q, DUPLICATE],
      [P, APPLIED],
      [Q, DUPLICATE],
      [P, DUPLICATE],
      [C, APPLIED],
      [C, DUPLICATE],
      [P, DUPLICATE],
      [Q, DUPLICATE],
    ],
    C,
  ),
  told(
    "unknown first",
    "a status that the guide does not name moves nothing",
    [
      ["paused", UNKNOWN],
      [Q, APPLIED],
    ],
    Q,
  ),
  told("unknown alone", "a task can be known by it alone", [["paused", UNKNOWN]], null),
  told(
    "unknown between",
    "it moves nothing",
    [
      [Q, APPLIED],
      ["paused", UNKNOWN],
      [P, APPLIED],
    ],
    P,
  ),
  told(
    "unknown after the end",
    "kept all the same",
    [
      [C, APPLIED],
      ["archived", UNKNOWN],
    ],
    C,
  ),
  told(
    "unknown twice",
    "a repeat is a duplicate",
    [
      ["paused", UNKNOWN],
      ["paused", DUPLICATE],
    ],
    null,
  ),
  told(
    "names are exact",
    "COMPLETED is not completed",
    [
      ["COMPLETED", UNKNOWN],
      [C, APPLIED],
    ],
    C,
  ),
  told(
    "unknown, more than are kept",
    "16 are kept, the rest is counted",
    [
      ...many.slice(0, 16).map((status) => [status, UNKNOWN]),
      [many[16], "capped"],
      [many[17], "capped"],
      [many[0], DUPLICATE],
      [Q, APPLIED],
    ],
    Q,
  ),
];
