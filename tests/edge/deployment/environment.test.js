// A deployment that changes variables alone may reuse an isolate: the requests that it answers from then on have another
// environment. Local runtimes start anew for that, so here a header says which one a request has.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { bearer } from "../support/api/caller.js";
import { event, Gateway, SECRET, sign, TOKEN } from "../support/gateway.js";

const ENTRY = `import worker from "./index.js";
export { Directory, TaskShard } from "./index.js";
const known = {};
export default {
  fetch(request, env, context) {
    const changed = request.headers.get("x-environment");
    if (changed) known[changed] ??= { ...env, ...JSON.parse(changed) };
    return worker.fetch(request, changed ? known[changed] : env, context);
  },
};`;

const OTHER_TOKEN = "other-admin-token-of-the-tests-0123456789";
const OTHER_SECRET = "whsec_test_other";
const OTHER = { GATEWAY_ADMIN_TOKEN: OTHER_TOKEN, VTRYON_WEBHOOK_SECRET: OTHER_SECRET };
const FAULTY = { VTRYON_WEBHOOK_SECRET: null };

let gateway;
before(async () => {
  gateway = await Gateway.start({ entry: ENTRY });
});
after(() => gateway.stop());

/** Asks the API and posts an event in an environment, by these credentials; returns both statuses. */
async function statuses(changed, token = TOKEN, secret = SECRET) {
  const headers = changed ? { "x-environment": JSON.stringify(changed) } : {};
  const asked = await fetch(`${gateway.url}/api/tasks`, {
    headers: { ...headers, ...bearer(token) },
  });
  const body = event("task_1", "queued");
  const posted = await gateway.post(body, { signature: sign(body, secret), headers });
  return [asked.status, posted.status];
}

const ACCEPTED = [200, 200];
const REFUSED = [401, 401];

test("a request goes by the secrets of its own environment", async () => {
  for (const [changed, token, secret, expected] of [
    [undefined, TOKEN, SECRET, ACCEPTED],
    [OTHER, TOKEN, SECRET, REFUSED],
    [OTHER, OTHER_TOKEN, OTHER_SECRET, ACCEPTED],
    // One that began before, or an object.
    [undefined, TOKEN, SECRET, ACCEPTED],
    [undefined, OTHER_TOKEN, OTHER_SECRET, REFUSED],
  ]) {
    assert.deepEqual(await statuses(changed, token, secret), expected);
  }
});

test("a fault is mended by the next environment, and logged once", async () => {
  for (const [changed, expected] of [
    // The same variables, and a binding of the wrong kind.
    [{ DIRECTORY: {} }, [503, 503]],
    [undefined, ACCEPTED],
    [FAULTY, [503, 503]],
    [undefined, ACCEPTED],
    [FAULTY, [503, 503]],
  ]) {
    assert.deepEqual(await statuses(changed), expected);
  }
  const log = await gateway.wholeLog();
  assert.equal(log.split("configuration: VTRYON_WEBHOOK_SECRET is not a text").length, 2, log);
});

test("one that was forgotten is read again", async () => {
  const tokens = Array.from({ length: 10 }, (_, nth) => `${nth}-${OTHER_TOKEN}`);
  for (const token of [...tokens, ...tokens]) {
    assert.deepEqual(await statuses({ GATEWAY_ADMIN_TOKEN: token }, token), ACCEPTED);
  }
});
