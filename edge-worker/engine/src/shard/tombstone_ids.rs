//! The ids of tombstones: a pruned task has the digest of its id in its place, behind a mark that no id of a task has.

use vtryon_webhooks::Digest;

/// What the id of a tombstone begins with, as the code of the character: no id of a task begins with a control character.
macro_rules! mark {
    () => {
        1_u8
    };
}

pub(crate) use mark;

/// The same, as a character.
const MARK: char = mark!() as char;

/// Whether the row of a task is a tombstone, in SQL: what [`is_id`] says of its id.
macro_rules! is_tombstone {
    () => {
        concat!("(SUBSTR(task_id, 1, 1) = CHAR(", crate::shard::tombstone_ids::mark!(), "))")
    };
}

pub(crate) use is_tombstone;

/// Returns the id that a task's row has once the task is pruned.
pub(crate) fn id(task_id: &str) -> String {
    id_of(&Digest::of_task(task_id))
}

/// Returns that of a task by the digest of its id.
pub(crate) fn id_of(digest: &Digest) -> String {
    format!("{MARK}{}", digest.to_hex())
}

/// Returns the digest in the id of a tombstone.
pub(crate) fn digest_in(id: &str) -> &str {
    id.trim_start_matches(MARK)
}

/// Returns whether an id is that of a tombstone.
pub(crate) fn is_id(task_id: &str) -> bool {
    task_id.starts_with(MARK)
}
