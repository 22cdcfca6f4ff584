// What would be many steps between wasm and JavaScript is one here. Nothing is decided in this file.

export { waitUntil } from "cloudflare:workers";

const HEADERS = { "content-type": "application/json", "cache-control": "no-store" };

/** Returns what is read of every webhook, a line each: the method, the URL, and three headers, empty where absent. */
export function headOf({ method, url, headers }) {
  const header = (name) => headers.get(name) ?? "";
  const signature = header("x-vtryon-signature");
  return `${method}\n${url}\n${signature}\n${header("content-length")}\n${header("content-type")}`;
}

/** Answers in JSON. */
export const answer = (status, text) => new Response(text, { status, headers: HEADERS });

/** Tells of the end of a promise, by the number that it is waited for by. */
function settling(promise, no, settle) {
  promise.then(
    (value) => settle(no, true, value),
    (error) => settle(no, false, error),
  );
}

export const openBody = (request) => request.body?.getReader({ mode: "byob" });

/**
 * Reads into the memory of what arrived last, where there is enough of it: what is dropped is not collected at once. At
 * the end of a body fewer bytes arrive than the least.
 */
export function readBody(reader, last, least, most, no, settle) {
  const known = last?.value.buffer;
  const buffer = known?.byteLength >= most ? known : new ArrayBuffer(most);
  settling(reader.readAtLeast(least, new Uint8Array(buffer, 0, most)), no, settle);
}

export const arrivedBytes = ({ value }) => value;

export const bytesOf = (buffer) => new Uint8Array(buffer);

/** The frame is copied: it is a view of wasm's memory, all of which would be sent. */
export const call = (objects, name, frame, no, settle) =>
  settling(objects.getByName(name).call(frame.slice()), no, settle);

/**
 * Closes the socket of a client, which may send so many KiB afterwards; then its connection is cut: workerd does that
 * when a listener throws, and has no other way to stop reading. A listener of JavaScript alone, so no step in wasm is
 * under way when that happens.
 */
export function hangUp(socket, code, reason, afterwards) {
  let left = afterwards;
  socket.addEventListener("message", ({ data }) => {
    // A text, an ArrayBuffer, or a Blob.
    left -= 1 + (data.length ?? data.byteLength ?? data.size) / 1024;
    if (left < 0) throw new Error("a client is cut off that sends on after its socket was closed");
  });
  socket.close(code, reason);
}

export const exec = (sql, statement, binds) => sql.exec(statement, ...binds);

export const rowsOf = (cursor) => cursor.raw().toArray();

export const after = (millis, no, settle) => setTimeout(settle, millis, no, true);

export const cancel = (timer) => clearTimeout(timer);

/** A year, in seconds, for this host alone. */
const HSTS = "max-age=31536000";

/**
 * Sets what every answer has. One that an object has given, as every socket is, can't be changed, and is made anew.
 * RFC 6797, 7.2: HSTS is not for what goes over plain HTTP.
 */
export function secured(response, isSecure) {
  const answer = response.status === 101 ? new Response(null, response) : response;
  answer.headers.set("x-content-type-options", "nosniff");
  if (isSecure) answer.headers.set("strict-transport-security", HSTS);
  return answer;
}
