// A workload of servers that receive events: ours, the guide's Express app, and one that does nothing with them.

import { versionOf } from "../lib/machine.js";
import { measure } from "./measure.js";

/** Makes it of the files of ours and of the empty one, what the latter is called, and the bounds of guide / ours. */
export const receiving = ({ name, title, ours, empty, emptyName, bounds }) => ({
  name,
  title,
  unit: "µs of CPU",
  about: "Processor time of the server per request, from the socket to the answer.",
  short: true,

  async measure({ short }) {
    const servers = { ours, guide: "guide", [emptyName]: empty };
    return {
      cases: await measure(servers, short ? ["350 B"] : ["350 B", "16 KB"], short),
      variants: [
        { name: "ours", role: "ours", version: versionOf("vtryon-webhooks") },
        { name: "guide", role: "guide", version: versionOf("express") },
        { name: emptyName, role: "limit" },
      ],
      floors: [{ case: "350 B", of: "guide", over: "ours", ...bounds }],
    };
  },
});
