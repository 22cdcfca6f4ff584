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

/// Holds [`Digest::of`] and [`Shards::of`] to `shard.json`.
pub fn check() -> (usize, Vec<String>) {
    judge(include_str!("../vectors/shard.json"), |vector: &Vector| {
        let digest = Digest::of(&vector.id.get());
        let shard = Shards::new(vector.shards).map(|shards| shards.of(&digest));
        let verdict = same("the digest", &digest.to_hex(), &vector.digest)
            .and_then(|()| same("the shard", shard, Some(vector.shard)));
        (&vector.name, &vector.why, verdict)
    })
}
