// A range of deliveries, delivered once more: asked for, and followed until it is done.

import { html } from "htm/preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { useAction, useLoad } from "../../api/load.js";
import { get, send } from "../../api/requests.js";
import { number } from "../../format.js";
import { instant, LATEST } from "../../local-time.js";
import { Cancel, Dialog } from "../dialog.js";
import { announce } from "../status/announce.js";
import { Failure, Loading, Notice } from "../status/notice.js";
import { Time } from "../time.js";

export function ReplayRange({ endpoints, endpoint, onBegun, onClose }) {
  const id = useId();
  // The list may be of a deleted endpoint, or of an alert destination.
  const isKnown = endpoints.some(({ id }) => id === endpoint);
  const [fields, setFields] = useState({
    endpoint: isKnown ? endpoint : endpoints[0].id,
    which: "dead",
    from: "",
    until: "",
  });
  // Of the same request, sent once more, nothing new begins.
  const key = useRef();
  const body = () => {
    const times = ["from", "until"].filter((name) => fields[name] !== "");
    return {
      endpoint: fields.endpoint,
      which: fields.which,
      ...Object.fromEntries(times.map((name) => [name, instant(fields[name])])),
    };
  };
  const [answer, setAnswer] = useState();
  const [count, counting, countError] = useAction(async () => {
    const counted = await send("POST", "/api/replay", { body: { ...body(), dry_run: true } });
    setAnswer({ of: fields, counted });
  });
  // A count of other fields says nothing of these.
  const counted = answer?.of === fields ? answer.counted : undefined;
  const set = (name) => (event) => {
    key.current = undefined;
    setFields({ ...fields, [name]: event.target.value });
  };
  const [run, busy, error] = useAction(async () => {
    key.current ??= crypto.randomUUID();
    const headers = { "idempotency-key": key.current };
    onBegun(await send("POST", "/api/replay", { body: body(), headers }));
  });
  const submit = (event) => {
    event.preventDefault();
    run();
  };
  // As before the form is sent, the browser says what is wrong with a field.
  const countValid = ({ currentTarget }) => currentTarget.form.reportValidity() && count();
  return html`
    <${Dialog} title="Replay a range" busy=${busy} onClose=${onClose}>
      <form onSubmit=${submit}>
        <div class="field">
          <label for=${`${id}endpoint`}>Endpoint</label>
          <select id=${`${id}endpoint`} value=${fields.endpoint} onChange=${set("endpoint")}>
            ${endpoints.map(({ id, url }) => html`<option key=${id} value=${id}>${id} · ${url}</option>`)}
          </select>
        </div>
        <div class="field">
          <label for=${`${id}which`}>What</label>
          <select id=${`${id}which`} value=${fields.which} onChange=${set("which")}>
            <option value="dead">Dead letters</option>
            <option value="all">All events that it takes, whether delivered or not</option>
          </select>
        </div>
        <div class="pair">
          <div class="field">
            <label for=${`${id}from`}>Received from</label>
            <input id=${`${id}from`} type="datetime-local" step="1" max=${LATEST} value=${fields.from} onInput=${set("from")} />
            <small>Left empty: the beginning.</small>
          </div>
          <div class="field">
            <label for=${`${id}until`}>And before</label>
            <input id=${`${id}until`} type="datetime-local" step="1" max=${LATEST} value=${fields.until} onInput=${set("until")} />
            <small>Left empty: now.</small>
          </div>
        </div>
        <p role="status">
          ${counted && html`${number(counted.matched)}${counted.truncated && " or more"} would be replayed.`}
        </p>
        <${Failure} error=${countError} what="Nothing was counted." />
        <${Failure} error=${error} what="No replay was begun." unsure="Try again here: it does not begin twice." />
        <footer>
          <${Cancel} busy=${busy} onClose=${onClose} />
          <button type="button" aria-disabled=${counting} onClick=${countValid}>Count</button>
          <button type="submit" class="primary" aria-disabled=${busy}>${busy ? "Beginning…" : "Replay"}</button>
        </footer>
      </form>
    <//>
  `;
}

/** How far a range is; asked every second at first, and later every ten, until it is done. */
export function ReplayProgress({ id, onDone, onClose }) {
  // The id is from the page's URL.
  const path = `/api/replays/${encodeURIComponent(id)}`;
  const { data: replay, error, reload } = useLoad((signal) => get(path, { signal }), [path]);
  const [cancel, cancelling, cancelError] = useAction(async () => {
    await send("DELETE", path);
    announce("The replay is cancelled");
    reload();
  });
  const isDone = replay?.done === true;
  const begun = useRef(Date.now());
  useEffect(() => {
    if (isDone || replay === undefined || error) return;
    const pause = Math.min(10_000, 1000 + (Date.now() - begun.current) / 20);
    const timer = setTimeout(reload, pause);
    return () => clearTimeout(timer);
  }, [replay, error]);
  useEffect(() => {
    if (!isDone) return;
    announce("The replay is done");
    onDone();
  }, [isDone]);
  if (replay === undefined) {
    return error
      ? html`<${Failure} error=${error} what="The replay's progress is not known." retry=${reload} />`
      : html`<${Loading} what="the replay" />`;
  }
  const ended = replay.delivered + replay.failed;
  const { title, isOpen } = conditionOf(replay);
  return html`
    <section class="card" aria-label="Replay">
      <header>
        <div>
          <h2>${title}</h2>
          <p>
            ${replay.which === "dead" ? "Dead letters" : "All events"} of <code>${replay.endpoint}</code>, received
            ${" "}${Date.parse(replay.from) > 0 && html`from <${Time} at=${replay.from} /> `}before <${Time} at=${replay.until} />
          </p>
        </div>
        <div class="actions">
          ${isOpen && html`<button type="button" aria-disabled=${cancelling} onClick=${cancel}>Cancel replay</button>`}
          <button type="button" class="quiet" onClick=${onClose}>Dismiss</button>
        </div>
      </header>
      <progress aria-label="Replayed" max=${Math.max(replay.matched, 1)} value=${replay.matched === 0 ? 1 : ended}></progress>
      <p>
        ${number(replay.delivered)} delivered, ${number(replay.failed)} failed, ${number(replay.pending)} in progress, of
        ${" "}${number(replay.matched)}
      </p>
      <${Failure} error=${cancelError} what="The replay was not cancelled." />
      ${replay.cancelled && html`<p>Of the rest of the range, nothing is delivered.</p>`}
      <${Failure} error=${error} what="The replay goes on; its progress was not loaded." retry=${reload} />
      ${!isDone && html`<p><small>What does not arrive at once is tried again on the usual schedule. That goes on without this page.</small></p>`}
      ${isDone && replay.failed > 0 && html`<${Notice} tone="warning">What failed is dead, or a later event has taken its place.<//>`}
    </section>
  `;
}

function conditionOf({ cancelled, done, enqueued, matched }) {
  if (cancelled) return { title: "Replay cancelled", isOpen: false };
  if (done) return { title: "Replay done", isOpen: false };
  // Once all of it is enqueued, there is nothing left to cancel.
  return { title: "Replay in progress", isOpen: enqueued < matched };
}
