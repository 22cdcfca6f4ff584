//! Erasures that were imported: a task that another deployment has erased is erased here too, whatever came first.
//!
//! Another deployment knows the task by the digest of its id alone. The tombstone is stored at once, and refuses what comes
//! of the task; what is stored of it already is found by the alarm, which looks for a tombstone of each task, page after page.

use vtryon_webhooks::{Digest, Millis};

use super::erasure::make_tombstone;
use super::tombstones;
use crate::shard::events::rows;
use crate::shard::sequence::floors;
use crate::shard::tombstone_ids;
use crate::storage::database::{Bind, Database};
use crate::{Context, Result};

/// Stores the tombstone of a task that another deployment has erased, under a number; returns whether it is new. It stays
/// as long as one of the secrets that are configured now: what comes of the task is signed with one of them.
pub(crate) fn store(context: &Context<'_>, digest: &Digest, erased_at: Millis, seq: i64) -> Result<bool> {
    let Context { db, deployment, now } = *context;
    let id = tombstone_ids::id_of(digest);
    let keys = deployment.fingerprints();
    db.transaction(|| {
        let known = match rows::find_row(db, &id)? {
            Some(known) => known,
            None => {
                create(db, &id, &keys, (seq, erased_at), now)?;
                tombstones::scan_again(db)?;
                return Ok(true);
            }
        };
        rows::add_keys(db, &known, &keys)?;
        if known.erased_at.is_some() {
            return Ok(false);
        }
        // It was pruned: its events by other names are left without their bodies.
        tombstones::forget_other_events(db, known.no)?;
        make_tombstone(db, known.no, &id, (seq, erased_at), now)?;
        Ok(true)
    })
}

/// Creates the tombstone of a task of which nothing has come, or what has come is still to be found.
fn create(
    db: &dyn Database,
    id: &str,
    keys: &[String],
    (seq, erased_at): (i64, Millis),
    now: Millis,
) -> Result<()> {
    const CREATE: &str = "INSERT INTO tasks
            (task_id, open, seen, unknown, last_seq, created_at, updated_at, duplicates, key, erased_at)
        VALUES (?, 0, 0, '[]', ?, ?, ?, 0, ?, ?)";
    let (now, keys) = (Bind::Int(now.0), keys.join(" "));
    let binds = [Bind::Text(id), Bind::Int(seq), now, now, Bind::Text(&keys), Bind::Int(erased_at.0)];
    db.run(CREATE, &binds)?;
    floors::set_erasures(db, seq)
}
