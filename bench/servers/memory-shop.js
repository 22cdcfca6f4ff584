// The handler of Vtryon's guide: it answers at once and does the rest in the background, in memory. An event that was seen
// is ignored, and one that the backend does not take is tried again for as long as the process lives.

import { serve } from "./serve.js";
import { forward, PAUSES, shop } from "./shop.js";

const seen = new Set();

function deliver(body, failed = 0) {
  forward(body).catch(() => {
    if (failed < PAUSES.length) setTimeout(deliver, PAUSES[failed], body, failed + 1);
  });
}

serve(
  shop(({ task_id, status }, body) => {
    const key = `${task_id} ${status}`;
    if (seen.has(key)) return;
    seen.add(key);
    setImmediate(deliver, body);
  }),
);
