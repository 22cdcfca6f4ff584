//! Measures a shard of the engine by how much it stores. It is told what to measure as JSON on its standard input, and
//! tells the samples, in microseconds, as JSON on its standard output: `bench/engine.js` asks.

mod fill;
mod object;
mod operations;
mod rounds;
mod storage;

use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use self::object::{NOON, Object, deployment};
use self::operations::{Filled, OPERATIONS, Operation};
use self::storage::{Storage, Work};

/// What is measured, and how.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Task {
    /// How many tasks the shards have, in ascending order: in memory, and on disk.
    in_memory: Vec<u32>,
    on_disk: Vec<u32>,
    /// Where files are.
    folder: PathBuf,
    how: rounds::How,
}

#[derive(Serialize)]
struct Measured {
    filled: Vec<Size>,
    cases: Vec<Case>,
}

/// What filling a shard took.
#[derive(Clone, Serialize)]
struct Size {
    tasks: u32,
    bytes: i64,
    seconds: f64,
}

#[derive(Serialize)]
struct Case {
    operation: &'static str,
    storage: &'static str,
    /// By the number of tasks.
    samples: BTreeMap<u32, Vec<f64>>,
    work: BTreeMap<u32, Work>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let task: Task = serde_json::from_reader(io::stdin().lock())?;
    let (filled, in_memory, on_disk) = fill(&task)?;
    let mut cases = Vec::new();
    for (storage, mut shards) in [("in memory", in_memory), ("on disk", on_disk)] {
        for operation in OPERATIONS {
            let work = count(&mut shards, operation)?;
            let samples = rounds::interleave(&mut shards, operation, task.how)?;
            cases.push(Case { operation: operation.name, storage, samples, work });
        }
    }
    serde_json::to_writer(io::stdout().lock(), &Measured { filled, cases })?;
    Ok(())
}

type Shards = (Vec<Size>, Vec<Filled>, Vec<Filled>);

/// Fills one shard step by step, and copies it at each size.
fn fill(task: &Task) -> vtryon_gateway_engine::Result<Shards> {
    let deployment = Rc::new(deployment()?);
    let open = |storage, now| Object::open(storage, Rc::clone(&deployment), now, 0, 1);
    let mut growing = open(Storage::in_memory()?, NOON)?;
    let (mut sizes, mut in_memory, mut on_disk) = (Vec::new(), Vec::new(), Vec::new());
    let mut before = 0;
    let begun = Instant::now();
    for tasks in &task.on_disk {
        fill::fill(&mut growing, before, *tasks)?;
        before = *tasks;
        let seconds = begun.elapsed().as_secs_f64();
        sizes.push(Size { tasks: *tasks, bytes: growing.storage.bytes()?, seconds });
        eprintln!("filled with {tasks} tasks after {seconds:.1} s");
        let filled = |storage| -> vtryon_gateway_engine::Result<Filled> {
            Ok(Filled { object: open(storage, growing.now)?, tasks: *tasks, added: 0 })
        };
        on_disk.push(filled(growing.storage.copy_into_file(&task.folder.join(format!("{tasks}.sqlite")))?)?);
        if task.in_memory.contains(tasks) {
            in_memory.push(filled(growing.storage.copy_into_memory()?)?);
        }
    }
    Ok((sizes, in_memory, on_disk))
}

/// Counts the work of an operation on each shard, the second time: the first one may prepare something.
fn count(shards: &mut [Filled], operation: &Operation) -> vtryon_gateway_engine::Result<BTreeMap<u32, Work>> {
    let mut counted = BTreeMap::new();
    for shard in shards {
        let first = operation.prepare(shard, 1)?;
        shard.run(first)?;
        let second = operation.prepare(shard, 2)?;
        shard.object.storage.begin_count();
        shard.run(second)?;
        counted.insert(shard.tasks, shard.object.storage.end_count());
    }
    Ok(counted)
}
