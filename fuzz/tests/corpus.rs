//! Every target over its seeds, and over the inputs that have found a fault once.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use vtryon_webhooks_fuzz::TARGETS;

/// Returns the entries of a folder of this package; none where there is none.
fn entries(folder: impl AsRef<Path>) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn no_target_finds_a_fault_in_its_seeds() {
    for target in TARGETS {
        let seeds = (target.seeds)();
        assert!(!seeds.is_empty(), "{} has no seeds", target.name);
        for seed in seeds {
            println!("{}: {}", target.name, String::from_utf8_lossy(&seed));
            (target.check)(&seed);
        }
        for file in entries(Path::new("corpus").join(target.name)) {
            println!("{}", file.display());
            (target.check)(&fs::read(file).unwrap());
        }
    }
}

/// `scripts/fuzz` takes the names of the files for those of the targets.
#[test]
fn targets_and_corpora_are_called_as_their_files() {
    let names: BTreeSet<&str> = TARGETS.iter().map(|target| target.name).collect();
    let files = entries("src/targets");
    let sources =
        files.iter().filter(|file| file.is_file()).map(|file| file.file_stem().unwrap().to_str().unwrap());
    assert_eq!(sources.collect::<BTreeSet<_>>(), names);
    for folder in entries("corpus") {
        assert!(names.contains(folder.file_name().unwrap().to_str().unwrap()), "{}", folder.display());
    }
}
