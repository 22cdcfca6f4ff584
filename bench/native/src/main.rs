//! Measures the core beside other crates. It is told what to measure as JSON on its standard input, and tells
//! the samples, in microseconds, as JSON on its standard output: `bench/workloads/native.js` asks.

mod rounds;
mod variants;

use std::collections::BTreeMap;
use std::error::Error;
use std::io;

use serde::{Deserialize, Serialize};

/// What is measured, and how.
#[derive(Deserialize)]
struct Task {
    secret: String,
    how: rounds::How,
    cases: Vec<Given>,
}

/// A body with the signature that Vtryon would send.
#[derive(Deserialize)]
struct Given {
    case: String,
    body: String,
    signature: String,
}

#[derive(Serialize)]
struct Measured {
    case: String,
    samples: BTreeMap<&'static str, Vec<f64>>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let Task { secret, how, cases } = serde_json::from_reader(io::stdin().lock())?;
    let mut measured = Vec::new();
    for Given { case, body, signature } in cases {
        let variants = variants::of(&secret, body.as_bytes(), &signature)?;
        measured.push(Measured { case, samples: rounds::interleave(&variants, how)? });
    }
    serde_json::to_writer(io::stdout().lock(), &measured)?;
    Ok(())
}
