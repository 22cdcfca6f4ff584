// Where the page of a task is. An id may hold any character, a slash as well.

/** Returns the path of a task's page. A slash is escaped twice: Cloudflare takes one escaped once for a slash. */
export function taskPath(id) {
  const escaped = id.replace(/[%/]/g, encodeURIComponent);
  return `/tasks/${encodeURIComponent(escaped)}`;
}

/** Returns the id of a task from what the router has found in the path, which it has unescaped once. */
export function taskOf(found) {
  try {
    return decodeURIComponent(found);
  } catch {
    // Written by hand, with a lone percent sign.
    return found;
  }
}
