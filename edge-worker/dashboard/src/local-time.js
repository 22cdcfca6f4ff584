// Times as a field of a form holds them, in the reader's time zone, and as the API has them.

/** The latest time that a field takes: in no time zone it is after 9999 in UTC, where the API's times end. */
export const LATEST = "9999-12-30T23:59";

/** Returns a field's text as a time of the API; an empty one is none. */
export const instant = (text) => (text === "" ? "" : new Date(text).toISOString());

/** Returns a time of the API as a field's text; what is none is empty. */
export function local(at) {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return "";
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
