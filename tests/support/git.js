// git in a repository that a test has made, whatever hook or configuration the tests are run from.

import { execFileSync } from "node:child_process";

/** Names the repository that git has started a hook or `rebase --exec` for: all git commands would act on that one. */
const OF_REPOSITORY = /^GIT_(?!EXEC_PATH$)/;

/** Returns an environment in which git knows no repository but the one around it, and no configuration of its user. */
export function gitEnvironment() {
  const kept = Object.entries(process.env).filter(([name]) => !OF_REPOSITORY.test(name));
  return {
    ...Object.fromEntries(kept),
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_SYSTEM: "/dev/null",
  };
}

/** Runs git in a folder, and returns what it prints. */
export const git = (folder, ...args) =>
  execFileSync("git", args, {
    cwd: folder,
    env: gitEnvironment(),
    encoding: "utf8",
    stdio: "pipe",
  });
