// Faults to plant in the engine. Each replaces texts of a source; the simulation has to catch every one.

const STORE = "edge-worker/engine/src/shard/events/store.rs";
const ALARM = "edge-worker/engine/src/shard/alarm.rs";
const SHARD = "edge-worker/engine/src/shard.rs";
const ATTEMPTS = "edge-worker/engine/src/shard/deliveries/attempts.rs";
const ENQUEUE = "edge-worker/engine/src/shard/deliveries/enqueue.rs";
const SCHEDULE = "edge-worker/engine/src/shard/deliveries/schedule.rs";
const END = "edge-worker/engine/src/shard/deliveries/end.rs";
const RECORD = "edge-worker/engine/src/shard/deliveries/record.rs";
const ENDED = "edge-worker/engine/src/shard/deliveries/end.rs";
const NEXT_STEP = "edge-worker/engine/src/shard/deliveries/next_step.rs";
const LEASES = "edge-worker/engine/src/shard/deliveries/attempts/leases.rs";
const THROTTLE = "edge-worker/engine/src/shard/deliveries/attempts/throttle.rs";
const REASONS = "edge-worker/engine/src/shard/deliveries.rs";
const DELIVERIES = "edge-worker/engine/src/shard/deliveries/rows.rs";
const RETENTION = "edge-worker/engine/src/shard/retention.rs";
const PRUNING = "edge-worker/engine/src/shard/retention/pruning.rs";
const HELD = "edge-worker/engine/src/shard/retention/held.rs";
const TOTALS = "edge-worker/engine/src/shard/totals.rs";
const ERASURE = "edge-worker/engine/src/shard/retention/erasure.rs";
const IMPORTED = "edge-worker/engine/src/shard/retention/imported.rs";
const ENDPOINTS = "edge-worker/engine/src/directory/endpoints.rs";
const IMPORT = "edge-worker/engine/src/shard/events/import.rs";
const CONFIG = "edge-worker/engine/src/shard/config.rs";
const OPTIONS = "edge-worker/engine/src/protocol/settings.rs";
const VERSIONS = "edge-worker/engine/src/directory/settings/versions.rs";
const DIRECTORY = "edge-worker/engine/src/directory/settings.rs";
const TOKENS = "edge-worker/engine/src/directory/tokens.rs";
const KNOWN_TOKENS = "edge-worker/engine/src/credentials/known_tokens.rs";
const AUDIT = "edge-worker/engine/src/directory/audit.rs";
const PLACEMENT = "edge-worker/engine/src/shard/config/topology.rs";
const TOPOLOGY = "edge-worker/engine/src/protocol/topology.rs";
const LIFECYCLE = "core/src/lifecycle.rs";
const LIVE = "edge-worker/engine/src/shard/live.rs";
const BACKLOG = "edge-worker/engine/src/shard/live/backlog.rs";
const RANGE = "edge-worker/engine/src/shard/deliveries/replays/range.rs";
const LISTING = "edge-worker/engine/src/shard/queries/tasks/listing.rs";
const SEQUENCE = "edge-worker/engine/src/shard/sequence.rs";
const MESSAGE = "edge-worker/engine/src/shard/live/message.rs";
const BROADCAST = "edge-worker/engine/src/shard/live/broadcast.rs";
const SUBSCRIBE = "edge-worker/engine/src/shard/live/subscribe.rs";
const CHANGES = "edge-worker/engine/src/directory/requests/changes.rs";

