// Numbers, times and sizes in the reader's own way.

const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const YEAR = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const MINUTE = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const NUMBER = new Intl.NumberFormat();
const PERCENT = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1 });
const RELATIVE = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

/** Returns a moment: the time, with the day unless it is today. */
export function moment(date, now = new Date()) {
  const time = TIME.format(date);
  if (date.toDateString() === now.toDateString()) return time;
  const day = date.getFullYear() === now.getFullYear() ? DAY : YEAR;
  return `${day.format(date)}, ${time}`;
}

export const clock = (date) => TIME.format(date);
export const minute = (date) => MINUTE.format(date);
export const number = (value) => NUMBER.format(value);
export const percent = (share) => PERCENT.format(share);

/** Units of time in words: how many seconds each has, and from how many of them on a longer one is used. */
const AGES = [
  ["second", 1, 60],
  ["minute", 60, 60],
  ["hour", 3600, 24],
  ["day", 86_400, Number.POSITIVE_INFINITY],
];

/** Returns how long ago or ahead a moment is, in words. */
export function relative(date, now = Date.now()) {
  const seconds = (date.getTime() - now) / 1000;
  const rounded = AGES.map(([unit, size, most]) => [Math.round(seconds / size), unit, most]);
  const [amount, unit] = rounded.find(([amount, , most]) => Math.abs(amount) < most);
  return RELATIVE.format(amount, unit);
}

/** Returns milliseconds as a duration. What is shown is rounded before a longer unit is chosen: never "60 s". */
export function duration(ms) {
  const whole = Math.round(ms);
  if (whole < 1000) return `${whole} ms`;
  const tenths = Math.round(ms / 100);
  if (tenths < 100) return `${(tenths / 10).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const hours = Math.round(ms / 360_000) / 10;
  return hours < 48 ? `${hours.toFixed(1)} h` : `${Math.round(ms / 86_400_000)} days`;
}

export function bytes(count) {
  if (count < 1024) return `${NUMBER.format(count)} B`;
  const kib = +(count / 1024).toFixed(1);
  return kib < 1024 ? `${NUMBER.format(kib)} KiB` : `${(count / 1024 / 1024).toFixed(1)} MiB`;
}

/** Returns a URL without its scheme: that is the same for all. */
export function withoutScheme(url) {
  return url.replace(/^https?:\/\//, "");
}

/** Returns a count with its noun. */
export function count(value, one, many = `${one}s`) {
  return `${NUMBER.format(value)} ${value === 1 ? one : many}`;
}

/** Makes a sentence of what the API says: it begins in lower case and has no full stop. */
export function sentence(text) {
  const whole = /[.!?…]$/.test(text) ? text : `${text}.`;
  return capital(whole);
}

export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
