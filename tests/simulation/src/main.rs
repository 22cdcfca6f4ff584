//! Runs the gateway's engine in a simulated world where everything fails: `simulate --help` says how.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    unreachable_pub,
    reason = "a fault of the simulation ends it"
)]

mod actors;
mod calm;
mod checks;
mod coverage;
mod directory;
mod exhaustive;
mod model;
mod platform;
mod random;
mod regime;
mod report;
mod run;
mod violation;
mod world;

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::coverage::Coverage;
use crate::run::Failure;

const HELP: &str = "usage: simulate [--seeds N] [--from SEED] [--steps N] [--seed SEED] | --exhaustive LENGTH

  --seeds N     how many seeds are run (500)
  --from SEED   the first of them (0)
  --steps N     how many steps each takes (2000)
  --seed SEED   one seed alone; what it has reached is not judged
  --exhaustive LENGTH
                every sequence of six kinds of event up to a length, instead of a simulation";

struct Options {
    from: u64,
    seeds: u64,
    steps: u64,
    is_single: bool,
    exhaustive: Option<usize>,
}

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "--help") {
        println!("{HELP}");
        return ExitCode::SUCCESS;
    }
    let options = match options(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(wrong) => {
            eprintln!("{wrong}\n{HELP}");
            return ExitCode::from(2);
        }
    };
    // A violation ends a run by a panic; it is printed at the end.
    std::panic::set_hook(Box::new(|_| {}));
    let ended = std::panic::catch_unwind(|| match options.exhaustive {
        Some(length) => check_sequences(length),
        None => simulate(&options),
    });
    ended.unwrap_or_else(|panic| {
        report::print_violation(&run::violation(&*panic));
        ExitCode::FAILURE
    })
}

fn check_sequences(length: usize) -> ExitCode {
    println!("{} sequences of up to {length} events", exhaustive::run(length));
    ExitCode::SUCCESS
}

fn simulate(options: &Options) -> ExitCode {
    let (coverage, failures) = run_all(options);
    report::print(&coverage, options.seeds);
    if let Some(failure) = failures.into_iter().min_by_key(|failure| failure.steps) {
        report::print_failure(&run::shrink(failure));
        return ExitCode::FAILURE;
    }
    let missing = coverage.missing();
    if options.is_single || missing.is_empty() {
        return ExitCode::SUCCESS;
    }
    missing.iter().for_each(|what| eprintln!("never reached: {what}"));
    ExitCode::FAILURE
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options { from: 0, seeds: 500, steps: 2000, is_single: false, exhaustive: None };
    while let Some(name) = arguments.next() {
        let value = arguments.next().and_then(|value| value.parse().ok());
        let value: u64 = value.ok_or_else(|| format!("{name} takes a number"))?;
        match name.as_str() {
            "--seeds" => options.seeds = value,
            "--from" => options.from = value,
            "--steps" => options.steps = value,
            "--seed" => (options.from, options.seeds, options.is_single) = (value, 1, true),
            "--exhaustive" => options.exhaustive = Some(value as usize),
            _ => return Err(format!("there is no {name}")),
        }
    }
    Ok(options)
}

/// Runs all seeds, on all cores. After a failure no further seed is begun.
fn run_all(options: &Options) -> (Coverage, Vec<Failure>) {
    let next = AtomicU64::new(options.from);
    let end = options.from + options.seeds;
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(|| work(&next, end, options.steps))).collect();
        let mut all = (Coverage::default(), Vec::new());
        for worker in workers {
            let (coverage, failures) = worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            all.0.add(coverage);
            all.1.extend(failures);
        }
        all
    })
}

fn work(next: &AtomicU64, end: u64, steps: u64) -> (Coverage, Vec<Failure>) {
    let mut coverage = Coverage::default();
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= end {
            return (coverage, Vec::new());
        }
        match run::run(seed, steps, false) {
            Ok(reached) => coverage.add(reached),
            Err(failure) => {
                next.store(end, Ordering::Relaxed);
                return (coverage, vec![failure]);
            }
        }
    }
}
