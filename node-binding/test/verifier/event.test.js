// Events are plain data: whatever a program does with an object, it may do with an event.

import assert from "node:assert/strict";
import { test } from "node:test";
import { isReactive, reactive, readonly, ref, shallowReactive } from "@vue/reactivity";
import { constructEvent, hasStatus } from "vtryon-webhooks";
import { sign } from "vtryon-webhooks/testing";

const SECRET = "whsec_test";
const DATA = { result_url: "https://cdn.example/4k.png", nested: { list: [1, { deep: true }] } };
const ERROR = { message: "no face found", code: "face" };
const DATA_TEXT = { ...DATA, padding: "x".repeat(40_000) };

function eventOf(data) {
  const status = { event: "generation.status_changed", task_id: "task_1", status: "failed" };
  const body = JSON.stringify({ ...status, data, error: ERROR });
  return constructEvent(body, sign(body, SECRET), SECRET);
}

/** What a program does with an event, and how it looks at what came of it. */
const USES = {
  "as it is": (event) => event,
  spread: (event) => ({ ...event }),
  "Object.assign": (event) => Object.assign({}, event),
  structuredClone: (event) => structuredClone(event),
  JSON: (event) => JSON.parse(JSON.stringify(event)),
  "a Proxy": (event) => new Proxy(event, {}),
  "a Proxy that reflects": (event) =>
    new Proxy(event, { get: (target, name, receiver) => Reflect.get(target, name, receiver) }),
  "Vue's reactive": (event) => reactive(event),
  "Vue's shallowReactive": (event) => shallowReactive(event),
  "Vue's readonly": (event) => readonly(event),
  "Vue's ref": (event) => ref(event).value,
  "Object.create": (event) => Object.create(event),
  "copied descriptors": (event) =>
    Object.defineProperties({}, Object.getOwnPropertyDescriptors(event)),
  frozen: (event) => Object.freeze(event),
  entries: (event) => Object.fromEntries(Object.entries(event)),
  "a Map": (event) => Object.fromEntries(new Map(Object.entries(event))),
};

for (const [length, data] of [
  ["short", DATA],
  ["long", DATA_TEXT],
]) {
  for (const [name, use] of Object.entries(USES)) {
    test(`${length} data, ${name}: data and error can be read repeatedly`, () => {
      const used = use(eventOf(data));
      for (let times = 0; times < 2; times += 1) {
        assert.deepEqual(used.data, data);
        assert.deepEqual(used.error, ERROR);
      }
      assert.equal(used.idempotency_key, "status:failed:task_1");
      assert.equal(used.result_url, DATA.result_url);
    });
  }
}

test("an event is a plain object with own, enumerable, writable members", () => {
  const event = eventOf(DATA);
  assert.equal(Object.getPrototypeOf(event), Object.prototype);
  const names = Object.keys(event).sort();
  assert.deepEqual(names, [
    "data",
    "error",
    "error_message",
    "event",
    "idempotency_key",
    "result_url",
    "status",
    "task_id",
  ]);
  assert.deepEqual(Reflect.ownKeys(event).sort(), names);
  for (const name of names) {
    const { value: _, ...flags } = Object.getOwnPropertyDescriptor(event, name);
    assert.deepEqual(flags, { writable: true, enumerable: true, configurable: true }, name);
  }
});

test("nested data becomes reactive", () => {
  const event = reactive(eventOf(DATA));
  assert.ok(isReactive(event.data.nested));
  event.data.nested.list.push("more");
  assert.equal(event.data.nested.list.length, 3);
});

test("two events share nothing", () => {
  const [one, other] = [eventOf(DATA), eventOf(DATA)];
  one.data.nested.list.length = 0;
  assert.equal(other.data.nested.list.length, 2);
});

test("a member `__proto__` of data changes no prototype", () => {
  const body =
    '{"event":"generation.status_changed","task_id":"task_1","status":"queued","data":{"__proto__":{"admin":true}}}';
  const event = constructEvent(body, sign(body, SECRET), SECRET);
  assert.equal(event.data.admin, undefined);
  assert.equal({}.admin, undefined);
  assert.deepEqual(Object.keys(event.data), ["__proto__"]);
});

test("a status is compared, also one that the guide does not name", () => {
  for (const [body, expect] of [
    ['{"event":"generation.status_changed","task_id":"t","status":"paused"}', ["paused"]],
    ['{"event":"generation.status_changed","task_id":"t","status":"failed"}', ["failed"]],
    ['{"event":"other","task_id":"t","status":"paused"}', []],
  ]) {
    const event = constructEvent(body, sign(body, SECRET), SECRET);
    const statuses = ["paused", "failed", "", "null"];
    assert.deepEqual(
      statuses.filter((status) => hasStatus(event, status)),
      expect,
    );
  }
});
