//! The cursors of live streams and of listings, and the ids of deliveries and endpoints: each has one spelling.

use vtryon_gateway_engine::protocol::delivery::{delivery_id, parse_delivery_id};
use vtryon_gateway_engine::protocol::live::cursor::{StreamCursor, StreamPosition};
use vtryon_gateway_engine::protocol::page::cursor::{PageCursor, PagePosition};
use vtryon_gateway_engine::protocol::settings::{endpoint_id, endpoint_no};
use vtryon_webhooks::Shards;

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        "1.4",
        "1.4.0_0",
        "1.4.3_812",
        "1.4.3_s",
        "1.4.0_s.1_7",
        "1.1.0_9007199254740991",
        "1.4.1_1.0_1",
        "1.4.0_1.0_2",
        "1.s.s.s.s",
        "1.s.12.e.s",
        "1.e",
        "1.8999999999999999",
        "dlv_3_812",
        "dlv_0_9007199254740991",
        "ep_1",
        "ep_99999",
    ];
    texts.map(Into::into).to_vec()
}

pub(crate) fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    for shards in [1, 4, 16].map(|count| Shards::new(count).unwrap()) {
        stream(text, shards);
        page(text, shards);
    }
    if let Some((shard, no)) = parse_delivery_id(text) {
        assert!(no > 0 && no < 1 << 53);
        assert_eq!(delivery_id(shard, no), text);
    }
    if let Some(no) = endpoint_no(text) {
        assert!((1..100_000).contains(&no));
        assert_eq!(endpoint_id(no), text);
    }
}

fn stream(text: &str, shards: Shards) {
    let Ok(cursor) = StreamCursor::parse(text, shards) else { return };
    assert_eq!(cursor.to_string(), text);
    assert!(cursor.position(shards.count()).is_none());
    let mut merged = StreamCursor::new(shards.count());
    for shard in 0..shards.count() {
        let Some(position) = cursor.position(shard) else { continue };
        assert!(!matches!(position, StreamPosition::After(seq) if !(0..1 << 53).contains(&seq)));
        merged.merge(&StreamCursor::at(shards.count(), shard, position));
    }
    assert_eq!(merged.to_string(), text);
}

fn page(text: &str, shards: Shards) {
    let Ok(cursor) = PageCursor::parse(text, shards) else { return };
    let positions: Vec<PagePosition> = cursor.positions().collect();
    assert_eq!(positions.len(), shards.count() as usize);
    let is_over = positions.iter().all(|position| *position == PagePosition::End);
    assert_eq!(cursor.encode().as_deref(), Some(text).filter(|_| !is_over));
    assert_eq!(PageCursor::new(positions).encode(), cursor.encode());
}
