//! Listings over all shards: a page of each, merged into one.

use std::collections::VecDeque;

use futures_util::future::try_join_all;
use worker::Env;

use super::cursor::{Cursor, Place};
use super::query::Query;
use crate::config::Config;
use crate::json::{self, Raw};
use crate::reply::Refusal;
use crate::stub;
use crate::wire::{Ask, Item, Page};

/// Asks all shards for a page each, or the one shard that has what is listed, and merges the latest into one page.
pub(super) async fn listing(
    query: &Query,
    only: Option<u32>,
    env: &Env,
    config: &Config,
    ask: impl Fn(Option<i64>, u32) -> Ask,
) -> Result<(Vec<Raw>, Option<String>), Refusal> {
    let limit = query.limit()?;
    let cursor = match given_cursor(query, config)? {
        Some(cursor) => cursor,
        None => Cursor::start(config.shards, only),
    };
    let parts = (0..).zip(cursor.places()).map(|(shard, place)| {
        let before = match place {
            Place::Start => Some(None),
            Place::Before(no) => Some(Some(no)),
            Place::End => None,
        };
        let call = before.map(|before| stub::ask(env, config.shards, shard, ask(before, limit), &[]));
        async move {
            match call {
                Some(call) => read_page(call.await?),
                None => Ok(Page { items: Vec::new(), next: None }),
            }
        }
    });
    let pages = try_join_all(parts).await?;
    let (items, places) = merge(pages, cursor.places(), limit as usize);
    Ok((items.into_iter().map(|item| item.view).collect(), Cursor::new(places).encode()))
}

/// Checks the parameters of a listing that has nothing, whatever its limit and its cursor are.
pub(super) fn check_empty(query: &Query, config: &Config) -> Result<(), Refusal> {
    query.limit()?;
    given_cursor(query, config).map(drop)
}

fn given_cursor(query: &Query, config: &Config) -> Result<Option<Cursor>, Refusal> {
    query.get("cursor").map(|text| Cursor::parse(text, config.shards)).transpose()
}

fn read_page(text: Option<String>) -> Result<Page, Refusal> {
    Ok(json::read(&text.unwrap_or_default())?)
}

/// Takes the latest items of all pages, and notes for each shard where its next page begins.
///
/// It looks at the first item left of each page alone, so it never takes one before those above it: in
/// a shard the order is that of the numbers, whatever the clock did.
fn merge(pages: Vec<Page>, places: impl Iterator<Item = Place>, limit: usize) -> (Vec<Item>, Vec<Place>) {
    let mut parts: Vec<_> = pages
        .into_iter()
        .zip(places)
        .map(|(page, place)| (VecDeque::from(page.items), place, page.next))
        .collect();
    let mut merged = Vec::with_capacity(limit);
    while merged.len() < limit {
        let latest = parts.iter_mut().max_by_key(|(items, ..)| items.front().map(|item| item.at));
        let Some((items, place, _)) = latest else { break };
        let Some(item) = items.pop_front() else { break };
        *place = Place::Before(item.no);
        merged.push(item);
    }
    let places = parts.into_iter().map(|(items, place, next)| match items.front() {
        Some(_) => place,
        None => next.map_or(Place::End, Place::Before),
    });
    (merged, places.collect())
}
