import { Failure } from "../usage.js";

/** Tells why it is of no use to ask the gateway again after this answer; undefined where it is. */
export function refused(status: number): Failure | undefined {
  if (status >= 500 || status === 408 || status === 429) return undefined;
  if (status === 401 || status === 403) {
    return new Failure(
      `the gateway refuses the token (${status})`,
      "is it the GATEWAY_ADMIN_TOKEN of this gateway?",
    );
  }
  if (status === 400) {
    return new Failure(
      "the gateway does not know the place to resume at (400)",
      "its storage is another one: begin anew with --since, or with another file for --state",
    );
  }
  return new Failure(
    `there are no live updates at this gateway (${status})`,
    "is --gateway the URL of a gateway, and is that as new as this command?",
  );
}
