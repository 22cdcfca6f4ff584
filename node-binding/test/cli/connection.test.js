// The command on real desks: certificates that are not trusted, proxies, and tokens that must not be seen.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { after, test } from "node:test";
import { emitted } from "../../../tests/support/wait.js";
import { certificates } from "../support/certificates.js";
import { FakeGateway } from "../support/fake-gateway.js";
import { proxyOf } from "../support/proxy.js";
import { bodyOf, correct, run, SECRET, serve } from "../support/run-cli.js";
import { backendOf, listenIn, stateFolder, until } from "../support/run-listen.js";

const { ca, at, issued, selfSigned } = certificates(after);
const HERE = "DNS:localhost,IP:127.0.0.1";
const TLS = {
  issued: issued("issued", `${HERE},DNS:gateway.test,DNS:shop.test`),
  self: selfSigned("self", HERE),
  foreign: issued("foreign", "DNS:elsewhere.test"),
  old: issued("old", HERE, "-days", "-1"),
};
const listen = listenIn(stateFolder(after));
const SECRETS = { VTRYON_WEBHOOK_SECRET: SECRET };
const env = (more) => ({ env: { ...SECRETS, ...more } });
const SENT = ["--status", "queued"];
const REMEDY = /--ca <file> or NODE_EXTRA_CA_CERTS.*--insecure/;

/** Serves a receiver over TLS until the test has ended. */
async function tlsReceiver(t, tls, handler = correct) {
  const server = createTlsServer(tls, handler).listen(0, "127.0.0.1");
  await emitted(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: server.address().port, url: `https://127.0.0.1:${server.address().port}/` };
}

/** A gateway over TLS, until the test has ended. */
async function tlsGateway(t, tls) {
  const gateway = await FakeGateway.start(2, tls);
  t.after(() => gateway.down().catch(() => {}));
  return gateway;
}

for (const [name, tls, reason] of [
  ["self-signed", TLS.self, /certificate not trusted: it is self-signed/],
  ["of an unknown authority", TLS.issued, /certificate not trusted: its authority is unknown/],
  ["for another host", TLS.foreign, /certificate not trusted: its authority is unknown/],
]) {
  test(`a certificate that is ${name}: send, trigger and doctor say so, with a hint`, async (t) => {
    const { url } = await tlsReceiver(t, tls);
    for (const args of [
      ["send", url, ...SENT],
      ["trigger", "try-on", "--to", url, "--retries", "0"],
      ["doctor", url, "--only", "good"],
    ]) {
      const { code, stdout } = await run(args);
      assert.equal(code, 1, args[0]);
      assert.match(stdout, reason, args[0]);
      assert.match(stdout, REMEDY, args[0]);
    }
  });

  test(`a gateway's certificate that is ${name}: listen ends, and says so`, async (t) => {
    const gateway = await tlsGateway(t, tls);
    const listener = listen(t, gateway, [await backendOf(t)]);
    assert.equal(await listener.ended, 1);
    assert.match(listener.stderr, reason);
    assert.match(listener.stderr, REMEDY);
    assert.doesNotMatch(listener.stderr, /retrying/);
  });

  test(`a backend's certificate that is ${name}: listen ends at the first event, and says so`, async (t) => {
    const gateway = await FakeGateway.start();
    t.after(() => gateway.down().catch(() => {}));
    const listener = await listen(t, gateway, [await tlsReceiver(t, tls)]).ready();
    gateway.event("task_1", "queued");
    assert.equal(await listener.ended, 1);
    assert.match(listener.stderr, reason);
    assert.match(listener.stderr, REMEDY);
  });
}

for (const [name, tls, reason] of [
  ["for another host", TLS.foreign, /it is for another host/],
  ["out of date", TLS.old, /it has expired/],
]) {
  test(`a certificate of a trusted authority that is ${name}`, async (t) => {
    const { url } = await tlsReceiver(t, tls);
    const { code, stdout } = await run(["send", url, ...SENT, "--ca", ca]);
    assert.equal(code, 1);
    assert.match(stdout, reason);
  });
}

