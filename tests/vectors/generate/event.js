// The reading of a signed body: what an event says, or why it can't be read.

import { createHash } from "node:crypto";
import { bytes, hex, parts, text } from "./bytes.js";

const NAME = "generation.status_changed";

const body = (fields) =>
  JSON.stringify({ event: NAME, task_id: "task_1", status: "queued", ...fields });

/** A body: most are texts. */
const asBytes = (input) => (typeof input === "string" ? text(input) : input);

/** What is read of a body; what is not named is as in `body`. */
function reads(name, why, input, expect) {
  const fields = { event: NAME, task_id: "task_1", status: "queued", ...expect };
  const body = asBytes(input);
  return { name, why, body, expect: { idempotency_key: key(fields, body), ...fields } };
}

/** The same for repeats, different for all else. */
function key({ event, task_id, status }, body) {
  if (status !== null) return `status:${part(status)}:${task_id}`;
  const digest = createHash("sha256").update(bytes(body)).digest("hex");
  return `event:${part(event)}:${digest}:${task_id}`;
}
const part = (text) => text.replaceAll("%", "%25").replaceAll(":", "%3A");

const refused =
  (code) =>
  (name, why, input, at = {}) => ({
    name,
    why,
    body: asBytes(input),
    expect: { code, ...at },
  });
const notUtf8 = refused("invalid_utf8");
const notJson = refused("invalid_json");
const tooDeep = refused("too_deep");
const notEvent = refused("invalid_event");
const twice = refused("duplicate_key");

const field = (field) => ({ field });
const raw = (fields) => `{"event":"${NAME}","task_id":"task_1","status":"queued",${fields}}`;
const other = (status) => `{"event":"${NAME}","task_id":"task_1","status":${status}}`;
const identity = (event, task_id) => `{"event":${event},"task_id":${task_id},"status":"queued"}`;

/** A body that nests so deep: an object, `data`, and arrays in it. */
const OUTER = raw('"data":{"x":').slice(0, -1);
const nested = (depth) => parts([OUTER, 1], ["[", depth - 2], ["]", depth - 2], ["}}", 1]);

