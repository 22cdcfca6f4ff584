// Verdicts do not depend on who hashes: the runtime's SHA-256, or the core's if that is missing or wrong.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { promisify } from "node:util";
import { VtryonWebhooks } from "vtryon-webhooks";

const sign = (body, secret) => createHmac("sha256", secret).update(body).digest("hex");

/** A body of an event that has `size` bytes. */
function bodyOf(size) {
  const [start, end] = [
    '{"event":"generation.status_changed","task_id":"task_1","status":"completed","data":{"note":"',
    '"}}',
  ];
  return Buffer.from(start + "x".repeat(size - start.length - end.length) + end);
}

// Around the length from which the host hashes, the ends of blocks, and what makes the memory grow.
const SIZES = [100, 119, 120, 127, 128, 159, 160, 161, 350, 1024, 262_144, 1_048_576, 350];

/** Verifies bodies of all sizes, good and bad, by the first, the second and no secret. */
function judge(Webhooks) {
  const webhooks = new Webhooks(["one", "two"], { maxBodyBytes: 1_048_576 });
  for (const size of SIZES) {
    const body = bodyOf(size);
    for (const [nth, secret] of ["one", "two"].entries()) {
      const signature = sign(body, secret);
      assert.equal(webhooks.verify(body, signature).secretIndex, nth, `${size} bytes`);
      assert.equal(webhooks.constructEvent(body, signature).data.note.length, size - 96);
    }
    const refused = [
      [body, sign(body, "three"), "signature_mismatch"],
      [Buffer.concat([body, Buffer.from(" ")]), sign(body, "one"), "signature_mismatch"],
      [body, sign(body, "one").replace(/^./, "é"), "malformed_signature"],
      [body, sign(body, "one").replace(/.$/, "g"), "malformed_signature"],
    ];
    for (const [bytes, signature, code] of refused.filter(([bytes]) => bytes.length <= 1_048_576)) {
      assert.throws(() => webhooks.verify(bytes, signature), { code });
      // What was refused leaves nothing behind.
      assert.equal(webhooks.verify(body, sign(body, "two")).secretIndex, 1);
    }
  }
}

test("verdicts with the runtime's SHA-256", () => judge(VtryonWebhooks));

test("the memory that is shared with the core may grow between two secrets", async () => {
  const [{ callCore }, memory] = await Promise.all(
    ["engine", "memory"].map((name) => import(`../../dist/esm/core/${name}.js`)),
  );
  const body = bodyOf(200);
  const read = callCore((core) => {
    memory.writePayload(core, body, body.length, "0".repeat(64));
    const before = memory.keyedPayload(body.length);
    try {
      core.checkSecret(new Uint8Array(2 ** 23), false);
    } catch {
      // Whatever it says of such a secret.
    }
    memory.writeDigest("x".repeat(32));
    return [before.byteLength, Buffer.from(memory.keyedPayload(body.length)).subarray(64)];
  });
  assert.equal(read[0], 0, "it has grown");
  assert.deepEqual(read[1], body);
});

/** [what the runtime has, what makes it so] */
const HOSTS = [
  ["nothing that is built in", "process.getBuiltinModule = undefined;"],
  ["no hash in one call", "process.getBuiltinModule = () => ({});"],
  ["a hash that lies", "process.getBuiltinModule = () => ({ hash: () => 'x'.repeat(32) });"],
  ["a hash that throws", "process.getBuiltinModule = () => ({ hash() { throw new Error(); } });"],
];
for (const [name, makes] of HOSTS) {
  test(`the same verdicts where the runtime has ${name}`, async () => {
    const program = `
      import assert from "node:assert/strict";
      import { createHmac } from "node:crypto";
      ${makes}
      const { VtryonWebhooks } = await import("vtryon-webhooks");
      const sign = ${sign};
      const SIZES = ${JSON.stringify(SIZES)};
      ${bodyOf}
      ${judge}
      judge(VtryonWebhooks);
    `;
    const args = ["--input-type=module", "--eval", program];
    await promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname });
  });
}

test("where the runtime's SHA-256 ceases to work, no payload is verified by the hash of another", async () => {
  const program = `
    import assert from "node:assert/strict";
    import { createHmac } from "node:crypto";
    const crypto = process.getBuiltinModule("node:crypto");
    let works = true;
    process.getBuiltinModule = () => ({ hash: (...all) => (works ? crypto.hash(...all) : undefined) });
    const { verify } = await import("vtryon-webhooks");
    const sign = ${sign};
    ${bodyOf}
    const [signed, forged] = [bodyOf(200), bodyOf(201)];
    const signature = sign(signed, "s");
    verify(signed, signature, "s");
    works = false;
    assert.throws(() => verify(forged, signature, "s"), { code: "signature_mismatch" });
  `;
  const args = ["--input-type=module", "--eval", program];
  await promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname });
});

test("a malformed header is refused before anything is hashed", async () => {
  const program = `
    let hashed = 0;
    const crypto = process.getBuiltinModule("node:crypto");
    process.getBuiltinModule = () => ({ hash: (...all) => { hashed += 1; return crypto.hash(...all); } });
    const { verify } = await import("vtryon-webhooks");
    const body = Buffer.alloc(1000);
    for (const signature of ["", "x", "x".repeat(64), "é".repeat(64), ["a", "b"], undefined]) {
      try { verify(body, signature, "s"); } catch {}
    }
    const before = hashed;
    try { verify(body, "a".repeat(64), "s"); } catch {}
    console.log(before, hashed);
  `;
  const args = ["--input-type=module", "--eval", program];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    cwd: import.meta.dirname,
  });
  // The one beforehand is the check of the host.
  assert.equal(stdout, "1 2\n");
});
