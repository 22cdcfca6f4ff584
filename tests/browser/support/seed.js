// A gateway to which everything has happened once: tasks at every stage, deliveries in every state, bodies in
// quarantine for every reason, and refused requests of every kind.

import assert from "node:assert/strict";
import { attempted, deliveries, delivery } from "../../edge/support/deliveries.js";
import { event, PREVIOUS, SECRET, sign, until } from "../../edge/support/gateway.js";

const TASKS = 56;
const FAILURE = "No garment was found in the picture: try one with a plain background.";

/** Signed bodies that can't be read, by what is wrong with them. */
export const UNREADABLE = {
  invalid_utf8: Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]),
  invalid_json: '{"event": "generation.status_ch',
  too_deep: `${"[".repeat(80)}${"]".repeat(80)}`,
  invalid_event: '{"event":"generation.status_changed","task_id":7}',
  duplicate_key: '{"event":"a","task_id":"task_one","task_id":"task_other"}',
};

const BODY =
  '{ "event": "generation.status_changed", "task_id": "task_refused", "status": "queued" }';

/** Signatures that are refused, by why. */
export const REFUSED = {
  missing_signature: null,
  malformed_signature: `sha256=${sign(BODY)}`,
  multiple_signatures: `${sign(BODY)}, ${sign(BODY, PREVIOUS)}`,
  signature_mismatch: sign(JSON.stringify(JSON.parse(BODY)), SECRET),
};

/** The id of the task that has been through most. */
export const ODD = "task_7g4e0d4x";

const result = (id) => ({ data: { result_url: `https://cdn.example/results/${id}/look-4k.png` } });

async function post(gateway, ...bodies) {
  for (const body of bodies) assert.equal((await gateway.post(body)).status, 200);
}

/** One task as far as it has come. */
function course(nth) {
  const id = `task_${(1_000_003 * (nth + 7)).toString(36)}${nth.toString(36).padStart(2, "0")}`;
  const steps = [event(id, "queued")];
  if (nth % 9 !== 8) steps.push(event(id, "processing"));
  if (nth % 5 === 4 || nth % 9 === 8) return steps;
  if (nth % 11 === 3) return [...steps, event(id, "failed", { error: { message: FAILURE } })];
  return [...steps, event(id, "completed", result(id))];
}

/** The one that Vtryon could not make up its mind about. */
const oddCourse = [
  event(ODD, "processing"),
  event(ODD, "queued"),
  event(ODD, "completed", result(ODD)),
  event(ODD, "rendering"),
  event(ODD, "failed", { error: { message: "out of memory" } }),
  event(ODD, "completed", result(ODD)),
  JSON.stringify({ event: "generation.previewed", task_id: ODD, data: { quality: "draft" } }),
];

/**
 * Fills the gateway: `well` and `ill` are backends that answer 200 and 500. Returns the ids of the endpoints, and of a
 * delivery that has failed.
 */
export async function seedGateway(gateway, { well, ill }) {
  const alerts = [
    { url: `${well.url}/alerts`, description: "Operations" },
    { url: `${ill.url}/slack`, format: "slack", events: ["gateway.endpoint_disabled"] },
  ];
  for (const json of alerts) await gateway.api("/api/alerts", { method: "POST", json });
  const kept = await gateway.register(well.url, { description: "Shop, production" });
  const failing = await gateway.register(ill.url, {
    description: "Analytics",
    order: "all",
    include: ["unknown", "quarantined"],
  });
  const leaving = await gateway.register(`${ill.url}/former`, { statuses: ["completed"] });
  await post(gateway, event("task_of_former", "completed", result("task_of_former")));
  await delivery(gateway, { endpoint: leaving.id }, attempted);
  await gateway.api(`/api/endpoints/${leaving.id}`, { method: "DELETE" });
  const paused = await gateway.register(`${well.url}/paused`, { description: "Staging" });
  const json = { enabled: false };
  await gateway.api(`/api/endpoints/${paused.id}`, { method: "PATCH", json });

  for (const scope of ["read", "replay", "admin"]) {
    await gateway.api("/api/tokens", { json: { name: `For ${scope} ${"x".repeat(60)}`, scope } });
  }
  const courses = Array.from({ length: TASKS }, (_, nth) => course(nth));
  await Promise.all(courses.map((steps) => post(gateway, ...steps)));
  await post(gateway, ...oddCourse, ...Object.values(UNREADABLE));
  for (const signature of Object.values(REFUSED)) {
    assert.equal((await gateway.post(BODY, { signature })).status, 401);
  }
  await until(async () => {
    const { body } = await gateway.api("/api/rejections");
    return body.rejections.length === Object.keys(REFUSED).length;
  });
  await until(async () => (await deliveries(gateway, { state: "dead" })).length > 0);
  await delivery(
    gateway,
    { endpoint: kept.id, task_id: ODD },
    ({ state }) => state === "delivered",
  );
  const tried = await until(async () => {
    const pending = await deliveries(gateway, { endpoint: failing.id });
    return pending.find(attempted);
  });
  return { kept, failing, paused, tried };
}
