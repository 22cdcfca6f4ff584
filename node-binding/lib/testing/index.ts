export { sign } from "../verifier/sign.js";
export { type CheckOptions, type CheckReport, type CheckResult, checkEndpoint } from "./check.js";
export {
  type EventBody,
  eventBody,
  events,
  type Kind,
  kinds,
  type LifecycleOptions,
  lifecycle,
  type Status,
  statuses,
} from "./events.js";
export type { Framing, HostileRequest, Outgoing } from "./hostile/case.js";
export type { Expectation } from "./hostile/expectation.js";
export { type HostileOptions, hostileRequests } from "./hostile/index.js";
export { type RequestOptions, signedRequest } from "./signed-request.js";
