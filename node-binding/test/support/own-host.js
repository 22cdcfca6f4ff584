// An address of this machine that only this process uses, for servers that go away for a while and come back at their
// port. At 127.0.0.1, the server of another process may take that port, and so may a client, which then reaches itself.

const { pid, platform } = process;

/** Linux has all of 127.0.0.0/8, others one address alone. */
export const OWN_HOST =
  platform === "linux" ? `127.${64 + (pid >> 16)}.${(pid >> 8) & 255}.${pid & 255}` : "127.0.0.1";
