// Lines that users paste into a shell.

/**
 * Quotes a text as one word of a POSIX shell.
 * @param {string} text
 */
export const quote = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

/**
 * Quotes a path where it needs that: on Windows as every shell there takes it, and no path can have the quotes.
 * @param {string} path
 */
export function quotePath(path, platform = process.platform) {
  if (/^[\w./\\:-]+$/.test(path)) return path;
  return platform === "win32" ? `"${path}"` : quote(path);
}
