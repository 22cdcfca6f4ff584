// Sequences of statuses of one task: the outcome of each, and the final status of the task. `finished_by`
// is the index of the event that finishes the task, or null; `seen` has a bit for each stage, `unknown` lists the
// other statuses.

const APPLIED = "applied";
const DUPLICATE = "duplicate";
const LATE = "late";
const CONFLICT = "conflict";
const UNKNOWN = "unknown";

const STAGES = ["queued", "processing", "completed", "failed"];
const [Q, P, C, F] = STAGES;

function sequence(name, why, steps, status) {
  const statuses = steps.map(([status]) => status);
  const outcomes = steps.map(([, outcome]) => outcome);
  const isEnd = ([status, outcome]) => outcome === APPLIED && (status === C || status === F);
  const finishedBy = steps.findIndex(isEnd);
  const seen = STAGES.reduce(
    (bits, stage, place) => bits | (statuses.includes(stage) ? 1 << place : 0),
    0,
  );
  const unknown = steps.filter(([, outcome]) => outcome === UNKNOWN).map(([status]) => status);
  return {
    name,
    why,
    statuses,
    outcomes,
    status,
    finished_by: finishedBy < 0 ? null : finishedBy,
    seen,
    unknown,
  };
}

/** The table of docs/explain/ordering.md: where a task stands, and a status that it has not seen. */
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
  return sequence(
    `${stands}, then ${status}`,
    "a row of the table",
    steps,
    outcome === APPLIED ? status : before[0],
  );
});

const repeats = [Q, P, C, F].map((status) =>
  sequence(
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
  sequence(
    "the usual way",
    "queued, processing, completed",
    [
      [Q, APPLIED],
      [P, APPLIED],
      [C, APPLIED],
    ],
    C,
  ),
  sequence(
    "a failure",
    "queued, processing, failed",
    [
      [Q, APPLIED],
      [P, APPLIED],
      [F, APPLIED],
    ],
    F,
  ),
  sequence(
    "reversed",
    "the network reorders",
    [
      [C, APPLIED],
      [P, LATE],
      [Q, LATE],
    ],
    C,
  ),
  sequence(
    "a late repeat",
    "seen before the end, so it is a duplicate, not late",
    [
      [Q, APPLIED],
      [C, APPLIED],
      [Q, DUPLICATE],
    ],
    C,
  ),
  sequence(
    "late once",
    "what came late is seen too",
    [
      [C, APPLIED],
      [Q, LATE],
      [Q, DUPLICATE],
    ],
    C,
  ),
  sequence(
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
  sequence(
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
  sequence(
    "unknown first",
    "a status that the guide does not name moves nothing",
    [
      ["paused", UNKNOWN],
      [Q, APPLIED],
    ],
    Q,
  ),
  sequence("unknown alone", "a task can be known by it alone", [["paused", UNKNOWN]], null),
  sequence(
    "unknown between",
    "it moves nothing",
    [
      [Q, APPLIED],
      ["paused", UNKNOWN],
      [P, APPLIED],
    ],
    P,
  ),
  sequence(
    "unknown after the end",
    "kept all the same",
    [
      [C, APPLIED],
      ["archived", UNKNOWN],
    ],
    C,
  ),
  sequence(
    "unknown twice",
    "a repeat is a duplicate",
    [
      ["paused", UNKNOWN],
      ["paused", DUPLICATE],
    ],
    null,
  ),
  sequence(
    "names are exact",
    "COMPLETED is not completed",
    [
      ["COMPLETED", UNKNOWN],
      [C, APPLIED],
    ],
    C,
  ),
  sequence(
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
