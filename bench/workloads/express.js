// An Express app that receives events: ours beside the guide's.

import { versionOf } from "../lib/machine.js";
import { measure } from "../servers/measure.js";

const SERVERS = { ours: "ours-express", guide: "guide", "empty Express app": "empty-express" };

export default {
  name: "express",
  title: "Express: a request",
  unit: "µs of CPU",
  about: "Processor time of the server per request, from the socket to the answer.",
  short: true,

  async measure({ short }) {
    return {
      cases: await measure(SERVERS, short ? ["350 B"] : ["350 B", "16 KB"], short),
      variants: [
        { name: "ours", role: "ours", version: versionOf("vtryon-webhooks") },
        { name: "guide", role: "guide", version: versionOf("express") },
        { name: "empty Express app", role: "limit" },
      ],
      floors: [{ case: "350 B", of: "guide", over: "ours", target: 1.5 }],
    };
  },
};
