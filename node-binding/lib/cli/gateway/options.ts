// The options that name a gateway, and times in what it has stored.

import { type Command, InvalidArgumentError } from "commander";
import { isLoopback } from "../common/connection.js";
import { UsageError } from "../common/errors.js";
import { httpUrl } from "../common/input.js";

export interface GatewayOptions {
  gateway?: string;
}

/** The gateway of `make dev`. */
const GATEWAY = "http://127.0.0.1:8787";

/** Adds the option that names the gateway. */
export function addGateway(command: Command): Command {
  return command.option(
    "--gateway <url>",
    `the gateway (default: VTRYON_GATEWAY_URL, or ${GATEWAY})`,
  );
}

/** Returns the gateway's URL. Throws a {@link UsageError} where its token could be read on the way. */
export function gatewayOf({ gateway }: GatewayOptions): URL {
  const { origin } = httpUrl(gateway ?? (process.env.VTRYON_GATEWAY_URL || GATEWAY), GATEWAY);
  const url = new URL(origin);
  if (url.protocol === "https:" || isLoopback(url)) return url;
  throw new UsageError(
    "the gateway's URL is http: everybody on the way could read the token",
    `write it as https://${url.host}; http is only for a gateway on this machine`,
  );
}

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Parses a time or an age. An age is subtracted from the time now, once for all shards. */
export function parseTime(text: string): string {
  const [, age, unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const at =
    age === undefined
      ? Date.parse(/^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/i.test(text) ? text : "")
      : Date.now() - Number(age) * (UNITS[unit] ?? 0);
  if (Number.isNaN(at)) {
    throw new InvalidArgumentError(
      "It is an age such as 30m, or a time such as 2026-07-01T12:00:00Z.",
    );
  }
  if (at < 0) {
    throw new InvalidArgumentError("It is before 1970: the earliest is 1970-01-01T00:00:00Z.");
  }
  return new Date(at).toISOString();
}
