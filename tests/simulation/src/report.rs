//! What is printed of a simulation.

use crate::coverage::Coverage;
use crate::run::Failure;
use crate::violation::Violation;

/// How many of the last things that happened are printed.
const TRACE: usize = 400;

pub fn print(coverage: &Coverage, seeds: u64) {
    println!("{} steps, {seeds} seeds", coverage.steps);
    let mut kind = "";
    for ((of, name), count) in &coverage.reached {
        if *of != kind {
            println!("{of}:");
            kind = of;
        }
        println!("  {count:>9}  {name}");
    }
    println!("crash points:");
    for (point, count) in &coverage.crash_points {
        println!("  {count:>9}  {point:?}");
    }
    println!("{} statements", coverage.statements.len());
    for (statement, count) in coverage.unlisted() {
        println!("  {count:>9}  not listed: {statement}");
    }
}

pub fn print_failure(failure: &Failure) {
    let Failure { seed, steps, violation, trace } = failure;
    trace.iter().skip(trace.len().saturating_sub(TRACE)).for_each(|line| eprintln!("{line}"));
    print_violation(violation);
    eprintln!("again:    make simulate SEED={seed} STEPS={steps}");
}

pub fn print_violation(violation: &Violation) {
    eprintln!("violated: {}", violation.invariant);
    eprintln!("found:    {}", violation.found);
}
