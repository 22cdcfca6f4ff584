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

/** Returns how long ago or ahead a moment is, in words. */
export function relative(date, now = Date.now()) {
  const seconds = (date.getTime() - now) / 1000;
  const size = Math.abs(seconds);
  if (size < 60) return RELATIVE.format(Math.round(seconds), "second");
  if (size < 3600) return RELATIVE.format(Math.round(seconds / 60), "minute");
  if (size < 86_400) return RELATIVE.format(Math.round(seconds / 3600), "hour");
  return RELATIVE.format(Math.round(seconds / 86_400), "day");
}

/** Returns milliseconds as a duration. */
export function duration(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
  const hours = ms / 3_600_000;
  return hours < 48 ? `${hours.toFixed(1)} h` : `${Math.round(hours / 24)} days`;
}

export function bytes(count) {
  if (count < 1024) return `${NUMBER.format(count)} B`;
  const kib = count / 1024;
  return kib < 1024 ? `${NUMBER.format(+kib.toFixed(1))} KiB` : `${(kib / 1024).toFixed(1)} MiB`;
}

/** Returns a URL without its scheme: that is the same for all. */
export function shortly(url) {
  return url.replace(/^https?:\/\//, "");
}

/** Returns a count with its noun. */
export function count(value, one, many = `${one}s`) {
  return `${NUMBER.format(value)} ${value === 1 ? one : many}`;
}

/** Makes a sentence of what the API says: it begins in lower case and has no full stop. */
export function sentence(text) {
  const whole = /[.!?…]$/.test(text) ? text : `${text}.`;
  return whole.charAt(0).toUpperCase() + whole.slice(1);
}
