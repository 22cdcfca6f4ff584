//! Runs a seed, and looks for fewer steps that fail.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::coverage::Coverage;
use crate::violation::{Violation, invariant};
use crate::world::World;

/// A run that failed.
#[derive(Clone, Debug)]
pub struct Failure {
    pub seed: u64,
    /// After how many steps it failed; all of them where it failed at the end.
    pub steps: u64,
    pub violation: Violation,
    /// What happened before, where that was wanted.
    pub trace: Vec<String>,
}

/// Runs a seed for so many steps, and then to its end.
///
/// # Errors
/// The first violation.
pub fn run(seed: u64, steps: u64, is_traced: bool) -> Result<Coverage, Failure> {
    let mut world = World::new(seed);
    world.trace = is_traced.then(Vec::new);
    let ended = catch_unwind(AssertUnwindSafe(|| {
        (0..steps).for_each(|_| world.step());
        world.finish();
    }));
    match ended {
        Ok(()) => Ok(world.coverage),
        Err(panic) => {
            let violation = violation(&*panic);
            let trace = world.trace.unwrap_or_default();
            Err(Failure { seed, steps: world.coverage.steps, violation, trace })
        }
    }
}

/// Finds a failure of the same seed after fewer steps, by replaying shorter prefixes: one that no prefix tried here
/// undercuts, and not always the shortest of all.
pub fn shrink(failure: Failure) -> Failure {
    let mut least = failure;
    let mut step = least.steps / 2;
    while step > 0 {
        let shorter = least.steps.saturating_sub(step);
        match run(least.seed, shorter, false) {
            Err(shorter) if shorter.steps < least.steps => least = shorter,
            Err(_) | Ok(_) => step /= 2,
        }
    }
    // Once more, to say what has happened.
    run(least.seed, least.steps, true).err().unwrap_or(least)
}

/// Returns the violation that a panic carries; any other panic is one too.
pub fn violation(panic: &(dyn Any + Send)) -> Violation {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let found = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    let other = Violation { invariant: invariant!("nothing panics"), found };
    panic.downcast_ref::<Violation>().cloned().unwrap_or(other)
}
