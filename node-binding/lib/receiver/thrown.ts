// Describes what a callback has thrown for the log: without its message, which may quote the event, as that of a
// database does.

const NAME = /^[A-Za-z_$][\w$]{0,63}$/;

/** A line of a stack, as V8 writes it. */
const FRAME = /^\s+at \S/;

/** Returns the name of what was thrown, and its stack without the message. Never throws. */
export function describeThrown(thrown: unknown): string {
  try {
    if (typeof thrown !== "object" || thrown === null) {
      return `a value of type ${typeof thrown} was thrown`;
    }
    const { message, stack, name } = thrown as Error;
    const named = [name, thrown.constructor?.name].find(isTelling) ?? "Error";
    return [`${named} was thrown`, ...framesOf(stack, message)].join("\n");
  } catch {
    return "a value that can't be read was thrown";
  }
}

/** Returns whether a text is the name of a kind of error, and not that of all of them. */
function isTelling(name: unknown): boolean {
  return typeof name === "string" && NAME.test(name) && !/^(error|object)$/i.test(name);
}

/**
 * Returns the frames of a stack: what V8 writes after the name and the message, which may have lines that look like
 * frames. Returns none if the message was changed since, because then it is unknown where it ends.
 */
function framesOf(stack: unknown, message: unknown): string[] {
  if (typeof stack !== "string" || typeof message !== "string") return [];
  const text = message === "" ? "" : `: ${message}`;
  const nameEnd = stack.search(/[:\n]|$/);
  if (!stack.startsWith(`${text}\n`, nameEnd)) return [];
  const lines = stack.slice(nameEnd + text.length).split("\n");
  return lines.filter((line) => FRAME.test(line));
}
