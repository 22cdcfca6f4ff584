//! Listings over all shards: a page of each, merged into one.

use std::cmp::Reverse;
use std::collections::VecDeque;

use futures_util::future::try_join_all;
use serde_json::value::RawValue;
use vtryon_gateway_engine::protocol::page::cursor::{PageCursor, PagePosition};
use vtryon_gateway_engine::protocol::{Page, PageItem, ShardRequest};
use vtryon_gateway_engine::text::json;
use vtryon_webhooks::Millis;

use super::ApiContext;
use crate::http::query::Query;
use crate::http::response::ApiError;

/// Asks all shards for a page each, or the one shard that has what is listed, and merges the latest into one page.
pub(super) async fn listing(
    query: &Query,
    only: Option<u32>,
    api: &ApiContext<'_>,
    ask: impl Fn(Option<i64>, u32) -> ShardRequest,
) -> Result<(Vec<Box<RawValue>>, Option<String>), ApiError> {
    let limit = query.limit()?;
    let cursor = match given_cursor(query, api)? {
        Some(cursor) => cursor,
        None => PageCursor::start(api.config.deployment.shards, only),
    };
    let parts = (0..).zip(cursor.positions()).map(|(shard, position)| {
        let before = match position {
            PagePosition::Start => Some(None),
            PagePosition::Before(no) => Some(Some(no)),
            PagePosition::End => None,
        };
        let call = before.map(|before| api.shards.call(shard, ask(before, limit), &[]));
        async move {
            match call {
                Some(call) => read_page(call.await?),
                None => Ok(Page { items: Vec::new(), next: None }),
            }
        }
    });
    let pages = try_join_all(parts).await?;
    let (items, positions) = merge(pages, cursor.positions(), limit as usize);
    Ok((items.into_iter().map(|item| item.view).collect(), PageCursor::new(positions).encode()))
}

/// Checks the parameters of a listing that has nothing, whatever its limit and its cursor are.
pub(super) fn check_empty(query: &Query, api: &ApiContext<'_>) -> Result<(), ApiError> {
    query.limit()?;
    given_cursor(query, api).map(drop)
}

fn given_cursor(query: &Query, api: &ApiContext<'_>) -> Result<Option<PageCursor>, ApiError> {
    Ok(query.get("cursor").map(|text| PageCursor::parse(text, api.config.deployment.shards)).transpose()?)
}

fn read_page(text: Option<String>) -> Result<Page, ApiError> {
    Ok(json::read(&text.unwrap_or_default())?)
}

/// Takes the latest items of all pages, or those with the least ids, and notes for each shard where its next page
/// begins.
///
/// It looks at the first item left of each page alone, so it never takes one before those above it: in
/// a shard the order is that of the numbers, whatever the clock did.
fn merge(
    pages: Vec<Page>,
    positions: impl Iterator<Item = PagePosition>,
    limit: usize,
) -> (Vec<PageItem>, Vec<PagePosition>) {
    let mut parts: Vec<_> = pages
        .into_iter()
        .zip(positions)
        .map(|(page, position)| (VecDeque::from(page.items), position, page.next))
        .collect();
    let mut merged = Vec::with_capacity(limit);
    while merged.len() < limit {
        let first = parts
            .iter_mut()
            .max_by(|(items, ..), (others, ..)| items.front().map(order).cmp(&others.front().map(order)));
        let Some((items, position, _)) = first else { break };
        let Some(item) = items.pop_front() else { break };
        *position = PagePosition::Before(item.no);
        merged.push(item);
    }
    let positions = parts.into_iter().map(|(items, position, next)| match items.front() {
        Some(_) => position,
        None => next.map_or(PagePosition::End, PagePosition::Before),
    });
    (merged, positions.collect())
}

/// Returns what the order of items goes by: the latest first, or the least id first where they have one.
fn order(item: &PageItem) -> (Reverse<&str>, Millis) {
    (Reverse(&item.id), item.at)
}
