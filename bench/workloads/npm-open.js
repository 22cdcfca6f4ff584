// From the bytes that a server has read to an event that can be used.

import { hash } from "node:crypto";
import { VtryonWebhooks } from "vtryon-webhooks";
import { SECRET, SIZES, signed } from "../lib/corpus.js";
import { versionOf } from "../lib/machine.js";
import { interleave } from "../lib/rounds.js";
import { guideOpen } from "./npm/guide.js";
import { peersOf } from "./npm/peers.js";

const CASES = ["350 B", "2 KB", "16 KB", "256 KB", "1 MB"];
const OURS = "ours";
const LIMIT = "one SHA-256";

const webhooks = new VtryonWebhooks([SECRET], { maxBodyBytes: SIZES["1 MB"] });

/** What is read of every event is counted, so that no reading is left out. */
let seen = 0;

/** Reads what a handler reads. */
function use({ event, status, task_id, result_url, error_message }) {
  seen += event.length + status.length + task_id.length;
  seen += (result_url ?? error_message ?? "").length;
}

/** Reads the same of parsed JSON. */
const useJson = ({ event, status, task_id, data, error }) =>
  use({ event, status, task_id, result_url: data?.result_url, error_message: error?.message });

async function variantsOf(name) {
  const { body, signature } = signed(name);
  const peers = await peersOf(body);
  return [
    repeat(OURS, () => use(webhooks.constructEvent(body, signature))),
    repeat("guide", () => useJson(guideOpen(body, signature))),
    repeat("stripe", () => useJson(peers.stripe())),
    {
      name: "octokit",
      async run(n) {
        for (let i = 0; i < n; i += 1) useJson(await peers.octokit());
      },
    },
    repeat("standardwebhooks", () => useJson(peers.standardwebhooks())),
    repeat("svix", () => useJson(peers.svix())),
    repeat(LIMIT, () => {
      seen += hash("sha256", body, "latin1").length;
    }),
  ];
}

function repeat(name, once) {
  return {
    name,
    run(n) {
      for (let i = 0; i < n; i += 1) once();
    },
  };
}

/** The short form measures what has a floor. */
const SHORT = { rounds: 5, slots: 4 };

/** The guide's path to ours, which both parse all of the event; `floor` is what holds where the target is not reached. */
const OPEN = [
  { target: 1.5, floor: 1.2 },
  { target: 2, floor: 0.85 },
  { target: 2, floor: 0.85 },
  { target: 2, floor: 0.85 },
  { target: 2, floor: 0.78 },
];

/** Peers to ours, at 350 B. */
const PEERS = [
  { of: "standardwebhooks", target: 5, floor: 3.7 },
  { of: "stripe", target: 3, floor: 1.95 },
  { of: "octokit", target: 2, floor: 1.45 },
];

const FLOORS = [
  ...CASES.map((name, nth) => ({ case: name, of: "guide", over: OURS, ...OPEN[nth] })),
  ...PEERS.map((floor) => ({ case: "350 B", over: OURS, ...floor })),
];

const peer = (name, from = name) => ({ name, role: "peer", version: versionOf(from) });

export default {
  name: "npm-open",
  title: "npm: open",
  unit: "µs",
  about: "A body in a Buffer is verified, and its event, status, task and result are read.",
  short: true,

  async measure({ short }) {
    const cases = [];
    for (const name of short ? CASES.slice(0, 4) : CASES) {
      const all = await variantsOf(name);
      const judged = FLOORS.filter((floor) => floor.case === name);
      const needed = all.filter((variant) =>
        judged.some(({ of, over }) => of === variant.name || over === variant.name),
      );
      const samples = short ? await interleave(needed, SHORT) : await interleave(all);
      cases.push({ case: name, samples });
    }
    if (seen === 0) throw new Error("nothing was read");
    return {
      cases,
      variants: [
        { name: OURS, role: "ours", version: versionOf("vtryon-webhooks") },
        { name: "guide", role: "guide" },
        peer("stripe"),
        peer("octokit", "@octokit/webhooks-methods"),
        peer("standardwebhooks"),
        peer("svix"),
        { name: LIMIT, role: "limit" },
      ],
      floors: FLOORS,
    };
  },
};
