import type { Command } from "commander";
import { InvalidArgumentError } from "commander";
import {
  addConnection,
  agentFor,
  type ConnectionOptions,
  isLoopback,
} from "../common/connection.js";
import { required, UsageError } from "../common/errors.js";
import { addToken, httpUrl, type TokenOptions, tokenOf } from "../common/input.js";
import { addTimeout } from "../send.js";
import { Backend } from "./backend.js";
import { Output } from "./output.js";
import { Session } from "./session.js";
import { defaultPath, StateFile } from "./state/state-file.js";

interface Options extends TokenOptions, ConnectionOptions {
  forward?: string[];
  gateway?: string;
  since?: string;
  state?: string;
  strict?: boolean;
  timeout: number;
  json?: boolean;
}

/** The exit code for a gap: events that the gateway no longer has. */
const GAP = 3;

/** The gateway of `make dev`. */
const GATEWAY = "http://127.0.0.1:8787";

/** `listen --forward <url>`. */
export function addListen(program: Command): void {
  const command = program
    .command("listen")
    .description("forward the events that a gateway receives, such as to this machine")
    .option("--forward <url>", "where to; can be repeated", append)
    .option("--gateway <url>", `the gateway (default: VTRYON_GATEWAY_URL, or ${GATEWAY})`)
    .option("--since <time>", "begin there: an age such as 30m, 12h or 7d, or a time", parseSince)
    .option("--state <file>", "where to keep how far it came (default: a file for these URLs)")
    .option("--strict", "end where the gateway no longer keeps what was missed")
    .option("--json", "print a line of JSON for each event");
  addConnection(addTimeout(addToken(command)))
    .addHelpText("after", HELP)
    .action(run);
}

const HELP = `
Each event goes on as Vtryon sent it: the same bytes, the same x-vtryon-signature.
So the backend needs the secret that Vtryon signs with.

What came while it did not run, or was cut off, comes when it runs again. The first
time it begins with what comes from then on. Replays come too, marked as such.
The events of a task go in order, one after the other; those of 8 tasks at once.
A backend that can't be reached is waited for. An event that is closed without an
answer goes again, up to 5 times. Any answer counts: an event that is answered
500, or not within --timeout, is skipped, so that the next ones come. To have it
again once the backend is mended, replay it, or begin earlier with --since.
With several --forward, one that can't be reached holds up the others in the end.
An event may come twice where the command, or the connection, was killed after the
backend took it and before its answer came.
With a debugger, give it time: --timeout 3600.

HTTPS_PROXY, HTTP_PROXY and NO_PROXY are honoured. The token goes over https, or
over http to this machine only.

The exit code is 0 after SIGINT or SIGTERM, 1 when the gateway refuses, 2 for a
wrong call, and 3 for a gap with --strict; without it, a gap is a warning.

Examples:
  $ export GATEWAY_ADMIN_TOKEN=…
  $ vtryon-webhooks listen --forward http://localhost:3000/webhooks/vtryon
  $ vtryon-webhooks listen --gateway $URL --since 30m --forward $A --forward $B`;

async function run(options: Options): Promise<void> {
  const { json = false, strict = false, timeout, since } = options;
  const urls = required(options.forward, "--forward <url>").map((url) => httpUrl(url));
  const gateway = gatewayOf(options);
  const token = tokenOf(options);
  const output = new Output(gateway, { json, several: urls.length > 1 });
  const agentTo = (url: URL) => agentFor(url, options, [gateway, ...urls]);
  const agent = agentTo(gateway);
  const backends = unique(urls).map(
    (url) => new Backend(url, agentTo(url), timeout * 1000, output),
  );
  const state = new StateFile(options.state ?? defaultPath(gateway, urls), gateway, since);
  try {
    output.started(backends);
    const session = new Session({ gateway, agent, token, backends, state, output, strict });
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.once(signal, () => session.stop());
    }
    if ((await session.run()).hasGap) process.exitCode = GAP;
  } finally {
    state.close();
  }
}

function gatewayOf({ gateway }: Options): URL {
  const { origin } = httpUrl(gateway ?? (process.env.VTRYON_GATEWAY_URL || GATEWAY), GATEWAY);
  const url = new URL(origin);
  if (url.protocol === "https:" || isLoopback(url)) return url;
  throw new UsageError(
    "the gateway's URL is http: everybody on the way could read the token",
    `write it as https://${url.host}; http is only for a gateway on this machine`,
  );
}

/** Removes duplicates. */
function unique(urls: readonly URL[]): URL[] {
  return [...new Map(urls.map((url) => [url.href, url])).values()];
}

function append(url: string, before: string[] = []): string[] {
  return [...before, url];
}

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Parses a time or an age. An age is subtracted from the time now, once for all shards. */
function parseSince(text: string): string {
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
  return new Date(at).toISOString();
}
