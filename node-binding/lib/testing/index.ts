export { sign } from "../sign.js";
export type { Framing, HostileRequest, Outgoing } from "./case.js";
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
export type { Expectation } from "./expectation.js";
export { type HostileOptions, hostileRequests } from "./hostile.js";
export { type RequestOptions, signedRequest } from "./request.js";
