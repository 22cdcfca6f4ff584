// The package against the vectors: the same verdicts as the core, and no other error whatever it is given.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { runInNewContext } from "node:vm";
import * as esm from "vtryon-webhooks";
import { bytes, sign } from "../../../tests/vectors/generate/bytes.js";

const cjs = createRequire(import.meta.url)("vtryon-webhooks");
const vectors = (name) =>
  JSON.parse(readFileSync(new URL(`../../../tests/vectors/${name}.json`, import.meta.url)));

const errorOf = (work) => {
  try {
    work();
    return undefined;
  } catch (error) {
    assert.ok(esm.WebhookError.is(error), `another error escapes: ${error}`);
    return error;
  }
};
const codeOf = (work) => errorOf(work)?.code ?? "ok";

for (const [form, { verify, constructEvent, lifecycleStep }] of Object.entries({ esm, cjs })) {
  test(`${form}: signatures`, () => {
    for (const { name, why, secrets, body, signatures, limit, expect } of vectors("signature")) {
      const keys = secrets.map(bytes);
      const options = limit === undefined ? undefined : { maxBodyBytes: limit };
      const error = errorOf(() => verify(bytes(body), signatures, keys, options));
      assert.equal(error?.code, expect.code, `${name} (${why})`);
      for (const said of ["message", "hint"]) {
        if (expect[said]) assert.equal(error[said], expect[said], `${name} (${why})`);
      }
    }
  });

  test(`${form}: events`, () => {
    for (const { name, why, body, expect } of vectors("event")) {
      const signature = sign({ text: "whsec_test" }, body);
      let event;
      const code = codeOf(() => {
        event = constructEvent(bytes(body), signature, "whsec_test", { maxBodyBytes: 1048576 });
      });
      assert.equal(code, expect.code ?? "ok", `${name} (${why})`);
      if (event === undefined) continue;
      const should = { result_url: null, error_message: null, ...expect };
      for (const field of Object.keys(should)) {
        const value =
          field === "data" || field === "error" ? JSON.parse(should[field]) : should[field];
        assert.deepEqual(event[field], value, `${name} (${why}): ${field}`);
      }
    }
  });

  test(`${form}: lifecycles`, () => {
    for (const { name, statuses, outcomes, status } of vectors("lifecycle")) {
      const steps = statuses.map((status, at) => lifecycleStep(statuses.slice(0, at), status));
      assert.deepEqual(
        steps.map((step) => step.outcome),
        outcomes,
        name,
      );
      assert.equal(steps.at(-1)?.status ?? null, status ?? null, name);
    }
  });
}

test("WebhookError.is knows errors of another copy", () => {
  assert.throws(() => cjs.verify("{}", "", "whsec_test"), esm.WebhookError.is);
});

const thrower = new Proxy([], {
  get() {
    throw new Error("mine");
  },
});
const unlisted = new Proxy(
  {},
  {
    ownKeys() {
      throw new Error("mine");
    },
  },
);
const detached = new ArrayBuffer(8);
const lost = new Uint8Array(detached);
structuredClone(detached, { transfer: [detached] });
const boaster = Object.defineProperty(new Uint8Array(2), "byteLength", { value: 1e6 });

for (const [name, payload, code] of [
  ["a parsed body", { event: "x" }, "payload_not_raw"],
  ["nothing", undefined, "payload_not_raw"],
  ["a number", 7, "payload_not_raw"],
  ["shared memory", new Uint8Array(new SharedArrayBuffer(8)), "payload_not_raw"],
  ["a detached buffer", detached, "payload_not_raw"],
  ["bytes of a detached buffer", lost, "payload_not_raw"],
  ["bytes that say they are more", boaster, "signature_mismatch"],
  ["a proxy that throws", thrower, "payload_not_raw"],
  ["wider numbers", new Uint16Array(4), "payload_not_raw"],
  [
    "what calls itself memory",
    { [Symbol.toStringTag]: "ArrayBuffer", length: 2 },
    "payload_not_raw",
  ],
  ["bytes of another realm", runInNewContext("new Uint8Array(2)"), "signature_mismatch"],
  ["memory of another realm", runInNewContext("new ArrayBuffer(2)"), "signature_mismatch"],
  ["a text that is too long", "x".repeat(262145), "payload_too_large"],
  ["bytes that are too long", new Uint8Array(262145), "payload_too_large"],
  ["more bytes than wasm can count", new ArrayBuffer(2 ** 32 + 69), "payload_too_large"],
  ["half a surrogate pair", "\ud800", "payload_not_raw"],
]) {
  test(`payload: ${name}`, () => {
    assert.equal(
      codeOf(() => esm.verify(payload, "a".repeat(64), "whsec_test")),
      code,
    );
  });
}

