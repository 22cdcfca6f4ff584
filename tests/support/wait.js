// Waiting in tests: each wait has a limit of its own, and its error says what it waited for.

import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

/** How long a wait lasts at most, in milliseconds: far longer than a busy machine needs, below the limit of a test. */
const LIMIT = 120_000;

/** How long to pause between two looks at a condition, in milliseconds. */
const PAUSE = 20;

/**
 * Waits for a promise, and fails when it takes too long.
 * @param {string} what what is waited for, as the error says it
 */
export async function within(what, promise, limit = LIMIT) {
  const { promise: late, reject } = Promise.withResolvers();
  // Made here, so that the stack names the line that waits.
  const error = new Error(`waited ${limit / 1000} s for ${what}`);
  const timer = setTimeout(() => reject(error), limit);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Waits until a condition holds, and returns its value. The error shows the condition as it is written, and what
 * it was at last.
 */
export async function until(condition, limit = LIMIT) {
  const late = new Error();
  const end = performance.now() + limit;
  for (;;) {
    const value = await within(`an answer of ${condition}`, condition(), limit);
    if (value) return value;
    if (performance.now() > end) {
      late.message = `waited ${limit / 1000} s for ${condition}, which is ${String(value)}`;
      throw late;
    }
    await sleep(PAUSE);
  }
}

/** Waits for an event of an emitter, and returns its arguments; an `error` fails. */
export function emitted(emitter, event, limit = LIMIT) {
  const what = `the event ${event} of a ${emitter.constructor.name}`;
  return within(what, once(emitter, event), limit);
}
