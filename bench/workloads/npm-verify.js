// The signature alone, from the bytes that a server has read.

import { hash } from "node:crypto";
import { VtryonWebhooks } from "vtryon-webhooks";
import { SECRET, SIZES, signed } from "../lib/corpus.js";
import { versionOf } from "../lib/machine.js";
import { interleave } from "../lib/rounds.js";
import { guideVerify } from "./npm/guide.js";

const webhooks = new VtryonWebhooks([SECRET], { maxBodyBytes: SIZES["1 MB"] });

function variantsOf(name) {
  const { body, signature } = signed(name);
  return [
    {
      name: "ours",
      run(n) {
        for (let i = 0; i < n; i += 1) webhooks.verify(body, signature);
      },
    },
    {
      name: "guide",
      run(n) {
        for (let i = 0; i < n; i += 1) {
          if (!guideVerify(body, signature)) throw new Error("not verified");
        }
      },
    },
    {
      name: "one SHA-256",
      run(n) {
        for (let i = 0; i < n; i += 1) hash("sha256", body, "latin1");
      },
    },
  ];
}

export default {
  name: "npm-verify",
  title: "npm: verify",
  unit: "µs",
  about: "The signature alone, of a body in a Buffer.",
  short: true,

  async measure({ short }) {
    const cases = [];
    for (const name of Object.keys(SIZES)) {
      const samples = await interleave(variantsOf(name), short ? { rounds: 5, slots: 4 } : {});
      cases.push({ case: name, samples });
    }
    return {
      cases,
      variants: [
        { name: "ours", role: "ours", version: versionOf("vtryon-webhooks") },
        { name: "guide", role: "guide" },
        { name: "one SHA-256", role: "limit" },
      ],
      floors: Object.keys(SIZES).map((name) => ({
        case: name,
        of: "guide",
        over: "ours",
        target: 1,
      })),
    };
  },
};
