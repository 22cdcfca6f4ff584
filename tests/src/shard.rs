use serde::Deserialize;
use vtryon_webhooks::{Digest, Shards};

use crate::{Bytes, judge, same};

#[derive(Deserialize)]
struct Vector {
    name: String,
    why: String,
    id: Bytes,
    digest: String,
    shards: u32,
    shard: u32,
}

/// Holds [`Digest::of`], [`Shards::shard_of`] and, for ids that are text, [`Shards::shard_of_task`] to `shard.json`.
pub fn check() -> (usize, Vec<String>) {
    judge(include_str!("../vectors/shard.json"), |vector: &Vector| {
        let id = vector.id.get();
        let digest = Digest::of(&id);
        let shards = Shards::new(vector.shards);
        let shard = shards.map(|shards| shards.shard_of(&digest));
        let of_task = str::from_utf8(&id).map_or(shard, |id| shards.map(|shards| shards.shard_of_task(id)));
        let verdict = same("the digest", &digest.to_hex(), &vector.digest)
            .and_then(|()| same("the shard", shard, Some(vector.shard)))
            .and_then(|()| same("the shard of the task", of_task, Some(vector.shard)));
        (&vector.name, &vector.why, verdict)
    })
}
