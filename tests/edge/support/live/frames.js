// Frames of a WebSocket as clients send them (RFC 6455, 5.2), for connections that no library answers on. The mask is of
// zeros.

const TEXT = 1;
const BYTES = 2;
const CLOSE = 8;

function frame(opcode, payload) {
  const { length } = payload;
  let size = Buffer.from([length]);
  if (length > 0xffff) {
    size = Buffer.alloc(9, 127);
    size.writeBigUInt64BE(BigInt(length), 1);
  } else if (length > 125) {
    size = Buffer.alloc(3, 126);
    size.writeUInt16BE(length, 1);
  }
  size[0] |= 0x80;
  return Buffer.concat([Buffer.from([0x80 | opcode]), size, Buffer.alloc(4), payload]);
}

/** The frame of a message: of text, or of bytes where it is given as such. */
export const messageFrame = (data) =>
  frame(typeof data === "string" ? TEXT : BYTES, Buffer.from(data));

/** The frame that closes a socket with a code. */
export const closeFrame = (code) => frame(CLOSE, Buffer.from([code >> 8, code & 0xff]));