for (const [name, tls, args, more] of [
  ["--ca", TLS.issued, ["--ca", ca], {}],
  ["NODE_EXTRA_CA_CERTS", TLS.issued, [], { NODE_EXTRA_CA_CERTS: ca }],
  ["--insecure on this machine", TLS.self, ["--insecure"], {}],
  ["--ca with the self-signed certificate itself", TLS.self, ["--ca", at("self.pem")], {}],
]) {
  test(`trusted by ${name}: send, trigger, doctor and listen`, async (t) => {
    const { url } = await tlsReceiver(t, tls);
    for (const sent of [
      ["send", url, ...SENT],
      ["trigger", "try-on", "--to", url],
      ["doctor", url, "--only", "good", "--only", "cut-off"],
    ]) {
      const ended = await run([...sent, ...args], env(more));
      assert.equal(ended.code, 0, `${sent[0]}: ${ended.stdout}${ended.stderr}`);
    }
    const gateway = await tlsGateway(t, tls);
    const backend = await tlsReceiver(t, tls);
    const listener = await listen(t, gateway, [backend], args, { env: more }).ready();
    gateway.event("task_1", "queued");
    await listener.says(/queued +\[task_1\] +→ /);
    assert.equal(await listener.stop(), 0);
  });
}

test("https to a server without TLS is reported as such", async () => {
  const server = createServer(correct).listen(0, "127.0.0.1");
  await emitted(server, "listening");
  const ended = await run(["send", `https://127.0.0.1:${server.address().port}/`, ...SENT]);
  server.closeAllConnections();
  server.close();
  assert.equal(ended.code, 1);
  assert.match(ended.stdout, /no TLS there: is its URL http\?/);
});

const FORWARD = ["listen", "--forward", "http://127.0.0.1:9/", "--token", "a", "--gateway"];
writeFileSync(at("no.pem"), "nothing\n");
for (const [name, args, stderr, more] of [
  [
    "--insecure for another machine",
    ["send", "https://shop.test/", ...SENT, "--insecure"],
    /^error: --insecure is only for servers on this machine, and shop\.test is none\ntrust the/,
  ],
  [
    "--insecure where nothing is on this machine",
    [
      "listen",
      "--forward",
      "https://shop.test/",
      "--token",
      "a",
      "--gateway",
      "https://gateway.test",
      "--insecure",
    ],
    /^error: --insecure is only for servers on this machine/,
  ],
  [
    "no such file",
    ["doctor", "https://shop.test/", "--ca", at("none.pem")],
    /^error: .*--ca can't be read \(ENOENT\)/,
  ],
  [
    "a file without a certificate",
    ["send", "https://shop.test/", ...SENT, "--ca", at("no.pem")],
    /^error: .*holds no certificate\n/,
  ],
  ...[
    "http://gateway.test",
    "http://192.168.0.7:8787",
    "http://127.0.0.1.nip.io",
    "http://localhost.test",
    "http://[2001:db8::1]",
  ].map((gateway) => [
    `a token over http to ${gateway}`,
    [...FORWARD, gateway],
    /^error: the gateway's URL is http: everybody on the way could read the token\nwrite it as https:\/\//,
  ]),
  ...[
    ["of another kind", "socks5://shop:whsec_p@127.0.0.1:9", "is not one of http or https"],
    ["that is no URL", "127.0.0.1:9:9", "is not one of http or https"],
    ["with a % in its password", "http://shop:whsec_p%off@127.0.0.1:9", "has a malformed escape"],
  ].map(([kind, proxy, why]) => [
    `a proxy ${kind}`,
    ["send", "https://shop.test/", ...SENT],
    new RegExp(
      `^error: the proxy of the environment ${why}.*\nwrite it as http://name:password@host:port, with % as %25`,
    ),
    { HTTPS_PROXY: proxy },
  ]),
]) {
  test(`misused: ${name}`, async () => {
    const ended = await run(args, env(more));
    assert.deepEqual([ended.code, ended.stdout], [2, ""], ended.stderr);
    assert.match(ended.stderr, stderr);
    assert.doesNotMatch(ended.stderr, /whsec_p/);
  });
}

for (const host of ["127.0.0.1", "localhost", "127.0.0.2", "[::1]"]) {
  test(`a token over http to this machine: ${host}`, async () => {
    const ended = await run([...FORWARD, `http://${host}:9`, "--since", "never"]);
    // It fails at what is read after it.
    assert.match(ended.stderr, /--since <time>/);
  });
}

