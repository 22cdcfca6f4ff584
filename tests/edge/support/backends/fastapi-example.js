// The FastAPI example as its user runs it: `uvicorn app:app` in its folder, with a database of its own.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { within } from "../../../support/wait.js";

const PYTHON = path.resolve(import.meta.dirname, "../../../../python");
const UVICORN = path.resolve(import.meta.dirname, "../../../../.cache/python/bin/uvicorn");

/** Starts the example on a free port, calls `work` with it, and stops it. */
export async function withFastapiExample(environment, work) {
  const folder = mkdtempSync(path.join(tmpdir(), "vtryon-fastapi-"));
  const child = spawn(UVICORN, ["app:app", "--port", "0"], {
    cwd: path.join(PYTHON, "examples/fastapi"),
    env: {
      PYTHONPATH: path.join(PYTHON, "src"),
      PYTHONDONTWRITEBYTECODE: "1",
      DATABASE: path.join(folder, "tasks.db"),
      ...environment,
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = once(child, "close");
  const log = [];
  try {
    const example = { url: await listening(child, log) };
    await work(example);
  } catch (fault) {
    console.error(log.join("\n"));
    throw fault;
  } finally {
    child.kill("SIGKILL");
    await within("the end of the FastAPI example", ended);
    rmSync(folder, { recursive: true });
  }
}

/** Returns the URL that uvicorn says it listens on; what it says goes to the log. */
async function listening(child, log) {
  const lines = createInterface(child.stderr);
  const url = new Promise((resolve, reject) => {
    lines.on("line", (line) => {
      log.push(line);
      const found = /running on (http:\S+)/.exec(line);
      if (found) resolve(found[1]);
    });
    lines.on("close", () => reject(new Error("the FastAPI example does not listen")));
  });
  return within("uvicorn to listen", url);
}
