// What is said of samples: least, median, and ratios taken round by round.

export const least = (numbers) => Math.min(...numbers);

export function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Returns the number that a part of all, such as 0.99, does not exceed. */
export function quantile(numbers, part) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
}

/** Returns how many times `over` goes into `of`, round by round: the median and the least of it. */
export function ratio(samples, of, over) {
  const ratios = samples[of].map((each, round) => each / samples[over][round]);
  return { median: median(ratios), least: least(ratios), most: Math.max(...ratios) };
}

/** The variant that all others are compared with: the first one that is ours. */
export const oursOf = ({ variants }) => variants.find(({ role }) => role === "ours").name;
