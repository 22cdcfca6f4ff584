//! Shards of several sizes measured in turns, as `bench/lib/rounds.js` does it: rounds of slots, in each slot every shard
//! once, in an order that rotates. What reads is sampled by the least of a round's slots. What writes is sampled by their
//! mean: a commit that also does the work of earlier ones, such as a checkpoint of the log, counts.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Deserialize;
use vtryon_gateway_engine::Result;

use crate::operations::{Filled, Operation};

/// How much is measured.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct How {
    rounds: u32,
    slots: u32,
    /// How long a slot of what reads is, and how many operations one of what writes has: so a small shard stays small.
    slot_ms: u64,
    writes: u32,
}

/// Returns the samples of an operation for each shard: microseconds.
pub(crate) fn interleave(
    shards: &mut [Filled],
    operation: &Operation,
    how: How,
) -> Result<BTreeMap<u32, Vec<f64>>> {
    let mut nth = 0;
    let mut batches = Vec::new();
    for shard in &mut *shards {
        // The first run is not counted: its statements are not prepared yet.
        time(shard, operation, 1, &mut nth)?;
        let once = time(shard, operation, 1, &mut nth)?;
        let fitting = how.slot_ms as f64 / 1e3 / once.as_secs_f64().max(1e-6);
        batches.push(if operation.writes { how.writes } else { fitting.clamp(1.0, 1000.0) as u32 });
    }
    let mut samples: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for round in 0..how.rounds {
        let mut slots: Vec<Vec<f64>> = vec![Vec::new(); shards.len()];
        for slot in 0..how.slots {
            for turn in 0..shards.len() {
                let index = (turn + (round * how.slots + slot) as usize) % shards.len();
                let (Some(shard), Some(batch), Some(costs)) =
                    (shards.get_mut(index), batches.get(index), slots.get_mut(index))
                else {
                    continue;
                };
                let took = time(shard, operation, *batch, &mut nth)?;
                costs.push(took.as_secs_f64() * 1e6 / f64::from(*batch));
            }
        }
        for (shard, costs) in shards.iter().zip(slots) {
            let mean = costs.iter().sum::<f64>() / costs.len().max(1) as f64;
            let least = costs.into_iter().fold(f64::INFINITY, f64::min);
            samples.entry(shard.tasks).or_default().push(if operation.writes { mean } else { least });
        }
    }
    Ok(samples)
}

fn time(shard: &mut Filled, operation: &Operation, batch: u32, nth: &mut u32) -> Result<Duration> {
    let mut prepared = Vec::new();
    for _ in 0..batch {
        *nth += 1;
        prepared.push(operation.prepare(shard, *nth)?);
    }
    let begun = Instant::now();
    for call in prepared {
        shard.run(call)?;
    }
    Ok(begun.elapsed())
}
