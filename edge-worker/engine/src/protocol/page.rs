//! Listings: what is asked for, and a part of what there is.

pub mod cursor;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use vtryon_webhooks::Millis;

use crate::text::json;

/// A part of a listing, in descending order of `no`; of tasks whose ids begin alike, in the order of their ids.
#[derive(Serialize, Deserialize)]
pub struct Page {
    #[serde(default)]
    pub items: Vec<PageItem>,
    /// Where the next page begins: before this number, or after the task that has it. None when there is no more.
    pub next: Option<i64>,
}

/// Which tasks a listing has.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskFilter {
    pub status: Option<String>,
    /// Those that have not ended and have had no event since.
    pub stalled: Option<Millis>,
    /// Those created then or later, and before then.
    pub since: Option<Millis>,
    pub until: Option<Millis>,
    /// Those whose ids begin with it.
    pub prefix: Option<String>,
}

/// One entry of a listing: its place, its time, and what is shown of it, which the Worker passes on as it is.
#[derive(Serialize, Deserialize)]
pub struct PageItem {
    pub no: i64,
    pub at: Millis,
    /// What a listing in the order of ids is sorted by; empty in others.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    pub view: Box<RawValue>,
}

impl Page {
    /// Makes a page of items; where they are not the last, the next one begins after them.
    pub fn new(items: Vec<PageItem>, is_last: bool) -> Self {
        let next = if is_last { None } else { items.last().map(|item| item.no) };
        Self { items, next }
    }
}

impl PageItem {
    pub fn new(no: i64, at: Millis, view: &impl Serialize) -> Self {
        Self { no, at, id: String::new(), view: json::to_raw(view) }
    }
}
