//! The parameters of a listing, read from the URL.

use vtryon_webhooks::Code;

use crate::reply::Refusal;

/// How many entries a page has where none are asked for, and at most.
const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 100;

/// The parameters. One that the listing does not have is refused: it would be a filter that does nothing.
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(query: &str, names: &[&str]) -> Result<Self, Refusal> {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let refuse = |message| Err(Refusal::because(Code::InvalidRequest, message));
        if !pairs.iter().all(|(name, _)| names.contains(&name.as_str())) {
            return refuse("the query has a parameter that this path does not know");
        }
        if names.iter().any(|wanted| pairs.iter().filter(|(name, _)| name == wanted).count() > 1) {
            return refuse("the query has a parameter twice");
        }
        Ok(Self(pairs))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn limit(&self) -> Result<u32, Refusal> {
        let limit = self.get("limit").map_or(Ok(DEFAULT_LIMIT), str::parse);
        limit
            .ok()
            .filter(|limit| (1..=MAX_LIMIT).contains(limit))
            .ok_or(Refusal::because(Code::InvalidRequest, "`limit` is not a whole number from 1 to 100"))
    }
}

/// Reads an age such as `30m`, `12h` or `7d`, in seconds.
pub(crate) fn age(text: &str) -> Option<i64> {
    [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)].into_iter().find_map(|(unit, seconds)| {
        let digits = text.strip_suffix(unit)?;
        // A number may have a sign in Rust.
        let count: u32 = digits.parse().ok().filter(|_| !digits.starts_with('+'))?;
        Some(i64::from(count) * seconds)
    })
}
