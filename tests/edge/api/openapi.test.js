// The document of the API is OpenAPI, and has the paths and methods of the gateway; openapi-answers.test.js
// holds the answers to it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { call, DOCUMENT, MISSING, OPERATIONS } from "../support/api/document.js";
import { Gateway, TOKEN } from "../support/gateway.js";

let gateway;
before(async () => {
  gateway = await Gateway.start();
});
after(() => gateway.stop());

/** The methods of each path, as the document has them; whatever answers GET answers HEAD. */
const METHODS = Object.fromEntries(
  Object.keys(DOCUMENT.paths).map((path) => {
    const own = OPERATIONS.filter((operation) => operation.path === path).map(
      ({ method }) => method,
    );
    return [path, [...own, ...(own.includes("GET") ? ["HEAD"] : [])].sort()];
  }),
);

test("it is OpenAPI 3.1", async () => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(structuredClone(DOCUMENT));
  assert.ok(valid, JSON.stringify(errors));
  assert.equal(validator.version, "3.1");
});

test("it names each operation once, each parameter of a path, and nothing in vain", () => {
  const ids = OPERATIONS.map(({ id }) => id);
  assert.deepEqual(ids, [...new Set(ids)]);
  for (const { path, parameters } of OPERATIONS) {
    const named = parameters.filter(({ in: place }) => place === "path").map(({ name }) => name);
    assert.deepEqual(
      named,
      [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name),
    );
  }
  const text = JSON.stringify(DOCUMENT);
  const kinds = Object.entries(DOCUMENT.components).filter(([kind]) => kind !== "securitySchemes");
  for (const [kind, parts] of kinds) {
    for (const name of Object.keys(parts)) {
      assert.ok(text.includes(`"#/components/${kind}/${name}"`), `${kind}/${name} is used nowhere`);
    }
  }
});

test("it has the paths, methods and scopes of the program", async (t) => {
  const faulty = await Gateway.start({ build: "build-faults" });
  t.after(() => faulty.stop());
  const answer = await fetch(faulty.url, { headers: { "x-fault": "routes" } });
  const documented = Object.groupBy(OPERATIONS, ({ path }) => path);
  const scopes = (operations) => operations.map(({ method, scope }) => [method, scope ?? null]);
  assert.deepEqual(
    await answer.json(),
    Object.fromEntries(
      Object.entries(documented).map(([path, own]) => [path, Object.fromEntries(scopes(own))]),
    ),
  );
});

test("the gateway serves this document", async () => {
  assert.deepEqual((await call(gateway, "getDocument")).body, DOCUMENT);
});

test("a method that it does not name is answered 405, with those that it names", async () => {
  for (const [path, methods] of Object.entries(METHODS)) {
    for (const method of ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
      if (methods.includes(method)) continue;
      const answer = await fetch(gateway.url + path.replace(/[{}]/g, ""), { method });
      assert.equal(answer.status, 405, `${method} ${path}`);
      assert.deepEqual(answer.headers.get("allow").split(", ").sort(), methods, path);
    }
  }
});

test("HEAD is answered wherever GET is, and as GET is", async () => {
  const headers = { authorization: `Bearer ${TOKEN}` };
  for (const path of Object.keys(METHODS).filter((path) => METHODS[path].includes("GET"))) {
    const url = gateway.url + path.replace(/\{(\w+)\}/g, (_, name) => MISSING[name]);
    const [get, head] = await Promise.all(
      ["GET", "HEAD"].map((method) => fetch(url, { method, headers })),
    );
    assert.equal(head.status, get.status, path);
    assert.equal(head.headers.get("content-type"), get.headers.get("content-type"), path);
    assert.equal(await head.text(), "", path);
  }
});
