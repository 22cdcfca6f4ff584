// Bodies with mistakes in them: drawn from those of the vectors, always the same ones for a seed.

import { readFileSync } from "node:fs";
import { bytes } from "../../vectors/generate/bytes.js";

/** The longest body that is mutated: a mistake in a long one says nothing more. */
const LONGEST = 2048;

const file = new URL("../../vectors/event.json", import.meta.url);
const BODIES = JSON.parse(readFileSync(file))
  .map(({ body }) => bytes(body))
  .filter(({ length }) => length > 0 && length <= LONGEST);

/** What a mutation puts into a body: tokens of JSON, and what looks like one. */
const PIECES = [
  ...['"', "\\", "\\u", "\\u00", "\\ud800", "\\udc00", "\\ud83d\\ude00", "\\x", "\\/", "{", "}"],
  ...["[", "]", ",", ":", "{}", "[]", "[[", "}}", "]]", '":', '",', "null", "true", "tru", "NaN"],
  ...["Infinity", "-", "+", ".", "e", "E5", "e+", "0", "00", "-0", "1", "1.5e3", "9".repeat(700)],
  ...[
    "\n",
    "\t",
    " ",
    "\r",
    "\0",
    "\x0b",
    "\x7f",
    "\u0085",
    "\u00a0",
    "\ufeff",
    "\u2028",
    "\u0663",
  ],
  ...["/", "'", "//", "/**/", "é", "😀", "[".repeat(64), "]".repeat(64), '{"a":'.repeat(64)],
  ...['"event":"x"', '"data":{}', '"status":"queued"', '"task_id":".."', '"error":{"message":1}'],
  ...['"data":{"result_url":"a","result_url":"b"}', '"\\u0065vent"', '"\\ud800":1'],
]
  .map((text) => Buffer.from(text))
  .concat([Buffer.from([0xff]), Buffer.from([0xc3]), Buffer.from([0xed, 0xa0, 0x80])]);

/** A generator of whole numbers below a bound (mulberry32, by Tommy Ettinger, in the public domain). */
function dice(seed) {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const MUTATIONS = [
  (body, at, roll) => [body.subarray(0, at), PIECES[roll(PIECES.length)], body.subarray(at)],
  (body, at, roll) => [body.subarray(0, at), body.subarray(at + 1 + roll(4))],
  (body, at, roll) => [body.subarray(0, at), Buffer.from([roll(256)]), body.subarray(at + 1)],
  (body, at, roll) => {
    const from = roll(body.length + 1);
    const part = body.subarray(from, from + 1 + roll(24));
    return [body.subarray(0, at), part, body.subarray(at)];
  },
  (body, at, roll) => {
    const other = BODIES[roll(BODIES.length)];
    return [body.subarray(0, at), other.subarray(roll(other.length))];
  },
  (body, at) => [body.subarray(0, at)],
];

/** Makes so many mutated bodies. */
export function* mutants(count, seed) {
  const roll = dice(seed);
  for (let made = 0; made < count; made++) {
    let body = BODIES[roll(BODIES.length)];
    for (let mutations = 1 + roll(2); mutations > 0; mutations--) {
      const mutate = MUTATIONS[roll(MUTATIONS.length)];
      body = Buffer.concat(mutate(body, roll(body.length + 1), roll));
    }
    yield body;
  }
}
