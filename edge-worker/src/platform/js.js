// What has to be JavaScript: an exception of a listener in wasm would end the instance of it.

/**
 * Closes the socket of a client, which may send so many KiB afterwards; then its connection is cut: workerd does that
 * when a listener throws, and has no other way to stop reading. A listener of JavaScript alone, so no step in wasm is
 * in progress when that happens.
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