for (const [name, signature, code] of [
  ["null", null, "missing_signature"],
  ["an empty list", [], "missing_signature"],
  ["a number", 7, "malformed_signature"],
  ["a list of a number", [7], "malformed_signature"],
  ["a proxy that throws", thrower, "malformed_signature"],
  ["bytes", Buffer.from("a".repeat(64)), "malformed_signature"],
  ["a set", new Set(["a".repeat(64)]), "malformed_signature"],
  ["a text as an object", Object("a".repeat(64)), "malformed_signature"],
  ["headers that throw", { get: () => assert.fail("hostile") }, "malformed_signature"],
  ["headers without it", { host: "shop.example" }, "missing_signature"],
  ["headers with two", { "x-vtryon-signature": ["a", "b"] }, "multiple_signatures"],
  ["far too long", "a".repeat(2 ** 20), "malformed_signature"],
  ["a list that is far too long", "a,".repeat(2 ** 20), "multiple_signatures"],
  ["two", ["a".repeat(64), "a".repeat(64)], "multiple_signatures"],
]) {
  test(`signature: ${name}`, () => {
    assert.equal(
      codeOf(() => esm.verify("{}", signature, "whsec_test")),
      code,
    );
  });
}

test("signature: all headers of a request will do", () => {
  const body = JSON.stringify({ event: "ping", task_id: "task_1" });
  const headers = { "X-Vtryon-Signature": sign({ text: "whsec_test" }, { text: body }) };
  for (const form of [headers, new Headers(headers)]) {
    assert.equal(esm.verify(body, form, "whsec_test").secretIndex, 0);
    assert.equal(esm.constructEvent(body, form, "whsec_test").task_id, "task_1");
  }
});

for (const [name, secrets, options, code] of [
  ["none", [], {}, "secret_missing"],
  ["undefined", undefined, {}, "secret_missing"],
  ["null", null, {}, "secret_missing"],
  ["a list of what is not set", [undefined, null], {}, "secret_missing"],
  ["one that is not set", ["whsec_test", undefined], {}, "invalid_option"],
  ["one that is not set, before another", [null, "whsec_test"], {}, "invalid_option"],
  ["an object", { secret: "whsec_test" }, {}, "invalid_option"],
  ["a number in a list", ["whsec_test", 7], {}, "invalid_option"],
  ["an empty one", "", {}, "secret_empty"],
  ["a proxy that throws", thrower, {}, "invalid_option"],
  ["half a surrogate pair", "\ud800", {}, "invalid_option"],
  ["a text that is far too long", "x".repeat(65537), {}, "invalid_option"],
  ["bytes that are far too long", new Uint8Array(65537), {}, "invalid_option"],
  ["options that throw", "whsec_test", thrower, "invalid_option"],
  ["options that can't be listed", "whsec_test", unlisted, "invalid_option"],
  ["a tolerance in the place of options", "whsec_test", 300, "invalid_option"],
  ["a tolerance as a text", "whsec_test", "300", "invalid_option"],
  ["a list in the place of options", "whsec_test", [300], "invalid_option"],
  ["a function in the place of options", "whsec_test", () => 300, "invalid_option"],
  ["an option by another name", "whsec_test", { tolerance: 300 }, "invalid_option"],
  ["no options", "", null, "secret_empty"],
  ["a limit of 0", "whsec_test", { maxBodyBytes: 0 }, "invalid_option"],
  ["a limit past 1 MiB", "whsec_test", { maxBodyBytes: 1048577 }, "invalid_option"],
  ["a limit that is no number", "whsec_test", { maxBodyBytes: "many" }, "invalid_option"],
]) {
  test(`secrets: ${name}`, () => {
    for (const work of [
      () => esm.verify("{}", "a".repeat(64), secrets, options),
      () => new esm.VtryonWebhooks(secrets, options),
    ]) {
      assert.equal(codeOf(work), code);
    }
  });
}

test("secrets are read once", () => {
  let reads = 0;
  const turncoat = new Proxy(["whsec_a"], {
    get: (list, name) => (name === "0" && reads++ > 0 ? "whsec_b" : Reflect.get(list, name)),
  });
  const code = (secret, secrets) =>
    codeOf(() => esm.verify("{}", sign({ text: secret }, { text: "{}" }), secrets));
  code("whsec_b", turncoat);
  assert.equal(code("whsec_b", ["whsec_a"]), "signature_mismatch");
});

