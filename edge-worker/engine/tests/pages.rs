//! The page of live streams names every type of message.

#![allow(clippy::unwrap_used, reason = "that is how a test fails")]

use vtryon_gateway_engine::protocol::live::MessageType;

const PAGE: &str = include_str!("../../../docs/reference/live.md");

#[test]
fn the_table_of_messages_is_whole() {
    let (_, rest) = PAGE.split_once("| `type` | has an `id` ").unwrap();
    let (table, _) = rest.split_once("\n\n").unwrap();
    let rows = table.lines().filter_map(|row| row.strip_prefix("| `")?.split_once('`'));
    let mut shown: Vec<String> = rows.map(|(name, _)| format!("\"{name}\"")).collect();
    // What a page receives is described with tickets.
    let admins = MessageType::ALL.iter().filter(|known| **known != MessageType::Update);
    let mut sent: Vec<String> = admins.map(|known| serde_json::to_string(known).unwrap()).collect();
    shown.sort();
    sent.sort();
    assert_eq!(shown, sent);
}
