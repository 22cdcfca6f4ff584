// Random numbers that are the same for the same seed, so that a run can be repeated.

/** A source of numbers below a bound. */
export function random(seed) {
  let state = BigInt(seed) * 2654435761n + 1n;
  return (bound) => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
    return Number(state >> 33n) % bound;
  };
}
