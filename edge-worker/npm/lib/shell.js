// Lines that users paste into a POSIX shell.

/**
 * Quotes a text as one word.
 * @param {string} text
 */
export const quote = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

/**
 * Quotes a path where it needs that.
 * @param {string} path
 */
export const quotePath = (path) => (/^[\w./\\:-]+$/.test(path) ? path : quote(path));
