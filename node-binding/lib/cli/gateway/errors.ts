import type { NoAnswer } from "../../testing/http-client.js";
import { Failure } from "../common/errors.js";
import { TRUST_HINT } from "../common/format.js";

/** Returns the error for a certificate that is not trusted, which a retry would not change. */
export function untrustedError({ origin }: URL, { failure }: NoAnswer): Failure {
  return new Failure(`${origin}: ${failure}`, TRUST_HINT);
}

/** What a token has to be let do, and the scope that lets it. */
interface Need {
  readonly what: string;
  readonly scope: string;
}

const STREAMS: Need = { what: "watch live streams", scope: "listen" };

/** Returns the error for an answer of the gateway that a retry would not change; undefined for all others. */
export function gatewayError(status: number, need: Need = STREAMS): Failure | undefined {
  if (status >= 500 || status === 408 || status === 429) return undefined;
  if (status === 401) {
    return new Failure(
      "the gateway refuses the token (401)",
      "is it of this gateway, and has it neither expired nor been revoked?",
    );
  }
  if (status === 403) {
    return new Failure(
      `the token may not ${need.what} (403)`,
      `create one with the scope ${need.scope} in the dashboard, under Settings → Tokens`,
    );
  }
  if (status === 407) {
    return new Failure(
      "the proxy refuses to connect to the gateway (407)",
      "write its name and password into HTTPS_PROXY, or except the gateway with NO_PROXY",
    );
  }
  if (status === 400 || status === 409) {
    return new Failure(
      `the gateway does not know the place to resume at (${status})`,
      "its storage is another one: begin anew with --since, or with another file for --state or --output",
    );
  }
  return new Failure(
    `there are no live updates at this gateway (${status})`,
    "is --gateway the URL of a gateway, and is that as new as this command?",
  );
}