export const event = [
  reads("queued", "the first event of a task", body({}), {}),
  reads("processing", "the second", body({ status: "processing" }), { status: "processing" }),
  reads(
    "completed",
    "with the result",
    body({ status: "completed", data: { result_url: "https://cdn.example/4k.png" } }),
    {
      status: "completed",
      result_url: "https://cdn.example/4k.png",
      data: '{"result_url":"https://cdn.example/4k.png"}',
    },
  ),
  reads(
    "failed",
    "with the reason",
    body({ status: "failed", error: { message: "no person found" } }),
    {
      status: "failed",
      error_message: "no person found",
      error: '{"message":"no person found"}',
    },
  ),
  reads("completed without a result", "the status is the news", body({ status: "completed" }), {
    status: "completed",
  }),
  reads("null for absent", "data and error may be null", body({ data: null, error: null }), {
    data: "null",
    error: "null",
  }),
  reads(
    "null within",
    "result_url and message may be null",
    body({ data: { result_url: null }, error: { message: null } }),
    {
      data: '{"result_url":null}',
      error: '{"message":null}',
    },
  ),
  reads("unknown status", "kept as it came", body({ status: "paused" }), { status: "paused" }),
  reads("status in capitals", "names are exact", body({ status: "Completed" }), {
    status: "Completed",
  }),
  reads(
    "unknown fields",
    "kept in the body, not read",
    body({ api_version: 2, task_type: "recolor", nested: { status: "failed" } }),
    {},
  ),
  reads("unknown fields twice", "no verdict rests on them", raw('"x":1,"x":2'), {}),
  reads("unknown fields within, twice", "no verdict rests on them", raw('"data":{"x":1,"x":2}'), {
    data: '{"x":1,"x":2}',
  }),
  reads(
    "blanks kept",
    "data is the text that was sent",
    raw('"data" : { "result_url" :\t"u" , "w":  1e400 } '),
    {
      result_url: "u",
      data: '{ "result_url" :\t"u" , "w":  1e400 }',
    },
  ),
  reads("blanks around", "JSON allows them", `\r\n\t ${body({})}\n`, {}),
  reads(
    "order",
    "members have none",
    `{"status":"queued","task_id":"task_1","event":"${NAME}"}`,
    {},
  ),
  reads(
    "escaped names",
    "a name is what it decodes to",
    '{"\\u0065vent":"generation.status\\u005fchanged","task_\\u0069d":"task_1","st\\u0061tus":"queued"}',
    {},
  ),
  reads(
    "escapes",
    "strings are decoded",
    raw('"error":{"message":"\\"a\\"\\n\\ud83e\\udde5\\u00e9"}'),
    {
      error_message: '"a"\n🧥é',
      error: '{"message":"\\"a\\"\\n\\ud83e\\udde5\\u00e9"}',
    },
  ),
  reads("not ASCII", "UTF-8 as it is", body({ task_id: "tâche-🧥" }), { task_id: "tâche-🧥" }),
  reads(
    "numbers past any type",
    "a number that no type holds is JSON all the same",
    raw('"n":123456789012345678901234567890.5e-400'),
    {},
  ),
  reads("task_id at the limit", "256 bytes", body({ task_id: "t".repeat(256) }), {
    task_id: "t".repeat(256),
  }),
  reads(
    "task_id at the limit, not ASCII",
    "256 bytes are 128 of these",
    body({ task_id: "é".repeat(128) }),
    { task_id: "é".repeat(128) },
  ),
  reads("status at the limit", "64 bytes", body({ status: "s".repeat(64) }), {
    status: "s".repeat(64),
  }),
  reads(
    "status at the limit, not ASCII",
    "64 bytes are 32 of these",
    body({ status: "é".repeat(32) }),
    { status: "é".repeat(32) },
  ),
  reads("depth at the limit", "64", nested(64), {
    data: `{"x":${"[".repeat(62)}${"]".repeat(62)}}`,
  }),
  reads(
    "brackets in a string",
    "they nest nothing",
    raw(`"x":"${"[".repeat(200)}\\"${"{".repeat(200)}"`),
    {},
  ),
  reads(
    "brackets beside each other",
    "only what is open counts",
    raw(`"x":[${"[{}],".repeat(100)}1]`),
    {},
  ),
  reads(
    "escaped backslash before a quote",
    "the string ends there",
    raw('"x":"\\\\","y":[[]]'),
    {},
  ),
  reads("another event", "kept and passed on", body({ event: "generation.archived" }), {
    event: "generation.archived",
    status: null,
  }),
  reads(
    "another event, other shapes",
    "of it only event and task_id are read",
    `{"event":"credits.low","task_id":"task_1","status":7,"data":[1],"error":"x"}`,
    {
      event: "credits.low",
      status: null,
      data: "[1]",
      error: '"x"',
    },
  ),
  reads(
    "colons and percents",
    "no two keys are spelled alike",
    body({ task_id: "a:%:b", status: "c:%3A" }),
    {
      task_id: "a:%:b",
      status: "c:%3A",
      idempotency_key: "status:c%3A%253A:a:%:b",
    },
  ),
  reads("another event with a colon", "no two keys are spelled alike", body({ event: "a:b%" }), {
    event: "a:b%",
    status: null,
  }),
  reads("event name at the limit", "128 bytes", body({ event: "e".repeat(128) }), {
    event: "e".repeat(128),
    status: null,
  }),

  notUtf8("a stray byte", "0xff is in no UTF-8", hex("7b22ff223a317d"), { offset: 2 }),
  notUtf8("an overlong form", "RFC 3629 forbids it", hex("22c0af22"), { offset: 1 }),
  notUtf8("a surrogate", "RFC 3629 forbids it", hex("22eda08022"), { offset: 1 }),
  notUtf8("cut in a character", "a body cut short", hex("7b22c3"), { offset: 2 }),
  notUtf8("UTF-16", "another encoding", hex("fffe7b00"), { offset: 0 }),
  notUtf8("not UTF-8 and not JSON", "UTF-8 is judged first", hex("5b5bff"), { offset: 2 }),

  tooDeep("depth past the limit", "65", nested(65), { offset: OUTER.length + 62 }),
  tooDeep("very deep", "no parser is given it", parts(["[", 100000]), { offset: 64 }),
  tooDeep("deep and not JSON", "depth is judged before syntax", parts(["{", 65]), { offset: 64 }),
  tooDeep(
    "deep, mixed",
    "brackets and braces count alike",
    parts(['{"a":[', 40], ["1", 1], ["]}", 40]),
    { offset: 192 },
  ),

  notJson("empty", "nothing is no JSON", ""),
  notJson("blanks", "nothing is no JSON", "  \n"),
  notJson("a word", "no JSON", "queued"),
  notJson("cut short", "half a body", body({}).slice(0, -1)),
  notJson("more after the end", "one value, and nothing after it", `${body({})}{}`),
  notJson("byte order mark", "RFC 8259, 8.1 forbids adding one", `\ufeff${body({})}`),
  notJson("trailing comma", "JavaScript's, not JSON's", raw('"x":1,').replace(",}", ",}")),
  notJson("single quotes", "JavaScript's, not JSON's", "{'event':'x'}"),
  notJson("comment", "JavaScript's, not JSON's", `${body({})} // done`),
  notJson("NaN", "no JSON number", raw('"x":NaN')),
  notJson("Infinity", "no JSON number", raw('"x":-Infinity')),
  notJson("leading zero", "no JSON number", raw('"x":01')),
  notJson("leading plus", "no JSON number", raw('"x":+1')),
  notJson("no digit after the point", "no JSON number", raw('"x":1.')),
  notJson("hex number", "no JSON number", raw('"x":0x1')),
  notJson("line feed in a string", "must be escaped", raw('"x":"a\nb"')),
  notJson("NUL in a string", "must be escaped", raw('"x":"a\0b"')),
  notJson("bad escape", "no such escape", raw('"x":"\\x41"')),
  notJson("short escape", "four digits", raw('"x":"\\u12"')),
  notJson("name without quotes", "JavaScript's, not JSON's", '{event:"x"}'),
  notJson("form", "the wrong content type", "event=generation.status_changed&task_id=task_1"),
  notJson(
    "half a surrogate pair in task_id",
    "it names no character",
    identity(`"${NAME}"`, '"\\ud800"'),
  ),
  notJson("half a surrogate pair in a name", "it names no character", raw('"\\udc00":1')),
  notJson("not JSON within data", "the whole body is judged", raw('"data":{"x":tru}')),

  notEvent("null", "no object", "null"),
  notEvent("a number", "no object", "42"),
  notEvent("a string", "no object", '"queued"'),
  notEvent("an array", "no object", `[${body({})}]`),
  notEvent("an empty object", "no event", "{}", field("event")),
  notEvent("no event", "must be told", '{"task_id":"task_1","status":"queued"}', field("event")),
  notEvent("no task_id", "must be told", `{"event":"${NAME}","status":"queued"}`, field("task_id")),
  notEvent("no status", "must be told", `{"event":"${NAME}","task_id":"task_1"}`, field("status")),
  notEvent("event null", "must be a string", identity("null", '"task_1"'), field("event")),
  notEvent("event a number", "must be a string", identity("1", '"task_1"'), field("event")),
  notEvent("event empty", "must name something", identity('""', '"task_1"'), field("event")),
  notEvent(
    "event past the limit",
    "129 bytes",
    identity(`"${"e".repeat(129)}"`, '"task_1"'),
    field("event"),
  ),
  notEvent("task_id a number", "must be a string", identity(`"${NAME}"`, "123"), field("task_id")),
  notEvent("task_id null", "must be a string", identity(`"${NAME}"`, "null"), field("task_id")),
  notEvent("task_id empty", "must name something", identity(`"${NAME}"`, '""'), field("task_id")),
  notEvent(
    "task_id past the limit",
    "257 bytes",
    identity(`"${NAME}"`, `"${"t".repeat(257)}"`),
    field("task_id"),
  ),
  notEvent(
    "task_id past the limit, not ASCII",
    "258 bytes are 129 of these",
    identity(`"${NAME}"`, `"${"é".repeat(129)}"`),
    field("task_id"),
  ),
  notEvent(
    "task_id a dot segment",
    "no URL can name it",
    identity(`"${NAME}"`, '"."'),
    field("task_id"),
  ),
  notEvent(
    "task_id two dots",
    "no URL can name it",
    identity(`"${NAME}"`, '".."'),
    field("task_id"),
  ),
  notEvent(
    "task_id with NUL",
    "no control characters",
    identity(`"${NAME}"`, '"a\\u0000b"'),
    field("task_id"),
  ),
  notEvent(
    "task_id with a line feed",
    "no control characters",
    identity(`"${NAME}"`, '"a\\nb"'),
    field("task_id"),
  ),
  notEvent(
    "task_id with a C1 control",
    "no control characters",
    identity(`"${NAME}"`, '"a\\u0085b"'),
    field("task_id"),
  ),
  notEvent("status a number", "must be a string", other("1"), field("status")),
  notEvent("status an object", "must be a string", other('{"name":"queued"}'), field("status")),
  notEvent("status empty", "must name something", other('""'), field("status")),
  notEvent("status past the limit", "65 bytes", other(`"${"s".repeat(65)}"`), field("status")),
  notEvent(
    "status past the limit, not ASCII",
    "66 bytes are 33 of these",
    other(`"${"é".repeat(33)}"`),
    field("status"),
  ),
  notEvent(
    "data a string",
    "must be an object",
    raw('"data":"https://x"'),
    field("data.result_url"),
  ),
  notEvent("data an array", "must be an object", raw('"data":[]'), field("data.result_url")),
  notEvent(
    "result_url a number",
    "must be a string",
    raw('"data":{"result_url":1}'),
    field("data.result_url"),
  ),
  notEvent(
    "error a string",
    "must be an object",
    raw('"error":"no person"'),
    field("error.message"),
  ),
  notEvent(
    "message an object",
    "must be a string",
    raw('"error":{"message":{}}'),
    field("error.message"),
  ),

  twice("event twice", "which one?", raw(`"event":"${NAME}"`)),
  twice("task_id twice", "parsers differ in which one they take", raw('"task_id":"task_2"')),
  twice("status twice", "parsers differ in which one they take", raw('"status":"failed"')),
  twice("status twice, alike", "no parser should have to choose", raw('"status":"queued"')),
  twice(
    "status twice, one escaped",
    "a name is what it decodes to",
    raw('"st\\u0061tus":"failed"'),
  ),
  twice("data twice", "which one?", raw('"data":{},"data":{}')),
  twice("data twice, null first", "null is a value", raw('"data":null,"data":{}')),
  twice("error twice", "which one?", raw('"error":{},"error":{}')),
  twice(
    "result_url twice",
    "which one?",
    raw('"data":{"result_url":"a","result_url":"b"}'),
    field("data.result_url"),
  ),
  twice(
    "message twice",
    "which one?",
    raw('"error":{"message":"a","message":"b"}'),
    field("error.message"),
  ),
  twice(
    "twice and missing",
    "twice is judged before what is missing",
    '{"status":"queued","status":"failed"}',
  ),
];
