// The parts of `export` and `import`: the file that is gone on in, batches of lines, the position in a file.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs, {
  closeSync,
  constants,
  existsSync,
  openSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { likeWindows } from "../../support/like-windows.js";
import { source } from "../../support/load-source.js";
import { stateFolder } from "../../support/run-listen.js";

const { ExportFile } = await source("export/file");
const { batchesOf } = await source("import/batches");
const { decode, encode } = await source("import/position");
const { Progress, counted } = await source("common/progress");
const { Report } = await source("import/report");

const folder = stateFolder(after);
const MIB = 1024 * 1024;

/** A line of an export, of some length. */
function line(shard, seq, length = 0, type = "event") {
  const head = `{"id":"1.2.${shard}_${seq}","type":"${type}","shard":${shard},"seq":${seq},"body":"`;
  return `${head.padEnd(Math.max(0, length - 3), "A")}"}\n`;
}

test("an export goes on after the last whole line, wherever it broke off", () => {
  const path = join(folder, "events.ndjson");
  const long = line(1, 7, 3 * MIB);
  for (const { why, text, kept = text, cursors } of [
    { why: "no file", text: undefined, kept: "", cursors: {} },
    { why: "an empty one", text: "", cursors: {} },
    {
      why: "whole lines",
      text: line(0, 1) + line(1, 5) + line(0, 2) + line(1, 6, 0, "erased"),
      cursors: { 0: "1.2.0_2", 1: "1.2.1_6" },
    },
    {
      why: "a last line in part",
      text: `${line(0, 1)}{"id":"1.2.0_2","ty`,
      kept: line(0, 1),
      cursors: { 0: "1.2.0_1" },
    },
    ...[
      "{",
      '{"id":"',
      '{"id":"1.2.0_',
      '{"id":"1.2.0_2"',
      '{"id":"1.2.0_2","type":"event","sh',
      '{"id":"1.2.0_2","type":"erased","sh',
    ].map((text) => ({ why: `nothing but ${text}`, text, kept: "", cursors: {} })),
    {
      why: "lines over several chunks",
      text: long + line(0, 1),
      cursors: { 0: "1.2.0_1", 1: "1.2.1_7" },
    },
  ]) {
    if (text !== undefined) writeFileSync(path, text);
    const file = new ExportFile(path);
    const ids = [...file.cursors].map(([shard, { id, seq }]) => {
      assert.equal(id, `1.2.${shard}_${seq}`, why);
      return [shard, id];
    });
    assert.deepEqual(Object.fromEntries(ids), cursors, why);
    file.write(line(0, 9).trimEnd());
    file.close();
    assert.equal(readFileSync(path, "utf8"), kept + line(0, 9), why);
    if (text === undefined) assert.equal(statSync(path).mode & 0o077, 0, why);
  }
  for (const foreign of [
    "a diary\n",
    "a diary",
    "{}",
    '{"id":1}\n',
    '{"id":"1","name":"x"}',
    " ",
  ]) {
    writeFileSync(path, line(0, 1) + foreign);
    assert.throws(() => new ExportFile(path), { message: /^line 2 .*no event of an export$/ });
    assert.equal(readFileSync(path, "utf8"), line(0, 1) + foreign, "it is left alone");
  }
  writeFileSync(path, "");
  const writing = new ExportFile(path);
  assert.throws(() => new ExportFile(path), { message: /writes this file already$/ });
  writing.close();
  new ExportFile(path).close();
});

test("on Windows too, an export begins, and goes on after its last whole line", (t) => {
  likeWindows(t);
  const path = join(folder, "windows.ndjson");
  for (const seq of [1, 2]) {
    const file = new ExportFile(path);
    file.write(line(0, seq).trimEnd());
    file.write('{"id":"1.2.0_3"');
    file.close();
    const text = line(0, 1) + (seq === 2 ? line(0, 2) : "");
    assert.equal(readFileSync(path, "utf8"), `${text}{"id":"1.2.0_3"\n`);
    fs.truncateSync(path, text.length + 5);
  }
});

