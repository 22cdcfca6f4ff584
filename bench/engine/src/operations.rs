//! What is asked of a shard: each operation makes its calls first, so that only the shard is measured.

use vtryon_gateway_engine::protocol::delivery::{DeliveryState, Dispatch, ENDPOINT_NUMBERS};
use vtryon_gateway_engine::protocol::settings::Replay;
use vtryon_gateway_engine::protocol::{ShardRequest, TaskFilter};
use vtryon_gateway_engine::text::json;
use vtryon_gateway_engine::{Error, Result};
use vtryon_webhooks::Millis;

use crate::fill::{body, settings, task_id};
use crate::object::Object;

/// How many entries a page has.
const PAGE: u32 = 50;

/// How far back statistics go, in seconds.
const HOUR: i64 = 3600;

/// A shard that was filled with so many tasks.
pub(crate) struct Filled {
    pub(crate) object: Object,
    pub(crate) tasks: u32,
    /// How many tasks were made by operations: each is new.
    pub(crate) added: u32,
}

/// One call, made beforehand.
pub(crate) enum Prepared {
    Call(ShardRequest, Vec<u8>),
    Report(Dispatch),
    AlarmRun,
}

/// One operation, and whether it writes.
#[derive(Clone, Copy)]
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) writes: bool,
    prepare: fn(&mut Filled, u32) -> Result<Prepared>,
}

/// All operations, those that leave the shard as it is first.
pub(crate) const OPERATIONS: &[Operation] = &[
    read("a task with its timeline", |filled, nth| Ok(task(filled, nth))),
    read("its result", |filled, nth| Ok(call(ShardRequest::Result { task_id: some_task(filled, nth) }))),
    read("a page of tasks", |_, _| Ok(tasks(None, None, None))),
    read("tasks, half-way", |filled, _| Ok(tasks(Some(i64::from(filled.tasks / 2)), None, None))),
    read("tasks that failed", |_, _| Ok(tasks(None, Some("failed"), None))),
    read("tasks that are queued", |_, _| Ok(tasks(None, Some("queued"), None))),
    read("tasks that stall", |filled, _| Ok(tasks(None, None, Some(filled.object.now)))),
    read("a page of deliveries", |_, _| Ok(deliveries(None, None, None))),
    read("deliveries, half-way", |filled, _| {
        Ok(deliveries(Some(i64::from(filled.tasks) * 3 / 2 * ENDPOINT_NUMBERS), None, None))
    }),
    read("pending deliveries", |_, _| Ok(deliveries(None, Some(2), Some("pending")))),
    read("dead letters", |_, _| Ok(deliveries(None, None, Some("dead")))),
    read("a page of the quarantine", |_, _| Ok(call(ShardRequest::Quarantine { before: None, limit: PAGE }))),
    read("dead letters of an endpoint without", |_, _| Ok(deliveries(None, Some(1), Some("dead")))),
    read("metrics", |_, _| Ok(call(ShardRequest::Metrics))),
    read("statistics of an hour", |filled, _| {
        Ok(call(ShardRequest::Stats { from: filled.object.now.plus_seconds(-HOUR), endpoint: None }))
    }),
    write("a duplicate", |filled, nth| {
        let body = body(sample(filled, nth), "queued");
        Ok(Prepared::Call(filled.object.storing(&body)?, body))
    }),
    write("a first event", |filled, _| {
        let nth = filled.next_task();
        store(filled, body(nth, "queued"))
    }),
    write("a further event", |filled, _| {
        let nth = filled.next_task();
        filled.object.deliver(&body(nth, "queued"))?;
        store(filled, body(nth, "processing"))
    }),
    write("a final event", |filled, _| {
        let nth = filled.next_task();
        filled.object.deliver(&body(nth, "queued"))?;
        filled.object.deliver(&body(nth, "processing"))?;
        store(filled, body(nth, "completed"))
    }),
    write("a delivery recorded", |filled, _| {
        let nth = filled.next_task();
        let mut dispatches = filled.object.store(&body(nth, "queued"))?;
        Ok(Prepared::Report(dispatches.pop().ok_or("nothing is dispatched")?))
    }),
    write("an alarm with a due delivery", |filled, _| {
        // One more for each that is delivered, so that as many are due as before.
        let nth = filled.next_task();
        filled.object.deliver(&body(nth, "failed"))?;
        Ok(Prepared::AlarmRun)
    }),
    write("a range to replay: all", |filled, nth| Ok(replay(filled, nth, true))),
    write("a range to replay: dead letters", |filled, nth| Ok(replay(filled, nth, false))),
];

