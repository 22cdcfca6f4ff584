// What somebody should look at, with the way there.

import { html } from "htm/preact";
import { useEvery, useLoad } from "../../api/load.js";
import { get } from "../../api/requests.js";
import { count, duration } from "../../format.js";
import { Failure } from "../status/notice.js";

const HOUR = 3_600_000;

/** Seconds after which what is due should long have been done. */
const OVERDUE = 120;

/** Seconds after which a delivery should have arrived: by then its first attempts have failed. */
const LONG_PENDING = 60;

export function Attention({ metrics }) {
  const endpoints = useLoad((signal) => get("/api/endpoints", { signal }));
  const alerts = useLoad((signal) => get("/api/alerts", { signal }));
  const stalled = useLoad((signal) =>
    get("/api/tasks", { query: { stalled: "30m", limit: 1 }, signal }),
  );
  const rejections = useLoad((signal) => get("/api/rejections", { signal }));
  const asked = [endpoints, alerts, stalled, rejections];
  useEvery(30_000, () => {
    for (const { poll } of asked) poll();
  });
  const failed = asked.filter(({ error }) => error);
  const retry = () => {
    for (const { reload } of failed) reload();
  };
  const items = [
    ...ofMetrics(metrics),
    ...ofEndpoints(endpoints.data?.endpoints),
    ...ofTroubled(
      alerts.data?.destinations ?? [],
      "/settings/alerts",
      "alert destination gets",
      "alert destinations get",
    ),
    ...(stalled.data?.tasks.length > 0
      ? [
          [
            "warning",
            "/tasks?stalled=30m",
            "Tasks have not ended and have had no event for half an hour.",
          ],
        ]
      : []),
    ...ofRejections(rejections.data?.rejections ?? []),
  ];
  const failure = html`<${Failure} error=${failed[0]?.error} what="Not everything could be looked at." retry=${retry} />`;
  if (items.length === 0) return failure;
  return html`
    ${failure}
    <section class="card attention" aria-label="Needs attention">
      <h2>Needs attention</h2>
      <ul>
        ${items.map(([tone, href, text]) => html`<li key=${href} data-tone=${tone}><a href=${href}>${text}</a></li>`)}
      </ul>
    </section>
  `;
}

function ofMetrics(metrics) {
  const {
    deliveries_dead = 0,
    quarantined = 0,
    alarm_lag_seconds = 0,
    longestPending,
  } = metrics ?? {};
  return [
    deliveries_dead > 0 && [
      "bad",
      "/deliveries?state=dead",
      `${count(deliveries_dead, "dead letter")}: not delivered, and not tried any more.`,
    ],
    quarantined > 0 && [
      "warning",
      "/quarantine",
      `${count(quarantined, "signed body", "signed bodies")} could not be read.`,
    ],
    longestPending?.seconds > LONG_PENDING && [
      "warning",
      `/deliveries?state=pending&endpoint=${longestPending.endpoint}`,
      `A delivery to ${longestPending.endpoint} has been pending for ${duration(longestPending.seconds * 1000)}.`,
    ],
    alarm_lag_seconds > OVERDUE && [
      "warning",
      "/deliveries?state=pending",
      `Deliveries, or other work in the background, have been due for ${duration(alarm_lag_seconds * 1000)}.`,
    ],
  ].filter(Boolean);
}

function ofEndpoints(endpoints) {
  if (endpoints === undefined) return [];
  if (endpoints.length === 0)
    return [
      [
        "waiting",
        "/settings/webhooks",
        "No endpoint is registered: events are stored, and not delivered.",
      ],
    ];
  return ofTroubled(endpoints, "/settings/webhooks", "endpoint gets", "endpoints get");
}

function ofTroubled(registered, href, one, many) {
  const troubled = registered.filter(
    ({ disabled, problem }) => problem || (disabled && disabled.reason !== "administrator"),
  );
  if (troubled.length === 0) return [];
  return [["bad", href, `${count(troubled.length, one, many)} nothing any more.`]];
}

function ofRejections(rejections) {
  const isRecent = ({ last_at }) => Date.now() - Date.parse(last_at) < HOUR;
  if (!rejections.some(isRecent)) return [];
  return [["warning", "/rejections", "Requests were refused within the last hour."]];
}