test("listen uses HTTPS_PROXY, also for WebSockets, unless NO_PROXY matches", async (t) => {
  const gateway = await tlsGateway(t, TLS.issued);
  const backend = await backendOf(t);
  const proxy = await proxyOf(t, { password: "whsec_p" });
  const remote = { url: `https://gateway.test:${gateway.port}` };
  const through = proxy.url.replace("//", "//shop:whsec_p@");
  const listener = await listen(t, remote, [backend], ["--ca", ca], {
    env: { HTTPS_PROXY: through, HTTP_PROXY: through },
  }).ready();
  gateway.event("task_1", "queued");
  await until(() => backend.received.length === 1);
  assert.equal(await listener.stop(), 0);
  assert.deepEqual(new Set(proxy.asked), new Set([`CONNECT gateway.test:${gateway.port}`]));
  assert.ok(proxy.asked.length >= 3, "the number of shards, and a stream of each");
  assert.match(listener.stderr, /through the proxy http:\/\/127\.0\.0\.1:\d+\n/);
  assert.doesNotMatch(listener.stderr, /whsec_p/);
  proxy.asked.length = 0;
  const direct = listen(t, remote, [backend], ["--ca", ca], {
    env: { HTTPS_PROXY: through, NO_PROXY: "gateway.test" },
  });
  await direct.says(/unknown host/);
  await direct.stop();
  assert.deepEqual(proxy.asked, []);
});

test("a refusal of the proxy is reported as such", async (t) => {
  const gateway = await tlsGateway(t, TLS.issued);
  const proxy = await proxyOf(t, { password: "other" });
  const remote = { url: `https://gateway.test:${gateway.port}` };
  const listener = listen(t, remote, [await backendOf(t)], ["--ca", ca], {
    env: { HTTPS_PROXY: proxy.url },
  });
  assert.equal(await listener.ended, 1);
  assert.match(listener.stderr, /the proxy refuses to connect to the gateway \(407\)/);
});

test("send, trigger and doctor go through the proxy, over https and over http", async (t) => {
  const proxy = await proxyOf(t);
  const secure = await tlsReceiver(t, TLS.issued);
  const server = createServer(correct).listen(0, "127.0.0.1");
  await emitted(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  for (const [url, asked] of [
    [`https://shop.test:${secure.port}/`, /^CONNECT shop\.test:/],
    [`http://shop.test:${server.address().port}/`, /^POST http:\/\/shop\.test:/],
  ]) {
    for (const args of [
      ["send", url, ...SENT],
      ["trigger", "try-on", "--to", url],
      ["doctor", url, "--only", "good", "--only", "zeros"],
    ]) {
      proxy.asked.length = 0;
      const ended = await run(
        [...args, "--ca", ca],
        env({ HTTPS_PROXY: proxy.url, http_proxy: proxy.url }),
      );
      assert.equal(ended.code, 0, ended.stdout);
      assert.ok(proxy.asked.length > 0);
      for (const line of proxy.asked) assert.match(line, asked);
    }
  }
});

for (const [protocol, pattern] of [
  ["http", /^POST http:\/\/shop\.test:/],
  ["https", /^CONNECT shop\.test:/],
]) {
  test(`listen, through a proxy to a backend over ${protocol} that does not answer: each event is sent once`, async (t) => {
    const proxy = await proxyOf(t);
    const gateway = await FakeGateway.start();
    t.after(() => gateway.down().catch(() => {}));
    const tasks = [];
    let requests = 0;
    const hanging = async (request) => {
      requests += 1;
      tasks.push(JSON.parse(await bodyOf(request)).task_id);
    };
    const url =
      protocol === "https"
        ? (await tlsReceiver(t, TLS.issued, hanging)).url
        : await serve(t, hanging);
    const backend = { url: url.replace("127.0.0.1", "shop.test") };
    const listener = await listen(t, gateway, [backend], ["--ca", ca, "--timeout", "5"], {
      env: { HTTPS_PROXY: proxy.url, HTTP_PROXY: proxy.url },
    }).ready();
    for (const task of ["task_1", "task_2"]) {
      gateway.event(task, "queued");
      await listener.says(new RegExp(`\\[${task}\\].*no answer within 5 s`));
    }
    assert.equal(await listener.stop(), 0);
    assert.deepEqual(tasks, ["task_1", "task_2"]);
    assert.equal(requests, tasks.length, "none that has broken off either");
    for (const line of proxy.asked) assert.match(line, pattern);
  });
}

test("the proxy is not used for servers on this machine", async (t) => {
  const proxy = await proxyOf(t);
  const secure = await tlsReceiver(t, TLS.issued);
  const ended = await run(
    ["send", secure.url, ...SENT, "--ca", ca],
    env({ HTTPS_PROXY: proxy.url }),
  );
  assert.equal(ended.code, 0, ended.stdout);
  assert.deepEqual(proxy.asked, []);
});