/** [what goes wrong, the source, what is replaced, by what] */
export const FAULTS = [
  [
    "events are acknowledged that could not be stored",
    "edge-worker/engine/src/shard/call.rs",
    "self.store_event(context, &incoming, body)?.result",
    "self.store_event(context, &incoming, body).map(|stored| stored.result).unwrap_or_default()",
  ],
  [
    "nothing is done in a transaction",
    "edge-worker/engine/src/storage/database.rs",
    "self.in_transaction(&mut || {\n            result = Some(work()?);\n            Ok(())\n        })?;",
    "result = Some(work()?);",
  ],
  ["the last number is not raised", STORE, "        self.last_seq = seq;\n", ""],
  [
    "a duplicate writes a row",
    STORE,
    "self.duplicates.count(task.no),",
    'crate::storage::meta::set(context.db, "duplicates", task.no)?,',
  ],
  [
    "a late status sets a task back",
    LIFECYCLE,
    "(Some(Processing), Queued) => Late,",
    "(Some(Processing), Queued) => Applied,",
  ],
  [
    "the second final status counts",
    LIFECYCLE,
    "(Some(Completed), Failed) => Conflict,",
    "(Some(Completed), Failed) => Applied,",
  ],
  [
    "a repeated status is stored again",
    LIFECYCLE,
    "Some(stage) if next.has_seen(stage) => Outcome::Duplicate,",
    "Some(stage) if next.has_seen(stage) && stage.is_final() => Outcome::Duplicate,",
  ],
  [
    "no alarm is set for the end of a lease",
    STORE,
    "leases_end.min()",
    "leases_end.filter(|_| false).min()",
  ],
  ["no alarm is set for what is deferred", STORE, "if enqueued.deferred {", "if false {"],
  [
    "a later time replaces the alarm",
    "edge-worker/engine/src/alarm.rs",
    "self.set_for.is_some_and(|set_for| set_for <= at)",
    "false",
  ],
  [
    "a run of the alarm sets none after it",
    ALARM,
    "self.schedule_alarm(context, if has_failed { DELAY_AFTER_FAILURE_MS } else { MIN_ALARM_DELAY_MS });",
    "let _ = (context, has_failed);",
  ],
  [
    "an alarm that could not be set is forgotten",
    "edge-worker/engine/src/alarm.rs",
    "self.has_failed || self.is_lost",
    "self.is_lost",
  ],
  [
    "deliveries of deleted endpoints stay",
    ALARM,
    "            schedule::dead_letter_deleted_endpoints(context, &self.config, &self.log),\n",
    "",
  ],
  [
    "leases are forgotten at a restart",
    ATTEMPTS,
    "let leases = WorkerLeases::recover(context)?;",
    "let leases = WorkerLeases::default();",
  ],
  ["leases do not expire", LEASES, "rows::reschedule(db, delivery, context.now)?;", ""],
  [
    "leases are not looked for far enough back",
    LEASES,
    "first.unwrap_or(last_seq + 1)",
    "first.map_or(last_seq + 1, |_| last_seq + 1)",
    "const LAG_EVENTS: i64 = 100;",
    "const LAG_EVENTS: i64 = 1;",
  ],
  ["a delivery is leased twice", SCHEDULE, "delivery.lease_ends(now).or(look_at)", "look_at"],
  [
    "the lease of an attempt is not stored",
    DELIVERIES,
    "SET due_at = ?1, leased_until = ?1 WHERE",
    "SET due_at = ?1 WHERE",
  ],
  [
    "a delivery does not wait for the one before it",
    SCHEDULE,
    "delivery.lease_ends(now).or(look_at)",
    "{ let _ = look_at; delivery.lease_ends(now) }",
  ],
  [
    "a new event does not wait for those before it",
    ENQUEUE,
    "older.expedite(db, event.received_at)?;\n            is_blocked = true;",
    "older.expedite(db, event.received_at)?;",
  ],
  [
    "what is being attempted is superseded",
    ENQUEUE,
    "if older.is_leased(event.received_at) {",
    "if older.is_leased(event.received_at) && older.no < 0 {",
  ],
  [
    "disabled endpoints receive events",
    ENQUEUE,
    "_ if !endpoint.options.enabled => false,",
    "_ if endpoint.no == 0 => false,",
  ],
  [
    "paused endpoints are attempted by the alarm",
    OPTIONS,
    "self.enabled && !self.paused",
    "self.enabled",
  ],
  [
    "first attempts at paused endpoints are made",
    ENQUEUE,
    "is_one_too_many || endpoint.options.paused;",
    "is_one_too_many;",
  ],
  [
    "events for paused endpoints are lost",
    ENQUEUE,
    "_ if !endpoint.options.enabled => false,",
    "_ if !endpoint.options.is_active() => false,",
  ],
  [
    "what waits for a paused endpoint is pruned",
    PRUNING,
    "is_some_and(|endpoint| endpoint.options.enabled)",
    "is_some_and(|endpoint| endpoint.options.is_active())",
  ],
  [
    "the filter of endpoints is ignored",
    ENQUEUE,
    "self.outcome.is_some_and(|outcome| endpoint.filter().matches(outcome, self.name, self.status))",
    "self.outcome.is_some()",
  ],
  [
    "a retry comes a minute early",
    RECORD,
    "NextStep::RetryAt(at) => retry_at(db, delivery, at),",
    "NextStep::RetryAt(at) => retry_at(db, delivery, at.plus_seconds(-60)),",
  ],
  [
    "what an endpoint asks for is ignored",
    NEXT_STEP,
    "first_at, attempt.attempted_at, attempt.retry_after_ms)",
    "first_at, attempt.attempted_at, None)",
  ],
  [
    "a failure counts as delivered",
    NEXT_STEP,
    "if attempt.reply() == Some(Reply::Delivered) {",
    "if attempt.reply().is_some() {",
  ],
  [
    "an attempt is not counted",
    NEXT_STEP,
    "Self::Exhausted | Self::RetryAt(_) => true,",
    "Self::Exhausted | Self::RetryAt(_) => false,",
  ],
  [
    "a cancelled range goes on",
    "edge-worker/engine/src/shard/deliveries/replays.rs",
    "            if replay.is_cancelled {",
    "            if false {",
  ],
  ["what a receiver aborts is tried again", NEXT_STEP, "if attempt.is_aborted {", "if false {"],
  [
    "an ended delivery takes reports",
    RECORD,
    "delivery.state != DeliveryState::Pending || delivery.replay_count",
    "delivery.replay_count",
  ],
  [
    "a report of an earlier replay counts",
    RECORD,
    "delivery.state != DeliveryState::Pending || delivery.replay_count != report.replay_count",
    "delivery.state != DeliveryState::Pending",
  ],
  [
    "a report of an earlier lease counts",
    RECORD,
    "\n            && delivery.leased_until == Some(report.leased_until)",
    "",
  ],
  [
    "a dead letter is not counted in its range",
    END,
    "Some(reason))?;\n    replays::count(db, delivery, false)?;",
    "Some(reason))?;",
  ],
  [
    "a delivered one is not counted in its range",
    END,
    "    replays::count(db, delivery, true)?;\n",
    "",
  ],
  [
    "a replayed delivery keeps its end",
    DELIVERIES,
    '            ended_at = NULL, reason = NULL";',
    '            reason = NULL";',
  ],
  [
    "a task is forgotten when it is pruned",
    RETENTION,
    "SET task_id = ?, open = 0, result_url",
    "SET task_id = ?, open = 0, seen = 0, stage = NULL, result_url",
  ],
  [
    "a body that can't be read is forgotten when it is pruned",
    RETENTION,
    "UPDATE quarantine SET body = x'', message = '' WHERE no = ? RETURNING key",
    "DELETE FROM quarantine WHERE no = ? RETURNING key",
  ],
  [
    "what is pending is pruned",
    PRUNING,
    "if is_enabled && !is_unreadable {\n                return Ok(true);",
    "if is_enabled && !is_unreadable {\n                continue;",
  ],
  [
    "what a delivery has held is never pruned",
    HELD,
    "prune_task(pruning, &task, floor)?",
    "prune_task(pruning, &task, 0)?",
  ],
  [
    "events of a task are pruned before one that is held",
    PRUNING,
    "is_there(db, event.previous)? || self.is_pending",
    "self.is_pending",
  ],
  [
    "events are pruned an hour early",
    PRUNING,
    "|event| event.received_at < until",
    "|event| event.received_at < until.plus_seconds(3600)",
  ],
  [
    "an attempt has none of the headers of its endpoint",
    "edge-worker/engine/src/shard/deliveries/dispatch.rs",
    "headers: endpoint.headers.clone(),",
    "headers: Vec::new(),",
  ],
  [
    "headers go along to another origin",
    "edge-worker/engine/src/directory/endpoints/credentials.rs",
    "!is_same_origin(former_url, &endpoint.options.url)",
    "!is_same_origin(former_url, former_url)",
  ],
  [
    "older settings replace newer ones",
    CONFIG,
    "if settings.version <= known.version {",
    "if settings.version < 0 {",
  ],
  [
    "settings are confirmed that not all shards have",
    VERSIONS,
    "if applied.is_complete() && meta",
    "if meta",
  ],
  [
    "a change does not raise the version",
    VERSIONS,
    "meta::set(db, VERSION, version(db)? + 1)",
    "meta::set(db, VERSION, version(db)?.max(1))",
  ],
  [
    "numbers of endpoints are given again",
    "edge-worker/engine/src/directory/endpoints/records.rs",
    "    meta::set(db, LAST, no)?;\n",
    "",
  ],
  [
    "retired secrets sign",
    "edge-worker/engine/src/protocol/settings.rs",
    "secret.until.is_none_or(|until| now < until)",
    "secret.until.is_none_or(|until| now.0 > 0 || now < until)",
  ],
  [
    "a retry has another webhook-id",
    SCHEDULE,
    "webhook_id: stored.identity().webhook_id(),",
    'webhook_id: format!("{}{}", stored.identity().webhook_id(), delivery.failed_attempts),',
  ],
  [
    "another number of shards is admitted",
    TOPOLOGY,
    "if recorded.shards != shards {",
    "if recorded.shards == 0 {",
  ],
  [
    "replays are not counted among the numbers",
    SHARD,
    "(SELECT COALESCE(MAX(seq), 0) FROM replay_log)",
    "0",
  ],
  [
    "a stream repeats the last entry",
    SEQUENCE,
    "FROM events WHERE seq > MAX(?1, ?2)",
    "FROM events WHERE seq >= MAX(?1, ?2)",
  ],
  [
    "a stream is behind after a restart",
    SHARD,
    "if subscribers > 0 {",
    "if subscribers > 1_000_000 {",
  ],
  [
    "an acknowledgement is not followed by the backlog",
    BACKLOG,
    "if !subscriber.caught_up {\n            self.catch_up",
    "if subscriber.caught_up {\n            self.catch_up",
  ],
  [
    "no gap is sent for what was pruned",
    BACKLOG,
    "if subscriber.at.max(subscriber.floor) < floor {",
    "if subscriber.at.max(subscriber.floor) < floor && floor < 0 {",
  ],
  [
    "a late event of an erased task is stored",
    STORE,
    "task.filter(|task| task.erased_at.is_some())",
    "task.filter(|task| task.erased_at.is_some() && task.is_tombstone && step.next.is_none())",
  ],
  ["the number of an erased event is given again", SHARD, ", 'erased_to')", ")"],
  [
    "what is pending of an erased task is not counted in its range",
    ERASURE,
    "replays::count(db, &delivery, false)?;",
    "",
  ],
  [
    "events by other names of an erased task stay",
    ERASURE,
    "    tombstones::forget_other_events(db, task.no)?;\n",
    "",
  ],
  [
    "what is stored of a task that was erased elsewhere stays",
    IMPORTED,
    "                tombstones::scan_again(db)?;\n",
    "",
  ],
  [
    "a late event of a task that was erased elsewhere is stored",
    "edge-worker/engine/src/shard/events/rows.rs",
    "ORDER BY task_id LIMIT 1",
    "ORDER BY task_id DESC LIMIT 1",
  ],
  [
    "streams that are behind are not told of erasures",
    SEQUENCE,
    "UNION ALL SELECT last_seq, NULL, 1 FROM tasks WHERE erased_at IS NOT NULL AND last_seq > ?1",
    "",
  ],
  [
    "an alert is sent again within the hour",
    "edge-worker/engine/src/directory/alerts/state.rs",
    "self.sent_at.map(|sent_at| sent_at.plus_seconds(PAUSE))",
    "self.sent_at",
  ],
  [
    "an alert that is sent again is stored again",
    "edge-worker/engine/src/shard/events/alerts.rs",
    "Digest::of(alert.id.as_bytes())",
    'Digest::of(format!("{} {seq}", alert.id).as_bytes())',
  ],
  [
    "an end is sent of an alert that was not sent",
    "edge-worker/engine/src/directory/alerts/state.rs",
    "false if self.close_pending =>",
    "false if self.close_pending || self.sent_at.is_none() =>",
  ],
  [
    "alert destinations receive events of tasks",
    ENQUEUE,
    "Recipients::Matching if endpoint.options.is_alert_destination() => false,",
    "Recipients::Matching if endpoint.no == 0 => false,",
  ],
  [
    "totals are stored without the events that are pruned",
    TOTALS,
    "totals.add(&count(db, self.counted_to, to)?);",
    "",
  ],
  [
    "attempts in flight are not limited",
    THROTTLE,
    "limit.saturating_sub(self.count_in_flight(endpoint, now))",
    "limit",
  ],
  [
    "attempts per second are not limited",
    THROTTLE,
    "rate.attempts.saturating_sub(begun.count())",
    "rate.attempts + begun.count()",
  ],
  [
    "each shard has all of a limit",
    "edge-worker/engine/src/protocol/settings/limits.rs",
    "(limit / shards + u32::from(shard < limit % shards)) as usize",
    "limit.max(shard / shards) as usize",
  ],
  [
    "first attempts are not counted for limits",
    STORE,
    "self.attempts.begin(context, &self.config, dispatch);",
    "",
  ],
  [
    "attempts in flight are forgotten at a restart",
    ATTEMPTS,
    "Throttle::recover(context, settings, &leases)?",
    "Throttle::default()",
  ],
  [
    "a new event overtakes what waits for a limit",
    ATTEMPTS,
    "is_some_and(|due_at| due_at <= now))",
    "is_some_and(|due_at| due_at < now && now < due_at))",
  ],
  [
    "what waits for a limit is not scheduled",
    ATTEMPTS,
    "due_at.max(context.now).max(allowed_at.unwrap_or(context.now))",
    "due_at.max(context.now).max(allowed_at.unwrap_or(context.now)).plus_seconds(3600)",
  ],
  [
    "imported events are delivered",
    ENQUEUE,
    "(_, Some(_)) => Self::Only { endpoints: &[], is_test: false },",
    "(_, Some(_)) => Self::Matching,",
  ],
  [
    "an old body is pruned before what came here before it",
    PRUNING,
    "take_while(|event| event.received_at < until)",
    "filter(|event| event.received_at < until)",
  ],
  [
    "the secret of a known event that is imported is forgotten",
    STORE,
    "(Some(task), Some(_)) => rows::add_key(context.db, task, &event.incoming.key)?,",
    "(Some(_), Some(_)) => {}",
  ],
  [
    "a revoked token is let in for a minute",
    KNOWN_TOKENS,
    "const FRESH_FOR: i64 = 30_000;",
    "const FRESH_FOR: i64 = 60_000;",
  ],
  [
    "a token that has expired is let in",
    KNOWN_TOKENS,
    "token.matches(&presented.digest) && !token.is_expired(now)",
    "token.matches(&presented.digest)",
  ],
  [
    "whatever has the id of a token is let in",
    KNOWN_TOKENS,
    "token.matches(&presented.digest) && !token.is_expired(now)",
    "!token.is_expired(now)",
  ],
  ["the text of a token is stored", TOKENS, "Bind::Text(&token.name)", "Bind::Text(text)"],
  [
    "a token is created without a record",
    TOKENS,
    "        audit::record(context, request, &token.id)?;\n",
    "",
  ],
  [
    "a change is made though its record can't be stored",
    DIRECTORY,
    "audit::record(context, request, &change.target())?;",
    "let _ = audit::record(context, request, &change.target());",
  ],
  [
    "records are dropped an hour early",
    AUDIT,
    "context.deployment.retained_since(context.now)",
    "context.deployment.retained_since(context.now.plus_seconds(3600))",
  ],
  ["a record does not name its target", AUDIT, "Bind::Text(target)", 'Bind::Text("")'],
  [
    "an import is recorded for each of its requests",
    AUDIT,
    "const IMPORT_RECORDED_FOR: i64 = 3600;",
    "const IMPORT_RECORDED_FOR: i64 = 0;",
  ],
  [
    "another jurisdiction is admitted",
    TOPOLOGY,
    "placement.mismatch(recorded.placement).map_or(Ok(()), |message| Err(TopologyMismatch(message)))",
    "Ok(())",
  ],
  [
    "shard 0 of a jurisdiction does not ask the anchor",
    PLACEMENT,
    "(call.shard == 0 && call.placement.jurisdiction().is_none())",
    "call.shard == 0",
  ],
  [
    "a query fixes the jurisdiction",
    PLACEMENT,
    "TopologyCheck::AskAnchor(ShardRequest::VerifyAnchor)",
    "TopologyCheck::AskAnchor(ShardRequest::Anchor)",
  ],
  [
    "an empty directory asks no shard",
    "edge-worker/engine/src/directory/topology.rs",
    "(None, Purpose::Any) => Ok(Some(ShardRequest::VerifyShardCount)),",
    "(None, Purpose::Any) => Ok(None),",
  ],
  [
    "a restarted shard takes leases for longer",
    LEASES,
    "leases.grant(delivery, until);",
    "leases.grant(delivery, until.plus_seconds(1));",
  ],
  [
    "a range that is over before it begins is not stored",
    "edge-worker/engine/src/shard/deliveries/replays.rs",
    "db.run(ACCEPT, &[Bind::Text(&replay.id), Bind::Int(matched), Bind::MaybeInt(next_seq)])?;",
    "if next_seq.is_some() {\n            db.run(ACCEPT, &[Bind::Text(&replay.id), Bind::Int(matched), Bind::MaybeInt(next_seq)])?;\n        }",
  ],
  [
    "a search by time leaves out the first tasks",
    LISTING,
    "first_created_at(db, since.plus_seconds(-SKEW), imported)",
    "first_created_at(db, since.plus_seconds(3600), imported)",
  ],
  [
    "a page of a search by ids begins too late",
    LISTING,
    'format!("{last}\\u{1}")',
    'format!("{last}9")',
  ],
  [
    "a superseded delivery leaves no row",
    ENDED,
    "rows::end(db, delivery, DeliveryState::Superseded, now, None)?;",
    'db.run("DELETE FROM deliveries WHERE no = ?", &[crate::storage::database::Bind::Int(delivery.no)])?;',
  ],
  [
    "what waits for a disabled endpoint dies as if that were deleted",
    SCHEDULE,
    "settings.endpoint(*endpoint).is_none());",
    "settings.endpoint(*endpoint).is_none_or(|found| !found.options.enabled));",
  ],
  [
    "a delivery is superseded whatever the order of its endpoint",
    ENQUEUE,
    "endpoint.order().supersedes(newer, older.is_applied)",
    "vtryon_webhooks::endpoint::Order::Latest.supersedes(newer, older.is_applied)",
  ],
  [
    "later events of other names lose their bodies when one is pruned",
    RETENTION,
    "SET body = x'', previous = NULL WHERE seq = ?\";",
    "SET body = IIF(seq = ?1, x'', x'00'), previous = IIF(seq = ?1, NULL, previous)\n        WHERE seq = ?1 OR (digest IS NOT NULL AND task_no > 0 AND seq > ?1)\";",
  ],
  [
    "the result of a second final status replaces that of the first",
    STORE,
    "step.finishes().then(",
    'matches!(incoming.content.status(), Some("completed" | "failed")).then(',
  ],
  [
    "imported events are not counted",
    TOTALS,
    "seq < ?2 AND task_no > 0 GROUP BY",
    "seq < ?2 AND task_no > 0 AND imported_at IS NULL GROUP BY",
  ],
  [
    "a dead letter counts as delivered in its range",
    ENDED,
    "replays::count(db, delivery, false)?;\n    let (id, endpoint)",
    "replays::count(db, delivery, true)?;\n    let (id, endpoint)",
  ],
  [
    "webhook-ids are too short to differ",
    "core/src/event/identity.rs",
    ".chars().take(32)",
    ".chars().take(1)",
  ],
  [
    "a lease ends before its attempt",
    LEASES,
    "until: after(BEGIN_WITHIN_SECONDS + i64::from(timeout_seconds) + MARGIN_SECONDS),",
    "until: after(BEGIN_WITHIN_SECONDS + MARGIN_SECONDS / i64::from(timeout_seconds)),",
  ],
  [
    "a retry comes a minute late",
    RECORD,
    "NextStep::RetryAt(at) => retry_at(db, delivery, at),",
    "NextStep::RetryAt(at) => retry_at(db, delivery, at.plus_seconds(60)),",
  ],
  [
    "what the gateway could not attempt waits for an hour",
    RECORD,
    "const DEFERRED_FOR: i64 = 60;",
    "const DEFERRED_FOR: i64 = 3600;",
  ],
  [
    "what bears `auth` is refused",
    "edge-worker/engine/src/directory/endpoints/credentials.rs",
    'Some("bearer") =>',
    'Some("Bearer") =>',
  ],
  [
    "acknowledgements are refused",
    LIVE,
    "acknowledged(text, MAX_ACK_BYTES)",
    "acknowledged(text, MAX_ACK_BYTES.min(20))",
  ],
  [
    "a live event has the end of its body alone",
    "edge-worker/engine/src/shard/live/message.rs",
    "Base64::encode_string(&body)",
    "Base64::encode_string(&body[1..])",
  ],
  [
    "a snapshot has few of the tasks",
    "edge-worker/engine/src/shard/live/message.rs",
    "const SNAPSHOT: u32 = 50;",
    "const SNAPSHOT: u32 = 5;",
  ],
  [
    "every attempt is shown as delivered",
    "edge-worker/engine/src/shard/live/audience.rs",
    "attempted.state.as_str()",
    '"delivered"',
  ],
  [
    "a page receives no result",
    "edge-worker/engine/src/shard/live/state.rs",
    "result_url: self.result_url.as_deref(),",
    "result_url: None,",
  ],
  [
    "a result is kept for the whole retention from when it is read",
    "edge-worker/engine/src/protocol/result.rs",
    "u64::try_from(until.0 - now.0)",
    "u64::try_from(retention_seconds * 1000 + 0 * (until.0 - now.0))",
  ],
  [
    "the result of an erased task is read while its rows are left",
    "edge-worker/engine/src/shard/queries/tasks.rs",
    "if erasure::is_erased(db, task_id)? { Ok(None) } else { find_result(db, task_id) }",
    "find_result(db, task_id)",
  ],
  [
    "a result has no URL",
    "edge-worker/engine/src/shard/queries/tasks.rs",
    "SELECT task_id, stage, result_url, failure, final_at FROM tasks\n        WHERE open = 0",
    "SELECT task_id, stage, NULL, failure, final_at FROM tasks\n        WHERE open = 0",
  ],
  [
    "an event that follows one of its task at once is not stored",
    STORE,
    "            rows::append(db, &event.row(&new, task_no))?;\n",
    "            if previous != Some(seq - 1) {\n                rows::append(db, &event.row(&new, task_no))?;\n            }\n",
  ],
  [
    "an event takes the body of the one before it along",
    STORE,
    "            rows::append(db, &event.row(&new, task_no))?;\n",
    `            rows::append(db, &event.row(&new, task_no))?;
            let binds = [crate::storage::database::Bind::Blob(event.body), crate::storage::database::Bind::MaybeInt(previous)];
            db.run("UPDATE events SET body = ? WHERE seq = ?", &binds)?;
`,
  ],
  [
    "the bodies of an import are read from its beginning",
    IMPORT,
    "rest = after;",
    "let _ = after;",
  ],
  [
    "bodies that can't be read are the same where they begin alike",
    "edge-worker/engine/src/shard/events/quarantine.rs",
    "let digest = Digest::of(body).to_hex();",
    "let digest = Digest::of(body.get(..8).unwrap_or(body)).to_hex();",
  ],
  [
    "events of the same name are the same",
    "edge-worker/engine/src/shard/events/rows.rs",
    "WHERE task_no = ? AND name = ? AND digest = ?",
    "WHERE task_no = ? AND (name = ? OR digest = ?)",
  ],
  [
    "a delivery is exhausted an attempt early",
    NEXT_STEP,
    "Ok(next.map_or(Self::Exhausted, Self::RetryAt))",
    "Ok(next.filter(|_| number < 5).map_or(Self::Exhausted, Self::RetryAt))",
  ],
  [
    "a delivery is exhausted an attempt late",
    "core/src/retry.rs",
    "pub const MAX_RETRIES: u32 = 5;",
    "pub const MAX_RETRIES: u32 = 6;",
  ],
  [
    "an attempt before its time counts as one of the schedule",
    NEXT_STEP,
    "if attempt.attempted_at < delivery.scheduled_at {",
    "if attempt.attempted_at.0 < 0 {",
  ],
  [
    "a refusal with 422 counts as an abort",
    NEXT_STEP,
    "if attempt.is_aborted {",
    "if attempt.is_aborted || attempt.status == Some(422) {",
  ],
  [
    "an abort of an earlier lease counts",
    RECORD,
    "Some(attempt) if is_current || attempt.reply() == Some(Reply::Delivered) => {",
    "Some(attempt) if is_current || attempt.is_aborted || attempt.reply() == Some(Reply::Delivered) => {",
  ],
  [
    "what has failed for hours dies as if it were pruned",
    SCHEDULE,
    "(events::find_deliverable(db, seq)?, events::body(db, seq)?) else {",
    "(events::find_deliverable(db, seq)?, events::body(db, seq)?.filter(|_| delivery.first_at.is_none_or(|at| at > now.plus_seconds(-7200)))) else {",
  ],
  [
    "a gap leaves out the last entry that was pruned",
    BACKLOG,
    "to: floor, after: subscriber.at };",
    "to: floor - 1, after: subscriber.at };",
  ],
  [
    "a page receives the status of the last event",
    "edge-worker/engine/src/shard/live/state.rs",
    '"SELECT stage, result_url,',
    '"SELECT COALESCE((SELECT status FROM events WHERE seq = last_seq), stage), result_url,',
  ],
  [
    "a shard goes on with endpoints that were deleted",
    CONFIG,
    "        self.config.settings = settings;\n",
    `        let known = std::mem::replace(&mut self.config.settings, settings).endpoints;
        let gone = known.into_iter().filter(|endpoint| self.config.settings.endpoint(endpoint.no).is_none());
        let gone: Vec<_> = gone.collect();
        self.config.settings.endpoints.extend(gone);
`,
  ],
  [
    "settings have endpoints that were deleted",
    "edge-worker/engine/src/directory/endpoints/records.rs",
    "SELECT doc FROM endpoints WHERE deleted_at IS NULL ORDER BY no",
    "SELECT doc FROM endpoints ORDER BY no",
    "UPDATE endpoints SET doc = '', deleted_at = ? WHERE no = ?",
    "UPDATE endpoints SET deleted_at = ? WHERE no = ?",
  ],
  [
    "secrets that an administrator retires sign",
    ENDPOINTS,
    "record.endpoint.secrets.truncate(1);",
    "record.endpoint.secrets.truncate(2);",
  ],
  [
    "a former secret signs for longer than was asked for",
    ENDPOINTS,
    "i64::from(self.overlap_hours) * 3600",
    "i64::from(self.overlap_hours) * 3600 + 60",
  ],
  [
    "a rotation ends former secrets at once",
    ENDPOINTS,
    "i64::from(self.overlap_hours) * 3600",
    "i64::from(self.overlap_hours)",
  ],
  [
    "fields that an administrator sets are lost",
    ENDPOINTS,
    "credentials::replace(&mut record.endpoint, &former_url, headers)?;",
    "record.endpoint.options.order = find(context.db, no)?.endpoint.options.order;\n    credentials::replace(&mut record.endpoint, &former_url, headers)?;",
  ],
  [
    "an attempt for the first event that is not counted yet is counted twice",
    TOTALS,
    "if seq_of(delivery) < self.counted_to {\n            self.late",
    "if seq_of(delivery) <= self.counted_to {\n            self.late",
  ],
  [
    "late attempts are not counted",
    ALARM,
    "let stored = self.totals.store_late_attempts(context.db, &self.config.settings);\n        self.log.fault(stored.err());\n",
    "",
  ],
  [
    "the first body that can't be read is not counted",
    TOTALS,
    "SELECT COUNT(*) FROM quarantine WHERE no >= ? AND no < ?",
    "SELECT COUNT(*) FROM quarantine WHERE no > ? AND no < ?",
  ],
  [
    "records are shown in the order of their times",
    AUDIT,
    "FROM audit WHERE no < ? ORDER BY no DESC LIMIT ?",
    "FROM audit WHERE no < ? ORDER BY at DESC, no DESC LIMIT ?",
  ],
  [
    "the next page of a range begins an event too late",
    RANGE,
    "seqs.last().map(|seq| seq + 1)",
    "seqs.last().map(|seq| seq + 2)",
  ],
  [
    "the next page of tombstones begins a task too late",
    "edge-worker/engine/src/shard/retention/tombstones.rs",
    "last.map_or(Ok(()), |last| meta::set(db, place, last))?;",
    "last.map_or(Ok(()), |last| meta::set(db, place, last + 1))?;",
  ],
  [
    "a page of tombstones is looked at for ever",
    "edge-worker/engine/src/shard/retention/tombstones.rs",
    "last.map_or(Ok(()), |last| meta::set(db, place, last))?;",
    "let _ = place;",
  ],
  [
    "a page of events that are erased is all of them",
    "edge-worker/engine/src/shard/sequence/task_events.rs",
    "page.last().filter(|_| is_full)",
    "page.last().filter(|_| is_full && last < 0)",
  ],
  [
    "a stream has caught up after a page",
    BACKLOG,
    "if (page.len() as i64) < rows {",
    "if rows < i64::MAX {",
  ],
  [
    "a page that is pruned ends an event too late",
    PRUNING,
    "floors::set_pruned(db, last)?;",
    "floors::set_pruned(db, last + i64::from(too_old.len() as i64 == rows))?;",
  ],
  [
    "an event loses its result where it is read",
    "edge-worker/engine/src/protocol/event.rs",
    "result_url: event.result_url().map(str::to_owned),",
    "result_url: event.result_url().map(|url| url.to_ascii_uppercase()),",
  ],
  [
    "a shard records the topology of a caller that it refuses",
    PLACEMENT,
    "(true, Err(mismatch)) => Ok(Err(mismatch)),",
    `(true, Err(mismatch)) => {
                call.topology().record(db)?;
                Ok(Err(mismatch))
            }`,
  ],
  [
    "an empty directory records what is configured",
    "edge-worker/engine/src/directory/topology.rs",
    "None => Ok(()),",
    "None => configured.record(db),",
  ],
  [
    "the directory records a shard more than there are",
    "edge-worker/engine/src/directory/topology.rs",
    "Some(_) => configured.record(db),",
    "Some(shards) => Topology { shards: shards + 1, ..configured }.record(db),",
  ],
  [
    "an import looks for a byte more than there is",
    IMPORT,
    ".split_at_checked(*length)",
    ".split_at_checked(*length + 1)",
  ],
  [
    "a retry leaves out the end of its body",
    SCHEDULE,
    "events::body(db, seq)?) else {",
    "events::body(db, seq)?.map(|body| body.split_last().map_or(Vec::new(), |(_, rest)| rest.to_vec()))) else {",
  ],
  [
    "an abort is stored as a reason that nobody knows",
    REASONS,
    '"aborted_by_receiver"',
    '"aborted"',
  ],
  [
    "the reason of a dead letter is stored as its state",
    DELIVERIES,
    "Bind::Text(state.as_str()),",
    "Bind::Text(reason.map_or(state.as_str(), DeliveryReason::as_str)),",
  ],
  [
    "a gap has an entry more than were pruned",
    BACKLOG,
    "to: floor, after: subscriber.at };",
    "to: floor + 1, after: subscriber.at };",
  ],
  [
    "a live event whose secret is configured no more has no signature",
    MESSAGE,
    "own.or(keys.first())",
    "own",
  ],
  [
    "each acknowledgement is answered with `ready`",
    BACKLOG,
    "if !subscriber.caught_up {\n            self.catch_up",
    "if subscriber.at >= 0 {\n            self.catch_up",
    "if !subscriber.ready_sent {",
    "if subscriber.at >= 0 {",
  ],
  [
    "`ready` of each shard is that of the first",
    MESSAGE,
    "r#type: MessageType::Ready, shard: index.shard })",
    "r#type: MessageType::Ready, shard: 0 })",
  ],
  [
    "a new token is shown by its digest",
    TOKENS,
    "CreatedToken { view: row.view(), token: text }",
    "CreatedToken { view: row.view(), token: if text.is_empty() { text } else { &token.digest } }",
  ],
  [
    "a page that resumes is not told what it has missed",
    SUBSCRIBE,
    "Start::After(seen) if state.seq <= seen => return outgoing,",
    "Start::After(seen) if state.seq <= seen || seen > 0 => return outgoing,",
  ],
  [
    "open pages are not told of changes",
    BROADCAST,
    "self.task_id().map(|task_id| state_tag(&Digest::of_task(task_id)))",
    "self.task_id().filter(|id| id.is_empty()).map(|id| state_tag(&Digest::of_task(id)))",
  ],
  [
    "streams of a task are not told of what is stored",
    BROADCAST,
    "std::iter::once(subject_tag(&Subject::Shard)).chain(of_task).collect()",
    "std::iter::once(subject_tag(&Subject::Shard)).chain(of_task.filter(|_| false)).collect()",
  ],
  [
    "what is left to the alarm is never due",
    DELIVERIES,
    "FirstAttempt::Due(at) => (Some(at.0), None),",
    "FirstAttempt::Due(at) => (Some(at.0).filter(|at| *at < 0), None),",
  ],
  [
    "a failed attempt keeps its lease",
    DELIVERIES,
    "attempts = ?4, leased_until = NULL, reason = NULL",
    "attempts = ?4, reason = NULL",
  ],
  [
    "the connections of a run are not limited",
    SCHEDULE,
    "const CONNECTIONS: usize = 6;\nconst PER_ENDPOINT: usize = 2;",
    "const CONNECTIONS: usize = 60;\nconst PER_ENDPOINT: usize = 20;",
  ],
  [
    "a status that is not documented takes that of its task away",
    "edge-worker/engine/src/shard/events/rows.rs",
    "Bind::Maybe(self.state.stage().map(Stage::as_str)),",
    'Bind::Maybe(self.state.stage().filter(|_| unknown == "[]").map(Stage::as_str)),',
  ],
  [
    "a token may have ended before it is created",
    TOKENS,
    "if expires_at.is_some_and(|end| end <= context.now) {",
    "if expires_at.is_some_and(|end| end.0 <= 0) {",
  ],
  [
    "a token is a character longer than one may be",
    "edge-worker/engine/src/credentials/token.rs",
    "text.len() == LENGTH &&",
    "text.len() < LENGTH &&",
  ],
  [
    "every token has the least scope",
    TOKENS,
    "Bind::Text(token.scope.as_str()),",
    "Bind::Text(Scope::Read.as_str()),",
  ],
  [
    "a token is refused half a minute before it ends",
    TOKENS,
    "!token.is_expired(context.now)",
    "!token.is_expired(context.now.plus_seconds(30))",
  ],
  [
    "an attachment has a part for each message",
    "edge-worker/engine/src/shard/live/subscriber.rs",
    "const PART: usize = 16 * 1024;",
    "const PART: usize = 16;",
  ],
  [
    "every attempt has the usual timeout",
    "edge-worker/engine/src/shard/deliveries/dispatch.rs",
    "options: endpoint.options.attempt.clone(),",
    "options: Default::default(),",
  ],
  [
    "a retry has the number of the attempt before it",
    SCHEDULE,
    "attempt: delivery.failed_attempts + 1,",
    "attempt: delivery.failed_attempts.max(1),",
  ],
  [
    "an erasure that is too old is not imported",
    IMPORT,
    "let is_new = imported::store(context, &digest, erasure.erased_at, seq)?;",
    "let is_new = erasure.erased_at >= context.deployment.retained_since(context.now)\n            && imported::store(context, &digest, erasure.erased_at, seq)?;",
  ],
  [
    "an erasure that is known is answered as new",
    IMPORT,
    'const KNOWN: &str = "duplicate";',
    'const KNOWN: &str = "erased";',
  ],
  [
    "settings of the next version are not stored",
    CONFIG,
    "if settings.version <= known.version {",
    "if settings.version <= known.version + 1 {",
  ],
  [
    "a replay is forgotten with the next one of its delivery",
    "edge-worker/engine/src/shard/deliveries/replays.rs",
    "    db.run(NOTE, &[",
    '    db.run("DELETE FROM replay_log WHERE delivery = ?", &[Bind::Int(delivery)])?;\n    db.run(NOTE, &[',
  ],
  [
    "a run attempts what is due within a minute",
    SCHEDULE,
    "rows::due(db, endpoint.no, now, MAX_DUE_LOOKED_AT)?",
    "rows::due(db, endpoint.no, now.plus_seconds(60), MAX_DUE_LOOKED_AT)?",
  ],
  [
    "what is queued of an erased task is sent",
    BROADCAST,
    "self.task_id().filter(|_| matches!(self.payload, Payload::Erased(_)))",
    "self.task_id().filter(|task_id| task_id.is_empty())",
  ],
  [
    "an attachment leaves out what waits",
    "edge-worker/engine/src/shard/live/subscriber.rs",
    "    waiting: usize,\n    /// Since",
    "    #[serde(skip_serializing)]\n    waiting: usize,\n    /// Since",
  ],
  [
    "each number is followed by one that is not given",
    SHARD,
    "self.last_seq + 1\n",
    "self.last_seq + 2\n",
  ],
  [
    "a task that was pruned is said to be erased",
    SUBSCRIBE,
    "if erasure::is_erased(context.db, task_id)? {",
    "if crate::shard::events::rows::find(context.db, task_id)?.is_some_and(|task| task.is_tombstone) {",
  ],
  [
    "an erasure is told by a message of another kind",
    "edge-worker/engine/src/protocol/live.rs",
    "    /// A task was erased.\n    Erased,\n}",
    '    /// A task was erased.\n    #[serde(rename = "deleted")]\n    Erased,\n}',
  ],
  [
    "an erasure is told by another digest",
    MESSAGE,
    "task_digest: &digest,",
    "task_digest: &vtryon_webhooks::Digest::of(digest.as_bytes()).to_hex(),",
  ],
  [
    "what has ended is superseded",
    "edge-worker/engine/src/shard/deliveries/ordering.rs",
    "WHERE d.state = 'pending' AND d.replay_count = 0 ORDER",
    "WHERE d.replay_count = 0 ORDER",
  ],
  [
    "a list has two of the tokens",
    TOKENS,
    'ORDER BY created_at DESC, id";',
    'ORDER BY created_at DESC, id LIMIT 2";',
  ],
  [
    "a success after the lease is over changes nothing",
    RECORD,
    "Some(attempt) if is_current || attempt.reply() == Some(Reply::Delivered) => {",
    "Some(attempt) if is_current => {",
  ],
  [
    "a change is confirmed that is not stored",
    CHANGES,
    "        settings::commit(context, &change, by.as_ref())?;\n",
    "        let _ = (change, &by);\n",
  ],
  [
    "the erasure of a task is confirmed that has no tombstone",
    ERASURE,
    "                    make_tombstone(db, task.no, &id, (seq, now), now)?;\n",
    "                    let _ = &id;\n",
  ],
  [
    "a tombstone goes with the first of its secrets",
    "edge-worker/engine/src/shard/retention/tombstones.rs",
    "if keys.split(' ').any(|key| configured",
    "if keys.split(' ').all(|key| configured",
  ],
  [
    "a task is dropped with its last event",
    RETENTION,
    "tombstones::drop_task(db, &deployment.fingerprints(), task_no, &key)?;",
    "tombstones::drop_task(db, &deployment.fingerprints()[..0], task_no, &key)?;",
  ],
  [
    "a request that changes nothing is recorded",
    CHANGES,
    "if change(&decided).is_none() {",
    'if change(&decided).is_none() {\n        crate::directory::audit::record(context, by.as_ref(), "nothing")?;',
  ],
].map(([name, file, ...replacements]) => ({ name, file, replacements }));

/** Plants a fault; fails where a text to replace is not there exactly once. */
export function planted(source, { name, replacements }) {
  let text = source;
  for (let place = 0; place < replacements.length; place += 2) {
    const [from, to] = replacements.slice(place, place + 2);
    if (text.split(from).length !== 2) throw new Error(`"${name}" does not fit: ${from}`);
    text = text.replace(from, () => to);
  }
  return text;
}
