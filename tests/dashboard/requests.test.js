// Requests that were not answered as hoped: whether what they ask for may have been done all the same.

import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { get, resume, send } from "../../edge-worker/dashboard/src/api/requests.js";

// One of them ends the session.
beforeEach(resume);

let answer;
mock.method(globalThis, "fetch", async (_path, init) => answer(init));
// The longest time of each request is over at once.
mock.method(AbortSignal, "timeout", () => AbortSignal.abort(new DOMException("", "TimeoutError")));

const refusal = (status) => () => Response.json({ error: "code", message: "message" }, { status });
const page = (status) => () => new Response("<h1>Bad gateway</h1>", { status });
const lost = () => {
  throw new TypeError("Failed to fetch");
};
/** Answers late: nobody who has given up is answered. */
const late = ({ signal }) => {
  signal?.throwIfAborted();
  return Response.json({});
};

const change = () => send("POST", "/api/endpoints/ep_1/rotate");
const count = () => send("POST", "/api/replay", { body: { which: "dead", dry_run: true } });
const read = () => get("/api/endpoints");

const CASES = [
  { name: "a change whose answer is lost", ask: change, by: lost, isUnsure: true },
  { name: "one that is not answered in time", ask: change, by: late, isUnsure: true },
  {
    name: "one that the gateway has done, as no one can read",
    ask: change,
    by: page(200),
    isUnsure: true,
  },
  {
    name: "one that is answered by a page of Cloudflare's",
    ask: change,
    by: page(502),
    isUnsure: true,
  },
  { name: "one that a gateway in trouble answers", ask: change, by: refusal(503), isUnsure: true },
  { name: "one that is refused", ask: change, by: refusal(409), isUnsure: false },
  {
    name: "one that is refused by a page of Cloudflare's",
    ask: change,
    by: page(403),
    isUnsure: false,
  },
  {
    name: "one that Cloudflare Access refuses",
    ask: change,
    by: () => ({ type: "opaqueredirect" }),
    isUnsure: false,
  },
  { name: "a count, which changes nothing", ask: count, by: lost, isUnsure: false },
  { name: "what is only read", ask: read, by: lost, isUnsure: false },
  { name: "what is read and not answered in time", ask: read, by: late, isUnsure: false },
];

for (const { name, ask, by, isUnsure } of CASES) {
  test(`${name} ${isUnsure ? "may have been" : "was not"} done`, async () => {
    answer = by;
    await assert.rejects(ask, (error) => {
      assert.equal(error.isUnsure, isUnsure);
      return true;
    });
  });
}

test("what its caller gives up is no failure of the gateway", async () => {
  answer = late;
  const given = get("/api/endpoints", { signal: AbortSignal.abort() });
  await assert.rejects(given, { name: "AbortError" });
});

test("when to come again stands as it was when the answer came", async (context) => {
  context.mock.timers.enable({ apis: ["Date"], now: 1000 });
  answer = () =>
    Response.json(
      { error: "code", message: "message" },
      { status: 503, headers: { "retry-after": "5" } },
    );
  await assert.rejects(read, (error) => {
    context.mock.timers.setTime(60_000);
    assert.equal(error.retryAt, 6000);
    return true;
  });
});