test("an export to a pipe fails once its reader has gone", () => {
  const path = join(folder, "pipe");
  execFileSync("mkfifo", [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const file = new ExportFile(path);
  file.write(line(0, 1));
  closeSync(reader);
  assert.throws(() => file.write(line(0, 2)), { message: /pipe can't be written \(EPIPE\)$/ });
  file.close();
  assert.equal(existsSync(`${path}.lock`), false);
});

test("an export that does not come to the disk says so, and can be gone on with", (t) => {
  const path = join(folder, "lost.ndjson");
  const file = new ExportFile(path);
  const fsync = t.mock.method(fs, "fsyncSync", () => {
    throw Object.assign(new Error("EIO: i/o error, fsync"), { code: "EIO" });
  });
  assert.throws(() => file.close(), { message: /lost\.ndjson can't be written \(EIO\)$/ });
  fsync.mock.restore();
  new ExportFile(path).close();
});

async function batches(chunks, position = { offset: 0, lines: 0 }) {
  const found = [];
  for await (const batch of batchesOf(
    chunks.map((chunk) => Buffer.from(chunk)),
    position,
  ))
    found.push(batch);
  return found;
}

test("batches have at most 200 lines and 128 KiB, unless one line is longer", async () => {
  const shape = (found) => found.map(({ linesBefore, lines, end }) => [linesBefore, lines, end]);
  for (const { why, chunks, expect } of [
    { why: "nothing", chunks: [], expect: [] },
    { why: "a line without an end", chunks: ["ab"], expect: [[0, 1, 2]] },
    { why: "a line in pieces", chunks: ["a", "b\nc", "\n"], expect: [[0, 2, 5]] },
    {
      why: "201 lines",
      chunks: ["a\n".repeat(201)],
      expect: [
        [0, 200, 400],
        [200, 1, 402],
      ],
    },
    {
      why: "a line as long as any between short ones",
      chunks: ["a\n", "b".repeat(3 * MIB - 1), "\nc\n"],
      expect: [
        [0, 1, 2],
        [1, 1, 3 * MIB + 2],
        [2, 1, 3 * MIB + 4],
      ],
    },
  ]) {
    const found = await batches(chunks);
    assert.deepEqual(shape(found), expect, why);
    assert.equal(Buffer.concat(found.map(({ body }) => body)).toString(), chunks.join(""), why);
  }
  assert.deepEqual(shape(await batches(["a\n"], { offset: 10, lines: 3 })), [[3, 1, 12]]);
  const tooLong = batchesOf([Buffer.from("a\n"), Buffer.alloc(3 * MIB + 1)], {
    offset: 0,
    lines: 0,
  });
  assert.equal((await tooLong.next()).value.lines, 1, "what comes before it is sent");
  await assert.rejects(tooLong.next(), { message: /^line 2 is longer/ });
});

test("a position is of one file, which may have grown", () => {
  const path = join(folder, "imported.ndjson");
  const text = line(0, 1) + line(0, 2);
  const at = { offset: text.length, lines: 2, lastBatch: 7 };
  const reading = (content, decoded) => {
    writeFileSync(path, content);
    const file = openSync(path, "r");
    try {
      return decoded(file);
    } finally {
      closeSync(file);
    }
  };
  const position = reading(text, (file) => encode(file, at));
  for (const { why, content = text, encoded = position, expect } of [
    { why: "the same file", expect: at },
    { why: "one that has grown", content: text + line(0, 3), expect: at },
    { why: "another one", content: text.replace("0_2", "0_3"), expect: undefined },
    { why: "a shorter one", content: line(0, 1), expect: undefined },
    { why: "no position", encoded: "", expect: undefined },
  ]) {
    assert.deepEqual(
      reading(content, (file) => decode(file, encoded)),
      expect,
      why,
    );
  }
});

test("a progress bar is drawn on a terminal alone", () => {
  for (const isTTY of [true, false, undefined]) {
    let written = "";
    const progress = new Progress({ isTTY, write: (text) => (written += text) });
    progress.update(0.5, counted(1, "event"));
    progress.say(counted(1234, "event"));
    const bar = `\r\u001b[K[${"#".repeat(12)}${"-".repeat(12)}]  50 %  1 event\r\u001b[K`;
    assert.equal(written, `${isTTY ? bar : ""}1,234 events\n`);
  }
});

test("a progress bar is drawn on when the machine's clock is set back", (t) => {
  let now = 0;
  t.mock.method(performance, "now", () => now);
  t.mock.timers.enable({ apis: ["Date"], now: 3_600_000 });
  let written = "";
  const progress = new Progress({ isTTY: true, write: (text) => (written += text) });
  progress.update(0.5, "half");
  t.mock.timers.setTime(0);
  now += 1000;
  progress.update(1, "all");
  assert.match(written, /50 % {2}half.*100 % {2}all$/s);
});

test("what an import has done is said in the singular and in the plural", () => {
  const refused = { line: 1, error: "invalid_json", message: "the body is not JSON" };
  for (const [count, before, after] of [
    [1, "1 line was imported before", "imported 1 event, 1 was stored already, 1 was left out"],
    [
      2,
      "2 lines were imported before",
      "imported 2 events, 2 were stored already, 2 were left out",
    ],
  ]) {
    let written = "";
    const progress = new Progress({ write: (text) => (written += text) });
    const report = new Report(new URL("https://gateway.example"), progress);
    const position = { offset: 9, lines: count, lastBatch: 0 };
    report.begin(9, position, position);
    const result = { stored: count, erased: 0, duplicates: count, capped: count };
    report.sent({ linesBefore: 0, end: 9 }, { ...result, refused: Array(count).fill(refused) });
    assert.equal(report.done(), count);
    const lines = written.trimEnd().split("\n");
    assert.equal(lines[0], `${before}: going on after them`);
    assert.ok(lines.at(-1).startsWith(after), lines.at(-1));
    assert.ok(lines.at(-1).endsWith(count === 1 ? ", 1 was refused" : ", 2 were refused"));
  }
});
