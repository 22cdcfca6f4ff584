import type { NoAnswer } from "../../../testing/http-client.js";
import { Failure } from "../../common/errors.js";
import { TRUST_HINT } from "../../common/format.js";

/** Returns the error for a certificate that is not trusted, which a retry would not change. */
export function untrustedError({ origin }: URL, { failure }: NoAnswer): Failure {
  return new Failure(`${origin}: ${failure}`, TRUST_HINT);
}

/** Returns the error for an answer of the gateway that a retry would not change; undefined for all others. */
export function gatewayError(status: number): Failure | undefined {
  if (status >= 500 || status === 408 || status === 429) return undefined;
  if (status === 401) {
    return new Failure(
      "the gateway refuses the token (401)",
      "is it of this gateway, and has it neither expired nor been revoked?",
    );
  }
  if (status === 403) {
    return new Failure(
      "the token may not watch live streams (403)",
      "create one with the scope listen in the dashboard, under Settings → Tokens",
    );
  }
  if (status === 407) {
    return new Failure(
      "the proxy refuses to connect to the gateway (407)",
      "write its name and password into HTTPS_PROXY, or except the gateway with NO_PROXY",
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
