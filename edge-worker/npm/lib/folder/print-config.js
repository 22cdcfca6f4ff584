// Prints the settings of a configuration as wrangler reads them, as JSON.

import { experimental_readRawConfig } from "wrangler";

try {
  const { rawConfig } = experimental_readRawConfig({ config: process.argv[2] });
  process.stdout.write(JSON.stringify(rawConfig));
} catch (error) {
  process.stderr.write(/** @type {Error} */ (error).message);
  process.exitCode = 1;
}
