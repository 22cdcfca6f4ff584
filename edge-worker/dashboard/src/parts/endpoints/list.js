// What is registered of a kind: loaded, shown as cards, changed in place.

import { html } from "htm/preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { useEvery, useLoad } from "../../api/load.js";
import { get } from "../../api/requests.js";
import { capital } from "../../format.js";
import { announce } from "../status/announce.js";
import { Empty, Failure, Loading } from "../status/notice.js";
import { EndpointCard } from "./card.js";

/** Loads what is registered of a kind. `add` is given a new one, with its secret. */
export function useEndpoints(kind) {
  const loaded = useLoad((signal) => get(kind.path, { signal }));
  // New secrets, by endpoint: here and nowhere else, so that a reload forgets them.
  const [secrets, setSecrets] = useState({});
  useEvery(20_000, loaded.poll);
  const keep = (id, secret) => setSecrets((secrets) => ({ ...secrets, [id]: secret }));
  const update = (by) => {
    // Without the list there is nothing to change.
    if (loaded.data === undefined) loaded.reload();
    else loaded.change((data) => ({ ...data, [kind.list]: by(data[kind.list]) }));
  };
  return {
    ...loaded,
    secrets,
    keep,
    update,
    add: (endpoint) => {
      announce(`${capital(kind.noun)} registered. Its secret is shown this once.`);
      keep(endpoint.id, endpoint.secret);
      update((endpoints) => [...endpoints, endpoint]);
    },
  };
}

export function EndpointList({ kind, endpoints }) {
  const { data, error, reload, secrets, keep, update } = endpoints;
  const listed = data?.[kind.list];
  const heading = useRef();
  const count = listed?.length;
  const before = useRef();
  useLayoutEffect(() => {
    // What was deleted has taken the focus with it.
    const isLost = document.activeElement === document.body;
    if (count < before.current && isLost) heading.current.focus();
    before.current = count;
  }, [count]);
  const change = (id, changed) =>
    update((endpoints) =>
      endpoints.flatMap((endpoint) => (endpoint.id === id ? (changed ?? []) : endpoint)),
    );
  return html`
    <h2 ref=${heading} tabindex="-1">${capital(kind.noun)}s</h2>
    <${Failure} error=${error} what=${`The ${kind.noun}s were not loaded.`} retry=${reload} />
    ${data === undefined && !error && html`<${Loading} what=${`${kind.noun}s`} />`}
    ${count === 0 && html`<${Empty} title=${`No ${kind.noun} yet.`}>${kind.empty}<//>`}
    ${listed?.map(
      (endpoint) => html`
        <${EndpointCard}
          key=${endpoint.id}
          kind=${kind}
          endpoint=${endpoint}
          secret=${secrets[endpoint.id]}
          onSecret=${(secret) => keep(endpoint.id, secret)}
          onChange=${(changed) => change(endpoint.id, changed)}
        />
      `,
    )}
  `;
}
