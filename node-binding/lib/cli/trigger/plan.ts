import { type EventBody, sign } from "vtryon-webhooks/testing";

/** Faults that can be injected. */
export type Fault = "duplicate" | "reversed" | "late" | "bad-signature" | "re-serialised";

/** All of them. */
export const faults: readonly Fault[] = [
  "duplicate",
  "reversed",
  "late",
  "bad-signature",
  "re-serialised",
];

/** One request to send. */
export interface Planned {
  readonly event: EventBody;
  readonly body: Uint8Array;
  readonly signature: string;
  /** The fault that makes it a forgery, which has to be refused; null for a valid event. */
  readonly forged: Fault | null;
}

/** Returns the requests to send, in order: events are reordered first, then repeated; each forgery precedes its event. */
export function plan(
  events: readonly EventBody[],
  chosen: readonly Fault[],
  secret: string,
): Planned[] {
  const ordered = [...events];
  if (chosen.includes("reversed")) ordered.reverse();
  // The second event comes last: `processing` after the result is late.
  if (chosen.includes("late")) ordered.push(...ordered.splice(1, 1));
  const copies = chosen.includes("duplicate") ? 2 : 1;
  return ordered.flatMap((event) => {
    const text = JSON.stringify(event);
    const forgeries: Planned[] = [];
    if (chosen.includes("bad-signature")) {
      forgeries.push(planned(event, text, sign(text, `${secret}x`), "bad-signature"));
    }
    if (chosen.includes("re-serialised")) {
      const indented = JSON.stringify(event, null, 2);
      forgeries.push(planned(event, indented, sign(text, secret), "re-serialised"));
    }
    const good = planned(event, text, sign(text, secret), null);
    return [...forgeries, ...Array.from({ length: copies }, () => good)];
  });
}

function planned(event: EventBody, text: string, signature: string, forged: Fault | null): Planned {
  return { event, body: new TextEncoder().encode(text), signature, forged };
}
