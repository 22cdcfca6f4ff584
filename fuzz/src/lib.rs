//! Fuzz targets: each takes any bytes and panics where the code does something else than it says.
//!
//! Where there is another implementation to compare with, it is the oracle; elsewhere the target states what must hold.
//! A target's seeds come from the vectors. An input that has found a fault is kept in `corpus/`, and the tests replay it.

mod json;
mod targets;
mod variants;
mod vectors;

use std::path::PathBuf;
use std::sync::OnceLock;

pub use targets::TARGETS;

/// A fuzz target.
pub struct Target {
    /// The name of its file in `src/targets`.
    pub name: &'static str,
    /// Panics where the code is wrong.
    pub check: fn(&[u8]),
    /// Inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// Returns the target that `FUZZ_TARGET` names.
///
/// # Panics
/// If it names none.
pub fn chosen() -> &'static Target {
    static CHOSEN: OnceLock<&Target> = OnceLock::new();
    CHOSEN.get_or_init(|| {
        let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
        let names = || TARGETS.iter().map(|target| target.name).collect::<Vec<_>>().join(", ");
        let target = TARGETS.iter().find(|target| target.name == name);
        target.unwrap_or_else(|| panic!("no target is called {name:?}; there are {}", names()))
    })
}

/// Writes the seeds of the chosen target into the folder that `FUZZ_SEEDS` names.
///
/// # Panics
/// If they can't be written.
pub fn write_seeds() {
    let Some(folder) = std::env::var_os("FUZZ_SEEDS").map(PathBuf::from) else { return };
    std::fs::create_dir_all(&folder).unwrap();
    for (no, seed) in (chosen().seeds)().into_iter().enumerate() {
        std::fs::write(folder.join(format!("{no:04}")), seed).unwrap();
    }
}