impl Filled {
    /// Runs an operation once.
    pub(crate) fn run(&mut self, prepared: Prepared) -> Result<()> {
        match prepared {
            Prepared::Call(request, body) => {
                let answer = self.object.call(request, &body)?;
                answer.map(|_| ()).ok_or_else(|| Error::from("a shard has no answer"))
            }
            Prepared::Report(dispatch) => self.object.report(&dispatch),
            Prepared::AlarmRun => match self.object.run_alarm(1)? {
                1 => Ok(()),
                _ => Err("nothing was due".into()),
            },
        }
    }

    fn next_task(&mut self) -> u32 {
        self.added += 1;
        self.object.now = self.object.now.plus_millis(10);
        self.tasks + self.added
    }
}

impl Operation {
    pub(crate) fn prepare(&self, filled: &mut Filled, nth: u32) -> Result<Prepared> {
        (self.prepare)(filled, nth)
    }
}

const fn read(name: &'static str, prepare: fn(&mut Filled, u32) -> Result<Prepared>) -> Operation {
    Operation { name, writes: false, prepare }
}

const fn write(name: &'static str, prepare: fn(&mut Filled, u32) -> Result<Prepared>) -> Operation {
    Operation { name, writes: true, prepare }
}

const fn call(request: ShardRequest) -> Prepared {
    Prepared::Call(request, Vec::new())
}

fn store(filled: &Filled, body: Vec<u8>) -> Result<Prepared> {
    Ok(Prepared::Call(filled.object.storing(&body)?, body))
}

/// Picks a task that the shard was filled with, another one each time.
fn sample(filled: &Filled, nth: u32) -> u32 {
    // Odd, and so that a multiple of 20 does not repeat: a task that has completed.
    nth.wrapping_mul(7_919) % (filled.tasks / 20) * 20 + 3
}

fn some_task(filled: &Filled, nth: u32) -> String {
    task_id(sample(filled, nth))
}

fn task(filled: &Filled, nth: u32) -> Prepared {
    call(ShardRequest::Task { task_id: some_task(filled, nth) })
}

fn tasks(before: Option<i64>, status: Option<&str>, stalled: Option<Millis>) -> Prepared {
    let status = status.map(str::to_owned);
    call(ShardRequest::Tasks {
        before,
        filter: TaskFilter { status, stalled, ..TaskFilter::default() },
        limit: PAGE,
    })
}

fn deliveries(before: Option<i64>, endpoint: Option<i64>, state: Option<&str>) -> Prepared {
    let state = state.and_then(DeliveryState::from_name);
    call(ShardRequest::Deliveries { before, endpoint, state, task_id: None, digest: None, limit: PAGE })
}

/// Sends settings with a range of all times instead of the one before.
fn replay(filled: &Filled, nth: u32, all: bool) -> Prepared {
    let now = filled.object.now.0;
    let id = format!("replay_{nth}_{all}");
    let endpoint = if all { 1 } else { 3 };
    let range = Replay { id, endpoint, all, until: Millis(now), ..Replay::default() };
    // A version above all before: those of the ranges of all events come first.
    let version = now + i64::from(nth) + if all { 0 } else { 1 << 32 };
    call(ShardRequest::Configure(json::to_raw(&settings(version, true, vec![range]))))
}
