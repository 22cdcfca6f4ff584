//! Requests to a shard over native SQLite: the bytes choose them one after the other, within what the API lets through.
//! None may fail, and what the database holds must agree with itself.

mod changes;
mod checks;
mod world;

use arbitrary::{Result, Unstructured};
use vtryon_gateway_engine::protocol::delivery::DeliveryState;
use vtryon_gateway_engine::protocol::live::{SEND_WINDOW, Start, Subject, Subscription};
use vtryon_gateway_engine::protocol::settings::Replay;
use vtryon_gateway_engine::protocol::{ShardRequest, TaskFilter};
use vtryon_webhooks::Millis;

use self::changes::{Line, Options};
use self::world::{STATUSES, World, status_body};

/// How many requests an input makes at most.
const LENGTH: usize = 32;

/// Names of tasks: few, so that requests meet; one with everything that a name may hold.
const TASKS: [&str; 4] = ["task_1", "task_2", "\u{e4}\u{1f600}'\"%;--", "a"];

/// Bodies that are no events of a status.
const BODIES: [&str; 6] = [
    r#"{"event":"gateway.test","task_id":"task_1"}"#,
    r#"{"event":"gateway.test","task_id":"task_1","x":1}"#,
    r#"{"event":"a.b","task_id":"\u00e4\ud83d\ude00'\"%;--"}"#,
    "not JSON",
    "{}",
    "",
];

/// Choices as [`step`] makes them: an event that is followed by the erasure of its task.
const ERASED: &[&[u8]] = &[&[6, 2, 0, 0], &[0, 0, 0], &[0, 1, 2], &[16, 0], &[0, 0, 1], &[10, 0], &[16, 1]];

/// An alert to its destination, which is registered before, and forgotten later.
const ALERTED: &[&[u8]] =
    &[&[15, 0, 0], &[18, 3, 1, 1, 1, 0, 0], &[15, 0, 0], &[10, 1], &[17, 3], &[15, 1, 1], &[10, 0]];

/// Two events and an erasure of another deployment, before and after an event of Vtryon's.
const IMPORTED: &[&[u8]] =
    &[&[6, 2, 0, 1], &[0, 0, 0], &[14, 1, 1, 0, 2, 20, 0, 0, 2, 5, 1, 0], &[10, 0], &[0, 1, 1], &[0, 0, 3]];

/// Deliveries within limits, of which the Worker loses the first attempts.
const LIMITED: &[&[u8]] = &[
    &[6, 2, 0, 1],
    &[18, 0, 1, 1, 2, 1, 0, 1, 1],
    &[0, 0, 0],
    &[0, 1, 0],
    &[0, 0, 1],
    &[20],
    &[11, 2],
    &[10, 1],
    &[11, 2],
    &[10, 0],
];

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    // Every kind of request in turn, with the same choices.
    let choices = |no: u8| (0..LENGTH as u8).flat_map(|step| [step, no, step / 7, no / 2, step, 0]).collect();
    let scenarios = [ERASED, ALERTED, IMPORTED, LIMITED].map(<[&[u8]]>::concat);
    (0..8).map(choices).chain(scenarios).collect()
}

pub(crate) fn check(input: &[u8]) {
    let mut choices = Unstructured::new(input);
    let mut world = World::new();
    for _ in 0..LENGTH {
        if choices.is_empty() || step(&mut world, &mut choices).is_err() {
            break;
        }
    }
    world.check();
}

/// Makes the next request.
fn step(world: &mut World, choices: &mut Unstructured<'_>) -> Result<()> {
    match choices.int_in_range(0..=23_u8)? {
        0..=3 => {
            let (task_id, status) = (*choices.choose(&TASKS)?, *choices.choose(&STATUSES)?);
            world.status(task_id, status);
        }
        4 => {
            let body = *choices.choose(&BODIES)?;
            world.post(body.as_bytes());
        }
        5 => {
            let length = choices.int_in_range(0..=40_usize)?.min(choices.len());
            let body = choices.bytes(length)?.to_vec();
            world.post(&body);
        }
        6 => {
            let endpoints = choices.int_in_range(0..=3_i64)?;
            let (enabled, is_ordered) = (choices.ratio(3_u8, 4)?, choices.arbitrary()?);
            world.configure(endpoints, enabled, is_ordered);
        }
        7 => world.delete_endpoint(choices.int_in_range(1..=4)?),
        8 => {
            let endpoint = choices.int_in_range(1..=3)?;
            let (from, until) = (choices.int_in_range(0..=100)?, choices.int_in_range(0..=100)?);
            world.replay_range(endpoint, choices.arbitrary()?, from, until);
        }
        9 => {
            let status =
                *choices.choose(&[None, Some(200), Some(204), Some(302), Some(401), Some(410), Some(503)])?;
            let asked = *choices.choose(&[None, Some(-5), Some(600_000), Some(i64::MAX / 2)])?;
            world.report(choices.arbitrary()?, status, asked);
        }
        10 => world.run_alarm(*choices.choose(&[200, 500, 410])?),
        11 => {
            let seconds = *choices.choose(&[1, 10, 120, 3600, 90_000, 400_000])?;
            world.pass(seconds);
        }
        12 => drop(world.restart()),
        13 => world.watch(subscription(choices)?, choices.arbitrary()?),
        14 => import(world, choices)?,
        15 => world.alert(choices.int_in_range(0..=3)?, choices.arbitrary()?),
        16 => world.erase(choices.choose(&TASKS)?),
        17 => world.forget_endpoint(choices.int_in_range(1..=4)?),
        18 | 19 => world.set_options(choices.int_in_range(1..=4)?, options(choices)?),
        20 => world.lose_attempts(),
        _ => {
            let request = query(choices)?;
            world.call(request, &[]);
        }
    }
    Ok(())
}

