import type { Command } from "commander";
import { addConnection, agentFor, type ConnectionOptions } from "../common/connection.js";
import { required } from "../common/errors.js";
import { addToken, httpUrl, type TokenOptions, tokenOf } from "../common/input.js";
import { addGateway, type GatewayOptions, gatewayOf, parseTime } from "../gateway/options.js";
import { addTimeout } from "../send.js";
import { defaultPath, StateFile } from "../state/state-file.js";
import { Backend } from "./backend.js";
import { Output } from "./output.js";
import { Session } from "./session.js";

interface Options extends TokenOptions, ConnectionOptions, GatewayOptions {
  forward?: string[];
  since?: string;
  state?: string;
  strict?: boolean;
  timeout: number;
  json?: boolean;
}

/** The exit code for a gap: events that the gateway no longer has. */
const GAP = 3;

/** `listen --forward <url>`. */
export function addListen(program: Command): void {
  const command = program
    .command("listen")
    .summary("forward the events that a gateway receives to a backend, such as on this machine")
    .description(
      "Forwards the events that a gateway receives to a backend, such as on this machine.",
    )
    .option("--forward <url>", "the backend; can be repeated", append)
    .option(
      "--since <time>",
      "begin with events from then on: an age such as 30m, 12h or 7d, or a time",
      parseTime,
    )
    .option("--state <file>", "the file that stores the position (default: one for these URLs)")
    .option("--strict", "stop at a gap: missed events that the gateway no longer keeps")
    .option("--json", "print a line of JSON for each event");
  addConnection(addTimeout(addToken(addGateway(command), "listen")))
    .addHelpText("after", HELP)
    .action(run);
}

const HELP = `
Each event is forwarded as Vtryon sent it: the same bytes, the same x-vtryon-signature.
So the backend needs the secret that Vtryon signs with.

Position: the first run begins with new events. Later runs, and reconnections, go on
where the last one stopped. Replays of the gateway are forwarded too and marked.

Order: the events of a task are forwarded one after the other; 8 tasks at a time.

Failures: a backend that can't be reached is waited for. If it closes the connection
without an answer, the event is sent again, up to 4 times. Any answer counts: after a
500, or no answer within --timeout, the event is skipped. To get it again, replay it in
the gateway or start with --since. With several --forward, a backend that can't be
reached stops the others after a while.

An event can be forwarded twice if the command or the connection is killed between the
backend's work and its answer. With a debugger, set --timeout 3600.

HTTPS_PROXY, HTTP_PROXY and NO_PROXY are honoured. The token is sent over https, or
over http to this machine only.

The exit code is 0 after SIGINT or SIGTERM, 1 if the gateway refuses, 2 for a wrong
call, 3 for a gap with --strict; without it, a gap is a warning.

Examples:
  $ export VTRYON_GATEWAY_TOKEN=…
  $ vtryon-webhooks listen --forward http://localhost:3000/webhooks/vtryon
  $ vtryon-webhooks listen --gateway $URL --since 30m --forward $A --forward $B`;

async function run(options: Options): Promise<void> {
  const { json = false, strict = false, timeout, since } = options;
  const urls = required(options.forward, "--forward <url>").map((url) => httpUrl(url));
  const gateway = gatewayOf(options);
  const token = tokenOf(options, "listen");
  const output = new Output(gateway, { json, several: urls.length > 1 });
  const agentTo = (url: URL) => agentFor(url, options, [gateway, ...urls]);
  const agent = agentTo(gateway);
  const backends = unique(urls).map(
    (url) => new Backend(url, agentTo(url), timeout * 1000, output),
  );
  const state = new StateFile(
    options.state ?? defaultPath("listen", gateway, urls),
    gateway,
    since,
  );
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

/** Removes duplicates. */
function unique(urls: readonly URL[]): URL[] {
  return [...new Map(urls.map((url) => [url.href, url])).values()];
}

function append(url: string, before: string[] = []): string[] {
  return [...before, url];
}
