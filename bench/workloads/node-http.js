// A server without a framework that receives events: ours beside the guide's Express app.

import { versionOf } from "../lib/machine.js";
import { measure } from "../servers/measure.js";

const SERVERS = { ours: "ours-node", guide: "guide", "empty server": "empty-node" };

export default {
  name: "node-http",
  title: "node:http: a request",
  unit: "µs of CPU",
  about: "Processor time of the server per request, from the socket to the answer.",
  short: true,

  async measure({ short }) {
    return {
      cases: await measure(SERVERS, short ? ["350 B"] : ["350 B", "16 KB"], short),
      variants: [
        { name: "ours", role: "ours", version: versionOf("vtryon-webhooks") },
        { name: "guide", role: "guide", version: versionOf("express") },
        { name: "empty server", role: "limit" },
      ],
      floors: [{ case: "350 B", of: "guide", over: "ours", target: 5, floor: 2.1 }],
    };
  },
};
