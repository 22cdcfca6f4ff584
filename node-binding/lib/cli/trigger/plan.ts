import { type EventBody, sign } from "vtryon-webhooks/testing";

/** What can go wrong on the way, on purpose. */
export type Fault = "duplicate" | "reversed" | "late" | "bad-signature" | "re-serialised";

/** All of them. */
export const faults: readonly Fault[] = [
  "duplicate",
  "reversed",
  "late",
  "bad-signature",
  "re-serialised",
];

/** One event on its way to a receiver. */
export interface Planned {
  readonly event: EventBody;
  readonly body: Uint8Array;
  readonly signature: string;
  /** What makes it one that has to be refused. */
  readonly forged: Fault | null;
}

/** Lays out what is sent, in order: reordered first, then repeated, then each forgery before its event. */
export function plan(
  course: readonly EventBody[],
  chosen: readonly Fault[],
  secret: string,
): Planned[] {
  const events = [...course];
  if (chosen.includes("reversed")) events.reverse();
  // The second one comes last: it is late where it is the rendering, after the result.
  if (chosen.includes("late")) events.push(...events.splice(1, 1));
  const copies = chosen.includes("duplicate") ? 2 : 1;
  return events.flatMap((event) => {
    const text = JSON.stringify(event);
    const forgeries: Planned[] = [];
    if (chosen.includes("bad-signature")) {
      forgeries.push(planned(event, text, sign(text, `${secret}x`), "bad-signature"));
    }
    if (chosen.includes("re-serialised")) {
      const written = JSON.stringify(event, null, 2);
      forgeries.push(planned(event, written, sign(text, secret), "re-serialised"));
    }
    const good = planned(event, text, sign(text, secret), null);
    return [...forgeries, ...Array.from({ length: copies }, () => good)];
  });
}

function planned(event: EventBody, text: string, signature: string, forged: Fault | null): Planned {
  return { event, body: new TextEncoder().encode(text), signature, forged };
}
