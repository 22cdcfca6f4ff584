// No statement of a shard walks through a table that grows: each is taken from the Rust sources and planned by SQLite
// on a database that a shard has made. A new statement is held to it without being listed here.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { event, Gateway } from "./support/gateway.js";

const SOURCES = path.resolve(import.meta.dirname, "../../edge-worker/src/objects/shard");

/** A comment, or a text: what is quoted in a comment is no statement. */
const TOKENS = /\/\/.*|"((?:[^"\\]|\\.)*)"/g;

/** `macro_rules! name { ($parameters) => { inner!(parts) }; }`, as statements that differ in their end are written. */
const MACROS = /^macro_rules! (\w+) \{\s*\((.*?)\) => \{\s*(\w+)!\(([\s\S]*?)\n?\s*\)\s*\};\s*\}/gm;

const texts = (source) =>
  [...source.matchAll(TOKENS)].map(([, text]) => text).filter((text) => text !== undefined);

/** Returns the statements of a file, and the other texts in it that have SQL in them. */
function statementsIn(source) {
  const macros = new Map();
  let rest = source.replace(MACROS, (_, name, parameters, inner, body) => {
    const parts = [...body.matchAll(/"((?:[^"\\]|\\.)*)"|\$(\w+)/g)];
    macros.set(name, {
      parameters: [...parameters.matchAll(/\$(\w+):/g)].map(([, parameter]) => parameter),
      inner,
      parts: parts.map(([, text, parameter]) => ({ text, parameter })),
    });
    return "";
  });
  const expand = (name, given) => {
    if (name === "concat") return given.join("");
    const { parameters, inner, parts } = macros.get(name);
    const filled = parts.map(({ text, parameter }) => text ?? given[parameters.indexOf(parameter)]);
    return expand(inner, filled);
  };
  const found = [];
  for (const name of macros.keys()) {
    const calls = new RegExp(`\\b${name}!\\(((?:\\s*"(?:[^"\\\\]|\\\\.)*",?)+\\s*)\\)`, "g");
    rest = rest.replace(calls, (_, given) => {
      found.push(expand(name, texts(given)));
      return "";
    });
  }
  const others = texts(rest).filter((text) =>
    /\b(SELECT|INSERT|UPDATE|DELETE|REPLACE|FROM|WHERE)\b/.test(text),
  );
  const isWhole = (text) => /^(SELECT|INSERT|UPDATE|DELETE|REPLACE|WITH)\b/.test(text);
  found.push(...others.filter(isWhole));
  return {
    statements: found.map((text) => text.replace(/\s+/g, " ").trim()),
    unread: others.filter((text) => !isWhole(text)),
    hasCallsLeft: [...macros.keys()].some((name) => rest.includes(`${name}!(`)),
  };
}

/** Every file but the one of the migrations, which run once. */
const FILES = readdirSync(SOURCES, { recursive: true })
  .filter((name) => name.endsWith(".rs") && name !== "schema.rs")
  .sort()
  .map((name) => ({ name, ...statementsIn(readFileSync(path.join(SOURCES, name), "utf8")) }));
const STATEMENTS = FILES.flatMap(({ name, statements }) =>
  statements.map((sql) => ({ name, sql })),
);

let gateway;
let database;
before(async () => {
  gateway = await Gateway.start({ bindings: { SHARDS: "1" } });
  for (const body of [event("task_1", "queued"), event("task_1", "completed"), "not json"]) {
    assert.equal((await gateway.post(body)).status, 200);
  }
  await gateway.halt();
  const [{ file }] = await gateway.stored();
  database = new DatabaseSync(file, { readOnly: true });
});
after(async () => {
  database?.close();
  await gateway?.stop();
});

const plan = (sql) =>
  database
    .prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .all()
    .map(({ detail }) => detail);

/** What a plan may scan: rows that it has made itself, and tables that do not grow with events. */
const SMALL =
  /^SCAN$|^SCAN (line|\(subquery-\d+\)|CONSTANT ROW|replays|health|settings|meta)(?![\w])/;

/** A range that is bounded on one side; only a limit ends it before the table does. */
const OPEN_RANGE = /USING INTEGER PRIMARY KEY \(rowid[<>]\?\)/;

/** What a table is sorted by: its first or last one is found at once, that of another column by a walk. */
const KEYS = {
  deliveries: "no",
  events: "seq",
  outbox: "due_at",
  quarantine: "no",
  replay_log: "seq",
  tasks: "no",
};