/// Imports some lines of an export.
fn import(world: &mut World, choices: &mut Unstructured<'_>) -> Result<()> {
    let mut lines = Vec::new();
    for _ in 0..choices.int_in_range(1..=3_u8)? {
        let body = if choices.arbitrary()? {
            status_body(choices.choose(&TASKS)?, choices.choose(&STATUSES)?)
        } else {
            choices.choose(&BODIES)?.as_bytes().to_vec()
        };
        lines.push(Line::Event { body, hours: choices.int_in_range(0..=60)? });
        lines.extend(maybe(choices, task_id)?.map(|task_id| Line::Erasure { task_id }));
    }
    world.import(&lines);
    Ok(())
}

fn options(choices: &mut Unstructured<'_>) -> Result<Options> {
    let limit = |choices: &mut Unstructured<'_>| choices.int_in_range(1..=3_u32);
    Ok(Options {
        paused: choices.ratio(1_u8, 4)?,
        has_headers: choices.arbitrary()?,
        timeout_seconds: *choices.choose(&[1, 10, 30])?,
        max_in_flight: maybe(choices, limit)?,
        attempts_per_second: maybe(choices, limit)?,
    })
}

/// A number of a row: small, where there are rows, or anything that passes through JavaScript.
fn no(choices: &mut Unstructured<'_>) -> Result<i64> {
    match choices.int_in_range(0..=2_u8)? {
        0 => choices.int_in_range(1..=20),
        1 => Ok((choices.int_in_range(1..=20_i64)? << 16) + choices.int_in_range(1..=3)?),
        _ => choices.int_in_range(1..=(1 << 53) - 1),
    }
}

fn maybe<T>(
    choices: &mut Unstructured<'_>,
    make: impl FnOnce(&mut Unstructured<'_>) -> Result<T>,
) -> Result<Option<T>> {
    Ok(if choices.arbitrary()? { Some(make(choices)?) } else { None })
}

fn task_id(choices: &mut Unstructured<'_>) -> Result<String> {
    Ok((*choices.choose(&TASKS)?).to_owned())
}

fn query(choices: &mut Unstructured<'_>) -> Result<ShardRequest> {
    let at = |choices: &mut Unstructured<'_>| Ok(Millis(choices.int_in_range(0..=1 << 52)?));
    Ok(match choices.int_in_range(0..=14_u8)? {
        0 => ShardRequest::Task { task_id: task_id(choices)? },
        1 => ShardRequest::Result { task_id: task_id(choices)? },
        2 => ShardRequest::Tasks {
            before: maybe(choices, no)?,
            filter: TaskFilter {
                status: maybe(choices, |choices| Ok((*choices.choose(&STATUSES)?).to_owned()))?,
                stalled: maybe(choices, at)?,
                since: maybe(choices, at)?,
                until: maybe(choices, at)?,
                prefix: maybe(choices, task_id)?,
            },
            limit: choices.int_in_range(1..=100)?,
        },
        3 => ShardRequest::Quarantine { before: maybe(choices, no)?, limit: choices.int_in_range(1..=100)? },
        4 => ShardRequest::Delivery { no: no(choices)? },
        5 => ShardRequest::Deliveries {
            before: maybe(choices, no)?,
            endpoint: maybe(choices, |choices| choices.int_in_range(0..=4))?,
            state: maybe(choices, |choices| Ok(*choices.choose(&DeliveryState::ALL)?))?,
            task_id: maybe(choices, task_id)?,
            digest: maybe(choices, |choices| Ok(hex::encode(choices.bytes(32)?)))?,
            limit: choices.int_in_range(1..=100)?,
        },
        6 | 7 => ShardRequest::Replay { no: no(choices)? },
        8 => ShardRequest::Progress { id: format!("rpl_{}", choices.int_in_range(0..=4_u8)?) },
        9 => ShardRequest::Health { endpoint: choices.int_in_range(0..=4)? },
        10 => ShardRequest::Metrics,
        11 => ShardRequest::Sweep,
        12 => ShardRequest::DeliveryBody { no: no(choices)? },
        13 => ShardRequest::CountRange(Replay {
            endpoint: choices.int_in_range(0..=4)?,
            all: choices.arbitrary()?,
            from: at(choices)?,
            until: at(choices)?,
            ..Replay::default()
        }),
        _ => ShardRequest::Stats {
            from: at(choices)?,
            endpoint: maybe(choices, |choices| choices.int_in_range(0..=4))?,
        },
    })
}

fn subscription(choices: &mut Unstructured<'_>) -> Result<Subscription> {
    let subject = match choices.int_in_range(0..=2_u8)? {
        0 => Subject::Shard,
        1 => Subject::Task { task_id: task_id(choices)? },
        _ => Subject::State { task_id: task_id(choices)? },
    };
    let start = match choices.int_in_range(0..=2_u8)? {
        0 => Start::Now,
        1 => Start::After(no(choices)?),
        _ => Start::Since(Millis(choices.int_in_range(0..=1 << 52)?)),
    };
    let send_window = *choices.choose(&[1, 500, SEND_WINDOW])?;
    Ok(Subscription { subject, start, bodies: choices.arbitrary()?, until: None, send_window })
}
