import { readFileSync } from "node:fs";
import { Agent } from "node:http";
import { Agent as TlsAgent } from "node:https";
import * as tls from "node:tls";
import type { Command } from "commander";
import { HttpProxyAgent } from "http-proxy-agent";
import { HttpsProxyAgent } from "https-proxy-agent";
import { getProxyForUrl } from "proxy-from-env";
import { parseHttpUrl } from "../../testing/http-client.js";
import { UsageError } from "./errors.js";

/** The options of connections to servers. */
export interface ConnectionOptions {
  ca?: string;
  insecure?: boolean;
}

/** Adds the options of connections. */
export function addConnection(command: Command): Command {
  return command
    .option(
      "--ca <file>",
      "trust the authorities in this PEM file too (or set NODE_EXTRA_CA_CERTS)",
    )
    .option("--insecure", "trust any certificate of a server on this machine");
}

/** Returns whether a URL is on this machine, so that no network carries what is sent there. */
export function isLoopback({ hostname }: URL): boolean {
  return /^(localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}

/**
 * Creates the agent that connects to a server: through the proxy of HTTPS_PROXY, HTTP_PROXY or ALL_PROXY, unless the
 * server is in NO_PROXY or on this machine. Throws a {@link UsageError}, also for `--insecure` if none of the command's
 * servers (`all`) is on this machine.
 */
export function agentFor(
  url: URL,
  { ca, insecure = false }: ConnectionOptions,
  all: readonly URL[] = [url],
): Agent {
  if (insecure && !all.some(isLoopback)) {
    throw new UsageError(
      `--insecure is only for servers on this machine, and ${url.hostname} is none`,
      "trust the authority of its certificate instead: --ca <file>, or NODE_EXTRA_CA_CERTS",
    );
  }
  const isTls = url.protocol === "https:";
  const trust: tls.SecureContextOptions & { rejectUnauthorized?: boolean } = {};
  if (isTls && ca !== undefined) trust.ca = [...defaultAuthorities(), readPem(ca)];
  if (isTls && insecure && isLoopback(url)) trust.rejectUnauthorized = false;
  const proxy = proxyFor(url);
  if (proxy === undefined) return isTls ? new TlsAgent(trust) : new Agent();
  if (!isTls) return new HttpProxyAgent(proxy);
  const agent = new HttpsProxyAgent(proxy, trust);
  // The constructor's options are for the connection to the proxy, `options` for the one to the server.
  Object.assign(agent.options, trust);
  return agent;
}

/** Returns the proxy for a server, if there is one. Throws a {@link UsageError} for one that can't be used. */
export function proxyFor(url: URL): URL | undefined {
  if (isLoopback(url)) return undefined;
  const text = getProxyForUrl(url.href);
  if (text === "") return undefined;
  const hint =
    "write it as http://name:password@host:port, with % as %25, or except the server with NO_PROXY";
  return parseHttpUrl(text, (what) => new UsageError(`the proxy of the environment ${what}`, hint));
}

/** Returns the default certificate authorities; in older versions of Node, its bundled ones. */
function defaultAuthorities(): readonly string[] {
  return tls.getCACertificates?.("default") ?? tls.rootCertificates;
}

function readPem(path: string): string {
  let pem: string;
  try {
    pem = readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(
      `the file of --ca can't be read (${code})`,
      "see whether the path is right",
    );
  }
  if (pem.includes("-----BEGIN CERTIFICATE-----")) return pem;
  throw new UsageError(
    "the file of --ca holds no certificate",
    "it is a PEM file, which has a line -----BEGIN CERTIFICATE-----",
  );
}
