//! The limits of endpoints, held to all attempts that there are: divided among the shards here once more.

use vtryon_gateway_engine::protocol::delivery::{Dispatch, endpoint_of};
use vtryon_gateway_engine::protocol::settings::EndpointOptions;
use vtryon_gateway_engine::storage::database::Bind;
use vtryon_webhooks::Millis;

use crate::actors::attempts::{RunningAttempt, Sender};
use crate::platform::object::BegunAttempt;
use crate::violation::ensure;
use crate::world::World;

/// How long an attempt has to wait at most for limits alone, in milliseconds: until the longest lease has ended.
pub const LONGEST_WAIT: i64 = 50_000;

pub fn are_set(options: &EndpointOptions) -> bool {
    options.max_in_flight.is_some() || options.attempts_per_second.is_some()
}

/// Checks an attempt that a shard has just leased, to the Worker or to itself, and notes it.
pub fn of_limits(world: &mut World, shard: usize, dispatch: &Dispatch, is_first: bool) {
    let endpoint = endpoint_of(dispatch.delivery);
    let Some(settings) = world.shards[shard].settings.endpoint(endpoint) else { return };
    let options = settings.options.clone();
    if let Some(limit) = options.max_in_flight {
        of_in_flight(world, shard, dispatch, part(world, limit, shard));
    }
    if let Some(limit) = options.attempts_per_second {
        of_rate(world, shard, endpoint, limit);
    }
    if is_first && are_set(&options) {
        of_turn(world, shard, dispatch);
    }
}

fn part(world: &World, limit: u32, shard: usize) -> usize {
    let shards = world.shards.len();
    (shard..limit as usize).step_by(shards).count()
}

fn of_in_flight(world: &mut World, shard: usize, dispatch: &Dispatch, limit: usize) {
    let endpoint = endpoint_of(dispatch.delivery);
    let is_other = |attempt: &&RunningAttempt| {
        attempt.shard == shard
            && endpoint_of(attempt.dispatch.delivery) == endpoint
            && attempt.is_in_progress(world, shard)
            && is_known(world, shard, attempt)
    };
    let count = world.attempts.iter().filter(is_other).count() + 1;
    ensure!(count <= limit, "no more attempts are in flight than may be", "{count} instead of {limit}");
    if count == limit {
        world.coverage.reach("limit", "attempts in flight");
    }
}

/// Returns whether a shard can know of an attempt. A later instance does by the lease that is stored; that goes when a
/// late report of an earlier attempt ends the delivery meanwhile.
fn is_known(world: &World, shard: usize, attempt: &RunningAttempt) -> bool {
    const LEASED: &str = "SELECT COUNT(*) FROM deliveries WHERE no = ? AND leased_until = ?";
    let object = &world.shards[shard];
    let Dispatch { delivery, leased_until, .. } = attempt.dispatch;
    attempt.instance == object.deaths
        || object.db.integer(LEASED, &[Bind::Int(delivery), Bind::Int(leased_until.0)]) == 1
}

/// One instance lets no more attempts begin than the rate. The next one does not know when the last of them began.
fn of_rate(world: &mut World, shard: usize, endpoint: i64, limit: u32) {
    let (now, shards) = (world.clock(shard), world.shards.len() as u32);
    let (attempts, span_ms) = if limit >= shards {
        (part(world, limit, shard), 1_000)
    } else {
        (1, i64::from(1_000 * shards / limit))
    };
    let object = &mut world.shards[shard];
    let instance = object.deaths;
    object.begun.retain(|begun| begun.instance == instance);
    object.begun.push(BegunAttempt { endpoint, at: now, instance });
    let since = now.plus_millis(-span_ms);
    let count = object.begun.iter().filter(|begun| begun.endpoint == endpoint && begun.at > since).count();
    ensure!(
        count <= attempts,
        "no more attempts begin in a second than may",
        "{count} instead of {attempts} in {span_ms} ms"
    );
    if count == attempts {
        world.coverage.reach("limit", "attempts per second");
    }
}

/// A first attempt overtakes nothing that waits.
fn of_turn(world: &World, shard: usize, dispatch: &Dispatch) {
    const WAITING: &str =
        "SELECT COUNT(*) FROM deliveries WHERE endpoint = ? AND state = 'pending' AND due_at <= ?";
    let binds = [Bind::Int(endpoint_of(dispatch.delivery)), Bind::Int(world.clock(shard).0)];
    let waiting = world.shards[shard].db.integer(WAITING, &binds);
    ensure!(
        waiting == 0,
        "a new event overtakes nothing that waits",
        "{waiting} before {}",
        dispatch.delivery
    );
}

impl RunningAttempt {
    /// Returns whether its request may be made or answered still.
    pub fn is_in_progress(&self, world: &World, shard: usize) -> bool {
        let clock = if self.sender == Sender::Worker { world.now } else { world.clock(shard) };
        match &self.begun {
            Some((_, ends_at)) => *ends_at > world.now,
            None => self.dispatch.begin_before > clock,
        }
    }
}

/// Returns by when what is due now is attempted, as far as limits delay it.
pub fn latest(world: &World, shard: usize, endpoint: i64) -> Millis {
    let settings = world.shards[shard].settings.endpoint(endpoint);
    let is_limited = settings.is_some_and(|endpoint| are_set(&endpoint.options));
    world.clock(shard).plus_millis(if is_limited { LONGEST_WAIT } else { 0 })
}
