// A process of `full-disk.test.js`, whose files can't get longer than a limit: writes one text to a file.

import { source } from "./load-source.js";

const [, , kind, path, length] = process.argv;
const text = "x".repeat(Number(length));

const WRITES = {
  async export() {
    const { ExportFile } = await source("export/file");
    new ExportFile(path).write(`{"id":"1","type":"event","shard":0,"seq":1,"body":"${text}"}`);
  },
  async journal() {
    const { StateFile } = await source("state/state-file");
    const state = new StateFile(path, new URL("https://gateway.example"), undefined);
    state.advance(0, text, 1);
  },
  async compaction() {
    const { StateFile } = await source("state/state-file");
    new StateFile(path, new URL("https://gateway.example"), undefined);
  },
};

try {
  await WRITES[kind]();
  console.log("written");
} catch (error) {
  console.log(error.message);
}
