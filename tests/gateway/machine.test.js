// What the tests of the package take from the environment that they are run in.

import assert from "node:assert/strict";
import { test } from "node:test";
import { keptOf } from "./support/machine.js";

test("npm reaches the registry as it does outside of the tests, and nothing else is taken over", () => {
  const forNpm = {
    HOME: "/home/u",
    HTTPS_PROXY: "http://proxy.example:3128",
    http_proxy: "http://proxy.example:3128",
    no_proxy: "127.0.0.1",
    NODE_EXTRA_CA_CERTS: "/ca.pem",
    SSL_CERT_FILE: "/ca.pem",
    npm_config_cafile: "/ca.pem",
    npm_config_https_proxy: "http://proxy.example:3128",
    npm_config_registry: "https://registry.example/",
    npm_config_userconfig: "/npmrc",
  };
  const others = { PATH: "/bin", NODE_OPTIONS: "--trace-warnings", GATEWAY_ADMIN_TOKEN: "x" };
  assert.deepEqual(keptOf({ ...forNpm, ...others }), forNpm);
});