/** Tells whether a step looks for the least or the greatest where nothing is sorted by it: its plan does not say so. */
function isUnsorted(step, sql) {
  const table = /^SEARCH (\w+)[^(]*$/.exec(step)?.[1];
  return table !== undefined && !new RegExp(`\\bM(IN|AX)\\(${KEYS[table]}\\)`).test(sql);
}

/** The steps of a plan that cost more the more is stored. */
const growing = (sql) =>
  plan(sql).filter(
    (step) =>
      (step.startsWith("SCAN") && !SMALL.test(step)) ||
      step.includes("USE TEMP B-TREE") ||
      step.includes("AUTOMATIC") ||
      isUnsorted(step, sql) ||
      (OPEN_RANGE.test(step) && !/\bLIMIT\b/.test(sql)),
  );

const SORT = "USE TEMP B-TREE FOR ORDER BY";
const GROUP = "USE TEMP B-TREE FOR GROUP BY";
const RANGE = (table, sign) => `SEARCH ${table} USING INTEGER PRIMARY KEY (rowid${sign}?)`;

/** Statements that have such steps, by a part of each that no other has: the steps, and why they may be. */
const EXCEPTIONS = [
  ["LIMIT ? ) SELECT seq, name, status, outcome", [SORT], "sorts the 101 events shown of a task"],
  ["SELECT d.no, d.due_at, line.status", [SORT], "sorts what is pending of 100 events"],
  [
    "LIMIT 10000 ) SELECT seq, NULL FROM line",
    [SORT, "SEARCH line USING AUTOMATIC COVERING INDEX (seq=?)"],
    "at most 10,000 events of a task, and the replays after a number",
  ],
  ["UNION ALL SELECT * FROM (SELECT no FROM quarantine WHERE no >= ?1", [SORT, SORT], "two pages"],
  ["received_at, outcome FROM events WHERE seq > ?2", [GROUP], "counts the last 10,000"],
  ["received_at FROM quarantine WHERE no > ?2", [GROUP], "counts the last 10,000"],
  ["created_at, state FROM deliveries WHERE no >= ?2", [GROUP], "counts the last 10,000"],
  [
    "FROM tasks INDEXED BY tasks_open WHERE open = 1 LIMIT ?1",
    [
      "SCAN tasks USING COVERING INDEX tasks_open",
      "SCAN deliveries USING COVERING INDEX deliveries_due",
      "SCAN deliveries USING COVERING INDEX deliveries_dead",
    ],
    "each count has a limit",
  ],
  [
    "WHERE no >= ? AND state = 'pending' AND due_at IS NULL",
    [RANGE("deliveries", ">")],
    "once in the life of an instance, from the last event on that was surely not leased",
  ],
  [
    "SELECT MIN(seq) FROM outbox",
    ["SEARCH outbox USING PRIMARY KEY"],
    "once for a page that is pruned; grows with the side effects of the time, not with what is stored",
  ],
];

const TASK_ID = "SEARCH tasks USING INDEX sqlite_autoindex_tasks_1 (task_id=?)";
const BY_NO = (table) => `SEARCH ${table} USING INTEGER PRIMARY KEY (rowid=?)`;
const WINDOW = (table) => `SEARCH ${table} USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)`;

/** The queries of every event, page and alarm, by the end of each, and the step that goes to the table. */
const PATHS = {
  "ingest: the task": ["last_seq, key FROM tasks WHERE task_id IN (?, ?)", TASK_ID],
  "ingest: an event by its content": [
    "FROM events WHERE task_no = ? AND name = ? AND digest = ?",
    "SEARCH events USING COVERING INDEX events_other (task_no=? AND name=? AND digest=?)",
  ],
  "ingest: the task's row": ["duplicates = duplicates + ? WHERE no = ?", BY_NO("tasks")],
  "ingest: the last event": ["failure = ?, final_at = ? WHERE no = ?", BY_NO("tasks")],
  "reading a task": ["updated_at, duplicates FROM tasks WHERE task_id = ?", TASK_ID],
  "reading a result": ["FROM tasks WHERE open = 0 AND task_id = ?", TASK_ID],
  "the events of a task": ["outcome, received_at, key FROM line ORDER BY seq", BY_NO("events")],
  tasks: [
    "duplicates FROM tasks WHERE no < ? AND no >= ? AND SUBSTR(task_id, 1, 1) <> CHAR(1) ORDER BY no DESC LIMIT ?",
    WINDOW("tasks"),
  ],
  "tasks that are open or stalled": [
    "unknown <> '[]'))) ORDER BY no DESC LIMIT ?4",
    "SEARCH tasks USING INDEX tasks_open (no<?)",
  ],
  "tasks that ended": [
    "stage = ? AND SUBSTR(task_id, 1, 1) <> CHAR(1) ORDER BY no DESC LIMIT ?",
    WINDOW("tasks"),
  ],
  deliveries: ["FROM deliveries WHERE no < ? ORDER BY no DESC LIMIT ?", RANGE("deliveries", "<")],
  "deliveries by state or endpoint": [
    "(?4 IS NULL OR state = ?4) ORDER BY no DESC LIMIT ?5",
    WINDOW("deliveries"),
  ],
  "dead letters": [
    "(?2 IS NULL OR endpoint = ?2) ORDER BY no DESC LIMIT ?3",
    "SEARCH deliveries USING INDEX deliveries_dead (no<?)",
  ],
  "the deliveries of an event": [
    "FROM deliveries WHERE no BETWEEN ? AND ? ORDER BY no DESC",
    WINDOW("deliveries"),
  ],
  "bodies that can't be read": [
    "FROM quarantine WHERE no < ? AND no > ? ORDER BY no DESC LIMIT ?",
    WINDOW("quarantine"),
  ],
  "deliveries due": [
    "WHERE endpoint = ? AND due_at <= ? ORDER BY due_at LIMIT ?",
    "SEARCH deliveries USING INDEX deliveries_due (endpoint=? AND due_at<?)",
  ],
  "the next delivery due": [
    "WHERE endpoint = ? AND due_at IS NOT NULL ORDER BY due_at LIMIT 1",
    "SEARCH deliveries USING COVERING INDEX deliveries_due (endpoint=? AND due_at>?)",
  ],
  "outbox due": [
    "FROM outbox WHERE due_at <= ? ORDER BY due_at LIMIT ?",
    "SEARCH outbox USING PRIMARY KEY (due_at<?)",
  ],
  "pruning: events": ["FROM events WHERE seq > ? ORDER BY seq LIMIT ?", RANGE("events", ">")],
  "pruning: an event": ["DELETE FROM events WHERE seq = ?", BY_NO("events")],
  "pruning: deliveries": ["DELETE FROM deliveries WHERE no BETWEEN ? AND ?", WINDOW("deliveries")],
};

const exceptionOf = (sql) => EXCEPTIONS.find(([part]) => sql.includes(part));

test("all SQL in the sources is read", () => {
  for (const { name, statements, unread, hasCallsLeft } of FILES) {
    // The end of a statement that a macro begins is no statement of its own, and none is put together elsewhere.
    assert.deepEqual(unread, [], name);
    assert.ok(!hasCallsLeft, `${name}: a macro is called with what is no text`);
    const source = readFileSync(path.join(SOURCES, name), "utf8");
    assert.ok(statements.length > 0 || !/\bsql::(run|first|all|each)\(/.test(source), name);
  }
});

test("no statement walks through a table that grows", () => {
  for (const { name, sql } of STATEMENTS) {
    const [, steps] = exceptionOf(sql) ?? ["", []];
    assert.deepEqual(growing(sql), steps, `${name}: ${sql}`);
  }
});

test("each exception is of one statement, and says why", () => {
  for (const [part, , reason] of EXCEPTIONS) {
    assert.equal(STATEMENTS.filter(({ sql }) => sql.includes(part)).length, 1, part);
    assert.ok(reason, part);
  }
});

test("the queries of every event, page and alarm go by a key or an index", () => {
  for (const [name, [end, step]] of Object.entries(PATHS)) {
    const found = STATEMENTS.filter(({ sql }) => sql.endsWith(end));
    assert.equal(found.length, 1, `${name}: ${end}`);
    const steps = plan(found[0].sql);
    assert.ok(steps.includes(step), `${name}: ${steps.join("; ")}`);
  }
});

test("a walk is told", () => {
  for (const sql of [
    "SELECT no FROM tasks WHERE stage = ?",
    "SELECT seq FROM events e WHERE e.status = ? LIMIT 1",
    "SELECT no FROM tasks WHERE no < ? ORDER BY updated_at LIMIT 1",
    "DELETE FROM deliveries WHERE no > ?",
    "SELECT MAX(updated_at) FROM tasks",
    "SELECT MAX(seq) FROM outbox",
  ]) {
    assert.notDeepEqual(growing(sql), [], sql);
  }
});