test("the verified payload has a fixed length", () => {
  const memory = new ArrayBuffer(2, { maxByteLength: 9 });
  new Uint8Array(memory).set([123, 125]);
  const signature = sign({ text: "whsec_test" }, { text: "{}" });
  const { payload } = esm.verify(memory, signature, "whsec_test");
  memory.resize(9);
  assert.equal(Buffer.from(payload).toString(), "{}");
});

test("an error as JSON has its message and hint", () => {
  assert.throws(
    () => esm.verify("{}", "", "whsec_test"),
    (error) => {
      const { code, status, message, hint } = JSON.parse(JSON.stringify(error));
      assert.deepEqual([code, status], ["missing_signature", 401]);
      return message === error.message && hint === error.hint;
    },
  );
  assert.equal(esm.WebhookError.is(thrower), false);
});

test("an error as JSON has everything that is known", () => {
  const facts = { field: "data.result_url", offset: 7, retryAfterMs: 1500 };
  const error = new esm.WebhookError("unavailable", 503, "busy", "wait", facts);
  const said = { name: "WebhookError", code: "unavailable", status: 503 };
  assert.deepEqual(error.toJSON(), { ...said, message: "busy", hint: "wait", ...facts });
});

test("statuses have to be well-formed strings, and the error names the argument", () => {
  const [one, none] = [
    "`seen` is one status, not a sequence of them",
    "`seen` can't be iterated over",
  ];
  const [wrong, last] = ["a status in `seen` is not a text", "`status` is not a text"];
  for (const [seen, status, message] of [
    ["queued", "queued", one],
    [undefined, "queued", none],
    [7, "queued", none],
    [{}, "queued", none],
    [thrower, "queued", none],
    [["\ud800"], "queued", wrong],
    [[7], "queued", wrong],
    [["queued", undefined], "queued", wrong],
    [[], "\ud800", last],
    [[], undefined, last],
  ]) {
    const error = errorOf(() => esm.lifecycleStep(seen, status));
    assert.deepEqual([error?.code, error?.message], ["invalid_option", message]);
  }
});

test("the statuses seen may be any sequence", () => {
  for (const seen of [
    ["queued", "failed"],
    new Set(["queued", "failed"]),
    ["queued", "failed"].values(),
  ]) {
    assert.deepEqual(esm.lifecycleStep(seen, "processing"), { outcome: "late", status: "failed" });
  }
});

test("after a stack overflow within the core, the next call works", () => {
  const signature = sign({ text: "whsec_test" }, { text: "{}" });
  const webhooks = new esm.VtryonWebhooks("whsec_test");
  const codes = new Set();
  // Each call verifies a little nearer to the end of the stack.
  const deeper = () => {
    try {
      codes.add(codeOf(() => webhooks.verify("{}", signature)));
      deeper();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  };
  deeper();
  assert.ok(codes.has("ok"));
  for (let times = 0; times < 2; times += 1) {
    assert.equal(
      codeOf(() => webhooks.verify("{}", signature)),
      "ok",
    );
    assert.equal(
      codeOf(() => webhooks.verify("{} ", signature)),
      "signature_mismatch",
    );
  }
});

test("a long payload after a short one, for which the memory grows", () => {
  const secret = { text: "whsec_test" };
  const long = Buffer.alloc(262144, "x");
  for (const body of [Buffer.from("x"), long, Buffer.from("y"), long]) {
    const signature = sign(secret, { hex: body.toString("hex") });
    assert.equal(
      codeOf(() => esm.verify(body, signature, "whsec_test")),
      "ok",
    );
  }
});

test("data and error of any length and script are unchanged", () => {
  // Around the lengths from which they are taken from memory in other ways (src/report.rs, lib/core/memory.ts).
  for (const length of [0, 1000, 1014, 1015, 1016, 32_760, 40_000]) {
    for (const letter of ["x", "é", "猫", "😀", '"']) {
      const data = { n: letter.repeat(length) };
      for (const error of [undefined, { message: letter }, { message: letter, ...data }]) {
        const status = { event: "generation.status_changed", task_id: letter, status: "failed" };
        const body = JSON.stringify({ ...status, data, error });
        const signature = sign({ text: "s" }, { text: body });
        const event = esm.constructEvent(body, signature, "s", { maxBodyBytes: 1048576 });
        const reads = { error_message: error?.message ?? null, result_url: null };
        const idempotency_key = `status:failed:${letter}`;
        assert.deepEqual({ ...event }, { ...status, ...reads, idempotency_key, data, error });
      }
    }
  }
});
