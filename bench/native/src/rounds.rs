//! Variants measured in turns, as `bench/lib/rounds.js` does it: rounds of slots, in each slot every variant
//! once, in an order that rotates; a round's sample is the least of its slots.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Deserialize;

/// How long each variant runs before anything counts.
const WARM_UP: Duration = Duration::from_millis(50);

/// How much is measured.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct How {
    rounds: usize,
    slots: usize,
    slot_ms: u64,
}

/// One thing that is measured; `once` tells whether it did what it should.
pub(crate) struct Variant<'a> {
    pub(crate) name: &'static str,
    pub(crate) once: Box<dyn Fn() -> bool + 'a>,
}

/// Returns the samples of each variant: microseconds per operation.
///
/// # Errors
/// The name of a variant that failed.
pub(crate) fn interleave(
    variants: &[Variant<'_>],
    how: How,
) -> Result<BTreeMap<&'static str, Vec<f64>>, String> {
    let slot = Duration::from_millis(how.slot_ms);
    let batches = variants.iter().map(|each| calibrate(each, slot)).collect::<Result<Vec<_>, _>>()?;
    let entries: Vec<_> = variants.iter().zip(batches).collect();
    let mut samples: BTreeMap<&'static str, Vec<f64>> = BTreeMap::new();
    for round in 0..how.rounds {
        let mut least: BTreeMap<&'static str, f64> = BTreeMap::new();
        for slot in 0..how.slots {
            let first = (round * how.slots + slot) % entries.len();
            for (variant, batch) in entries.iter().cycle().skip(first).take(entries.len()) {
                let cost = time(variant, *batch)?.as_secs_f64() * 1e6 / f64::from(*batch);
                least.entry(variant.name).and_modify(|least| *least = least.min(cost)).or_insert(cost);
            }
        }
        for (name, cost) in least {
            samples.entry(name).or_default().push(cost);
        }
    }
    Ok(samples)
}

/// Returns how many operations take about as long as a slot.
fn calibrate(variant: &Variant<'_>, slot: Duration) -> Result<u32, String> {
    let mut warm = Duration::ZERO;
    let mut batch = 1_u32;
    loop {
        let took = time(variant, batch)?;
        warm += took;
        let fitting = f64::from(batch) * slot.as_secs_f64() / took.as_secs_f64().max(1e-9);
        if took >= slot / 2 && warm >= WARM_UP {
            return Ok((fitting.round() as u32).max(1));
        }
        // At most twice as many: the first runs say little of the later ones.
        batch = (fitting as u32).clamp(1, batch.saturating_mul(2));
    }
}

fn time(variant: &Variant<'_>, batch: u32) -> Result<Duration, String> {
    let begun = Instant::now();
    let good = (0..batch).fold(true, |good, _| (variant.once)() & good);
    let took = begun.elapsed();
    if good { Ok(took) } else { Err(format!("{} failed", variant.name)) }
}
