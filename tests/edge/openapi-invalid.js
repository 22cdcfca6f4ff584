// Requests that are refused as invalid, for the test of the API's document.

/** A text of a length. */
export const long = (length) => "x".repeat(length);
const create = (json) => ["createEndpoint", { json: { url: "https://shop.example/", ...json } }];
const range = (json) => ["replayRange", { json: { endpoint: "ep_1", ...json } }];
const rotate = (json) => ["rotateSecret", { path: { endpoint_id: "ep_1" }, json }];

/** What is refused, and by the document's schemas too: [operation, request] */
export const INVALID = [
  ["getTask", { path: { task_id: long(257) } }],
  ["getResult", { path: { task_id: long(257) } }],
  ["listTasks", { query: { limit: "0" } }],
  ["listTasks", { query: { limit: "101" } }],
  ["listTasks", { query: { limit: "ten" } }],
  ["listTasks", { query: { status: "paused" } }],
  ["listTasks", { query: { stalled: "30" } }],
  ["listTasks", { query: { stalled: "m" } }],
  ["listTasks", { query: { stalled: "+30m" } }],
  ["listTasks", { query: { stalled: "30M" } }],
  ["listTasks", { query: { state: "dead" } }],
  ["listQuarantine", { query: { limit: "101" } }],
  ["listQuarantine", { query: { status: "queued" } }],
  ["listDeliveries", { query: { limit: "101" } }],
  ["listDeliveries", { query: { endpoint: "1" } }],
  ["listDeliveries", { query: { endpoint: "ep_0" } }],
  ["listDeliveries", { query: { endpoint: "ep_01" } }],
  ["listDeliveries", { query: { endpoint: "ep_-1" } }],
  ["listDeliveries", { query: { state: "failed" } }],
  ["listDeliveries", { query: { status: "dead" } }],
  ["createEndpoint", { json: {} }],
  ["createEndpoint", { body: "url" }],
  create({ url: null }),
  create({ url: `https://shop.example/${long(2028)}` }),
  create({ description: long(501) }),
  create({ enabled: "yes" }),
  create({ order: "first" }),
  create({ statuses: "completed" }),
  create({ statuses: [""] }),
  create({ statuses: [long(65)] }),
  create({ statuses: Array(51).fill("queued") }),
  create({ events: [long(129)] }),
  create({ include: ["late"] }),
  create({ secret: "mine" }),
  ["changeEndpoint", { path: { endpoint_id: "ep_1" }, json: { order: "first" } }],
  rotate({ overlap_hours: -1 }),
  rotate({ overlap_hours: 169 }),
  rotate({ overlap_hours: 1.5 }),
  rotate({ hours: 1 }),
  ["replayRange", { json: {} }],
  range({ endpoint: "1" }),
  range({ which: "some" }),
  range({ from: "yesterday" }),
  range({ from: "2026-02-30T00:00:00Z" }),
  range({ from: "2026-01-01T24:00:00Z" }),
  range({ from: "2026-01-01T00:00:00.000" }),
  range({ until: "2026-01-01T00:00:00.0001" }),
  range({ since: "2026-01-01T00:00:00Z" }),
  ["replayRange", { json: { endpoint: "ep_1" }, headers: { "idempotency-key": long(256) } }],
];
/** What is refused for more than a schema can say: [operation, request] */
export const BEYOND = [
  ["getTask", { path: { task_id: "a\nb" } }],
  ["listTasks", { query: { cursor: "next" } }],
  ["listTasks", { query: { status: "completed", stalled: "30m" } }],
  ["listQuarantine", { query: { cursor: "next" } }],
  ["listDeliveries", { query: { cursor: "next" } }],
  ["listDeliveries", { query: { cursor: "1.s.s", task_id: "task_4" } }],
  create({ url: "https://10.0.0.1/" }),
  create({ url: "ftp://shop.example/" }),
  create({ description: "\u00fc".repeat(251) }),
];
