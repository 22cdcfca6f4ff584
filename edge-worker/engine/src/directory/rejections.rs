//! Refused webhooks: what the isolates have counted, and the likely mistake behind the samples of each cause.
//!
//! A mistake is looked for when an administrator asks, and at times when an isolate reports (see
//! [`super::Directory::begin_diagnosis`]); never when a request comes: whoever is refused costs no more than one
//! request does.

mod rows;
mod view;

pub use self::rows::{StoredCause, all, expire, totals};
pub use self::view::{RejectionList, list};

use vtryon_webhooks::Code;
use vtryon_webhooks::diagnosis::{self, Candidate, Evidence, Mistake};

use super::alerts::{self, Cause, Details};
use crate::protocol::directory::rejection::{Rejection, Sample};
use crate::storage::database::Database;
use crate::{Context, Result};

/// Adds what an isolate has counted. Without candidates no mistakes are looked for: a sample is judged then with the
/// next report.
pub fn add(
    context: &Context<'_>,
    rejections: &[Rejection],
    candidates: Option<&[Candidate<'_>]>,
) -> Result<()> {
    let Context { db, now, .. } = *context;
    db.transaction(|| {
        expire(db, now)?;
        rejections.iter().try_for_each(|rejection| {
            let is_of_signature = is_of_signature(&rejection.code);
            rows::add(db, rejection, |sample| match candidates {
                _ if !is_of_signature => Some(Evidence::None),
                Some(candidates) => Some(diagnose(sample, candidates).evidence()),
                None => None,
            })
        })?;
        alert_of_signatures(db, rejections, candidates.unwrap_or_default())
    })
}

/// Stores refused signatures as a cause of alerts, with the likeliest mistake where mistakes are looked for.
fn alert_of_signatures(
    db: &dyn Database,
    rejections: &[Rejection],
    candidates: &[Candidate<'_>],
) -> Result<()> {
    let refused: Vec<&Rejection> =
        rejections.iter().filter(|rejection| is_of_signature(&rejection.code)).collect();
    let Some(at) = refused.iter().map(|rejection| rejection.last_at).max() else { return Ok(()) };
    let samples =
        refused.iter().flat_map(|rejection| std::iter::once(&rejection.first).chain(&rejection.last));
    let is_looked_for = !candidates.is_empty();
    let mistakes = samples.filter(|_| is_looked_for).map(|sample| diagnose(sample, candidates));
    let details = match mistakes.max_by_key(|mistake| mistake.evidence()) {
        Some(mistake) => Details {
            mistake: Some(mistake.as_str().to_owned()),
            hint: Some(mistake.hint().to_owned()),
            ..Details::default()
        },
        None => Details::default(),
    };
    let count = refused.iter().fold(0, |sum: i64, rejection| sum.saturating_add(rejection.count.max(0)));
    alerts::apply(db, Cause::SignaturesRefused, 0, alerts::AlertTransition::Occurred { count, at, details })
}

/// Returns whether mistakes can be looked for behind one of the causes.
pub fn are_diagnosable(causes: &[StoredCause]) -> bool {
    causes.iter().any(StoredCause::is_diagnosable)
}

impl StoredCause {
    fn is_diagnosable(&self) -> bool {
        is_of_signature(self.code.as_str()) && (self.first.is_some() || self.last.is_some())
    }
}

/// Returns whether it is a signature that a code refuses.
pub(super) fn is_of_signature(code: &str) -> bool {
    Code::ALL.into_iter().any(|known| known.as_str() == code && known.public() == Code::Unauthorized)
}

fn diagnose(sample: &Sample, candidates: &[Candidate<'_>]) -> Mistake {
    let body = hex::decode(&sample.body).unwrap_or_default();
    let is_whole = sample.body_bytes == Some(body.len());
    let sample = diagnosis::Sample { header: sample.header.as_bytes(), body: &body, is_whole };
    diagnosis::diagnose(&sample, candidates)
}
