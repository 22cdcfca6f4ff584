//! The rows of the rejections view: by code and kind of path a count, the times, and two samples.
//!
//! The last sample is whatever came last. The first one is there so that others can't overwrite the one that
//! helps: it gives way only to a sample whose mistake is recognised by stronger evidence, and expires.

use vtryon_webhooks::diagnosis::Evidence;
use vtryon_webhooks::{Code, Millis};

use crate::Result;
use crate::protocol::directory::rejection::{PathKind, Rejection, Sample};
use crate::storage::database::{Bind, Database};
use crate::text::json;

/// How long samples are kept, in seconds.
const SAMPLES_FOR: i64 = 24 * 3600;

/// The rejections by one code at one kind of path, as they are stored.
pub struct StoredCause {
    pub(in crate::directory) code: Code,
    pub(in crate::directory) path: PathKind,
    pub(in crate::directory) count: i64,
    pub(in crate::directory) first_at: Millis,
    pub(in crate::directory) last_at: Millis,
    pub(in crate::directory) first: Option<Sample>,
    pub(in crate::directory) last: Option<Sample>,
}

/// Removes the samples that are too old; what was counted stays.
pub fn expire(db: &dyn Database, now: Millis) -> Result<()> {
    const FIRST: &str =
        "UPDATE rejections SET first_sample = NULL, first_sample_at = NULL, first_evidence = NULL
        WHERE first_sample_at < ?";
    const LAST: &str =
        "UPDATE rejections SET last_sample = NULL WHERE last_sample IS NOT NULL AND last_at < ?";
    let before = now.plus_seconds(-SAMPLES_FOR).0;
    db.run(FIRST, &[Bind::Int(before)])?;
    db.run(LAST, &[Bind::Int(before)])
}

/// Adds what an isolate has counted. `judge` returns by what evidence a sample's mistake is recognised, or nothing
/// where no mistakes are looked for at the moment: a sample is judged then with the next report.
pub(super) fn add(
    db: &dyn Database,
    rejection: &Rejection,
    judge: impl Fn(&Sample) -> Option<Evidence>,
) -> Result<()> {
    // Isolates tell of what has happened in any order, so the latest sample need not come last.
    const ADD: &str =
        "INSERT INTO rejections (code, path, count, first_at, last_at, last_sample) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (code, path) DO UPDATE SET
            count = count + excluded.count,
            first_at = MIN(first_at, excluded.first_at),
            last_at = MAX(last_at, excluded.last_at),
            last_sample = IIF(excluded.last_at >= last_at, excluded.last_sample, last_sample)";
    let Rejection { code, path, count, first_at, last_at, first, last } = rejection;
    let last_sample = json::to_string(last.as_ref().unwrap_or(first));
    let binds = [
        Bind::Text(code),
        Bind::Text(path),
        Bind::Int(*count),
        Bind::Int(first_at.0),
        Bind::Int(last_at.0),
        Bind::Text(&last_sample),
    ];
    db.run(ADD, &binds)?;
    let mut kept = first_sample(db, code, path)?;
    if let Some((sample, evidence @ None)) = &mut kept
        && let Some(found) = judge(sample)
    {
        *evidence = Some(found);
        put_first(db, code, path, sample, *evidence)?;
    }
    for sample in [Some(first), last.as_ref()].into_iter().flatten() {
        let known = match &kept {
            Some((_, None | Some(Evidence::Secret))) => return Ok(()),
            Some((_, known)) => *known,
            None => None,
        };
        let found = judge(sample);
        if kept.is_none() || known < found {
            put_first(db, code, path, sample, found)?;
            kept = Some((sample.clone(), found));
        }
    }
    Ok(())
}

/// Returns the first sample and what its mistake was recognised by, which is nothing where it was not judged yet.
fn first_sample(db: &dyn Database, code: &str, path: &str) -> Result<Option<(Sample, Option<Evidence>)>> {
    const FIND: &str = "SELECT first_sample, first_evidence FROM rejections WHERE code = ? AND path = ?";
    let found = db.first(FIND, &[Bind::Text(code), Bind::Text(path)], |row| {
        // A sample in another version's form can't be judged, and gives way.
        let sample = row.maybe_text().and_then(|text| json::read(&text).ok())?;
        let evidence = row.maybe_int().and_then(|known| EVIDENCE.get(usize::try_from(known).ok()?).copied());
        Some((sample, evidence))
    })?;
    Ok(found.flatten())
}

fn put_first(
    db: &dyn Database,
    code: &str,
    path: &str,
    sample: &Sample,
    evidence: Option<Evidence>,
) -> Result<()> {
    const PUT: &str = "UPDATE rejections SET first_sample = ?, first_sample_at = ?, first_evidence = ?
        WHERE code = ? AND path = ?";
    let number = EVIDENCE.iter().position(|known| Some(*known) == evidence);
    let text = json::to_string(sample);
    let binds = [
        Bind::Text(&text),
        Bind::Int(sample.received_at.0),
        Bind::MaybeInt(number.map(|number| number as i64)),
        Bind::Text(code),
        Bind::Text(path),
    ];
    db.run(PUT, &binds)
}

/// Evidence by the number that is stored for it; NULL where the sample was not judged yet.
const EVIDENCE: [Evidence; 3] = [Evidence::None, Evidence::Form, Evidence::Secret];

/// Counts all rejections by code; a code that this version does not know is left out.
pub fn totals(db: &dyn Database) -> Result<Vec<(String, i64)>> {
    const TOTALS: &str = "SELECT code, SUM(count) FROM rejections GROUP BY code ORDER BY code";
    let mut totals = db.all(TOTALS, &[], |row| (row.text(), row.int()))?;
    totals.retain(|(code, _)| Code::ALL.into_iter().any(|known| known.as_str() == code));
    Ok(totals)
}

/// Returns the rows, the latest first; a code or a kind of path that this version does not know is left out.
pub fn all(db: &dyn Database) -> Result<Vec<StoredCause>> {
    const ALL: &str = "SELECT code, path, count, first_at, last_at, first_sample, last_sample FROM rejections
        ORDER BY last_at DESC, code, path";
    let rows = db.all(ALL, &[], |row| {
        let (code, path) = (row.text(), row.text());
        let (count, first_at, last_at) = (row.int(), Millis(row.int()), Millis(row.int()));
        // A sample in another version's form can't be shown, and is soon replaced.
        let mut sample = || row.maybe_text().and_then(|text| json::read(&text).ok());
        let (first, last) = (sample(), sample());
        let code = Code::ALL.into_iter().find(|known| known.as_str() == code);
        let path = PathKind::ALL.into_iter().find(|known| known.as_str() == path);
        code.zip(path).map(|(code, path)| StoredCause { code, path, count, first_at, last_at, first, last })
    })?;
    Ok(rows.into_iter().flatten().collect())
}
