import { webhookError } from "../core/engine.js";
import type { IdempotencyStore } from "../stores/idempotency.js";

/**
 * Handles an event unless it was handled before: claims its key, runs `work`, commits the key.
 *
 * Throws `unavailable` while another request holds the key, and if the claim is not the latest any more when it is
 * committed: the lease ended, and another request has claimed the key, or the store has forgotten it. If `work` fails
 * and the claim can't be released either, the second error goes to `report`.
 */
export async function withIdempotency(
  store: IdempotencyStore,
  key: string,
  { leaseMs, ttlMs }: { leaseMs: number; ttlMs: number },
  work: (fence: number) => unknown,
  report: (error: unknown) => void,
): Promise<void> {
  const claim = await store.claim(key, leaseMs);
  if (claim.state === "done") return;
  if (claim.state === "busy") {
    const retryAfterMs = claim.retryAfterMs;
    throw webhookError("unavailable", "the event is being handled already", { retryAfterMs });
  }
  // A store that returns anything else is broken. To go on would let duplicates through.
  if (claim.state !== "claimed") throw webhookError("unavailable", "the store gave no claim");
  try {
    await work(claim.fence);
  } catch (error) {
    try {
      await store.release(key, claim.fence);
    } catch (releaseError) {
      // Reported beside the first error. The lease ends by itself.
      report(releaseError);
    }
    throw error;
  }
  if (!(await store.commit(key, claim.fence, ttlMs))) {
    throw webhookError("unavailable", "the lease ended, and the claim is not the latest any more");
  }
}
