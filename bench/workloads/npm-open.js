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
const WHOLE = "ours, data parsed";
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
    repeat(WHOLE, () => {
      const event = webhooks.constructEvent(body, signature);
      use(event);
      seen += (event.data !== undefined) + (event.error !== undefined);
    }),
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
      seen += hash("sha256", body, "buffer").length;
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

/** The targets, as `[target, stretch]`: the guide's path to ours. */
const OPEN = [
  [2.0, 3.0],
  [2.2, 3.4],
  [2.2, 3.6],
  [3.2, 5.0],
  [3.2, 5.0],
];

function floorsOf() {
  const open = CASES.map((name, nth) => {
    const [target, stretch] = OPEN[nth];
    return { case: name, of: "guide", over: OURS, target, stretch };
  });
  const whole = CASES.map((name, nth) => {
    const [target, stretch] = nth === 0 ? [1.2, 1.4] : [0.85, 1.0];
    return { case: name, of: "guide", over: WHOLE, target, stretch };
  });
  const peers = Object.entries({ standardwebhooks: 5, stripe: 3, octokit: 2 }).map(
    ([of, target]) => ({ case: "350 B", of, over: OURS, target }),
  );
  return [...open, ...whole, ...peers];
}

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
      const judged = floorsOf().filter((floor) => floor.case === name);
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
        { name: WHOLE, role: "ours" },
        { name: "guide", role: "guide" },
        peer("stripe"),
        peer("octokit", "@octokit/webhooks-methods"),
        peer("standardwebhooks"),
        peer("svix"),
        { name: LIMIT, role: "limit" },
      ],
      floors: floorsOf(),
    };
  },
};
