//! Refused webhooks: what the isolates have counted, and the likely mistake behind the samples of each cause.
//!
//! A mistake is looked for when an administrator asks, and when an isolate reports, at most once every
//! [`DIAGNOSIS_PAUSE`] seconds; never when a request comes: whoever is refused costs no more than one request does.

mod rows;

pub(super) use rows::expire;

use serde::Serialize;
use vtryon_webhooks::Code;
use vtryon_webhooks::diagnosis::{self, Candidate, Evidence, Mistake};
use worker::Response;

use self::rows::StoredCause;
use super::Directory;
use super::keyring::{Keyring, MAX_CANDIDATES};
use crate::config::Config;
use crate::http::response::{self, ApiError};
use crate::platform::{clock, excerpt, sql};
use crate::protocol::rejection::{self, Rejection, Sample};

/// How much of a sample's body is shown, in bytes.
const HEAD: usize = 256;

/// How many seconds pass between two diagnoses of what isolates report: in a flood there are many of them.
const DIAGNOSIS_PAUSE: i64 = 2;

#[derive(Serialize)]
struct RejectionList {
    rejections: Vec<RejectionView>,
    note: String,
}

#[derive(Serialize)]
struct RejectionView {
    code: &'static str,
    /// The kind of path that they were sent to.
    path: &'static str,
    summary: &'static str,
    count: i64,
    first_at: String,
    last_at: String,
    /// The first sample with the strongest evidence, and the last one; none where it has expired.
    first_sample: Option<SampleView>,
    last_sample: Option<SampleView>,
    /// The name of the [`Mistake`] with the stronger evidence; none where none is looked for.
    mistake: Option<&'static str>,
    hint: &'static str,
}

#[derive(Serialize)]
struct SampleView {
    received_at: String,
    content_type: Option<String>,
    body_bytes: Option<usize>,
    signature: Shape,
    /// The beginning of the body, as text.
    head: String,
    mistake: Option<&'static str>,
}

/// All that is shown of a signature: with the body beside it, it could be sent again.
#[derive(Serialize)]
struct Shape {
    length: usize,
    is_hex: bool,
}

impl Directory {
    /// Adds what an isolate has counted.
    pub(super) async fn report_rejections(
        &self,
        config: &Config,
        rejections: &[Rejection],
    ) -> Result<Response, ApiError> {
        let now = clock::now();
        let storage = self.state.storage();
        let is_due = self.diagnosed_at.get().is_none_or(|at| at.plus_seconds(DIAGNOSIS_PAUSE) <= now);
        let keyring = if is_due && rejections.iter().any(|rejection| is_of_signature(&rejection.code)) {
            self.diagnosed_at.set(Some(now));
            self.keyring(config, now).await?
        } else {
            Keyring::default()
        };
        let candidates = keyring.candidates();
        let judge = |rejection: &Rejection, sample: &Sample| {
            if !is_of_signature(&rejection.code) {
                return Some(Evidence::None);
            }
            is_due.then(|| diagnose(sample, &candidates).evidence())
        };
        let sql = storage.sql();
        sql::transaction(&storage, || {
            expire(&sql, now)?;
            rejections.iter().try_for_each(|rejection| rows::add(&sql, rejection, &judge))
        })?;
        response::json(200, &())
    }

    pub(super) async fn rejections(&self, config: &Config) -> Result<Response, ApiError> {
        let sql = self.state.storage().sql();
        let now = clock::now();
        expire(&sql, now)?;
        let causes = rows::all(&sql)?;
        let keyring = if causes.iter().any(StoredCause::is_diagnosable) {
            self.keyring(config, now).await?
        } else {
            Keyring::default()
        };
        let candidates = keyring.candidates();
        let rejections = causes.iter().map(|cause| cause.view(&candidates)).collect();
        response::json(200, &RejectionList { rejections, note: note(&keyring) })
    }
}

fn note(keyring: &Keyring) -> String {
    let mut note = "Each isolate of the Worker counts in memory and tells of it about every 10 seconds: the latest \
        rejections may be missing, and those of an isolate that has ended before are lost. Samples are kept for 24 hours."
        .to_owned();
    let unopened = "GATEWAY_MASTER_KEY does not open them".to_owned();
    let left_out = format!("at most {MAX_CANDIDATES} are");
    for (count, why) in [(keyring.unopened, unopened), (keyring.left_out, left_out)] {
        if count > 0 {
            note.push_str(&format!(" Secrets that were not tried, since {why}: {count}."));
        }
    }
    note
}

/// Returns whether it is a signature that a code refuses.
fn is_of_signature(code: &str) -> bool {
    Code::ALL.into_iter().any(|known| known.as_str() == code && known.public() == Code::Unauthorized)
}

impl StoredCause {
    fn is_diagnosable(&self) -> bool {
        is_of_signature(self.code.as_str()) && (self.first.is_some() || self.last.is_some())
    }

    fn view(&self, candidates: &[Candidate<'_>]) -> RejectionView {
        let diagnosed = |sample: &Option<Sample>| {
            let is_diagnosable = self.is_diagnosable();
            sample.as_ref().filter(|_| is_diagnosable).map(|sample| diagnose(sample, candidates))
        };
        let (first, last) = (diagnosed(&self.first), diagnosed(&self.last));
        // Of two that are as strong, the last one: what it shows is still so.
        let mistake = match (first, last) {
            (Some(first), Some(last)) if first.evidence() > last.evidence() => Some(first),
            (first, last) => last.or(first),
        };
        let view = |sample: &Option<Sample>, mistake: Option<Mistake>| {
            sample.as_ref().map(|sample| sample_view(sample, mistake))
        };
        RejectionView {
            code: self.code.as_str(),
            path: self.path.as_str(),
            summary: rejection::summary(self.code, self.path),
            count: self.count,
            first_at: clock::rfc3339(self.first_at),
            last_at: clock::rfc3339(self.last_at),
            first_sample: view(&self.first, first),
            last_sample: view(&self.last, last),
            mistake: mistake.map(Mistake::as_str),
            hint: mistake.map_or(rejection::hint(self.code), Mistake::hint),
        }
    }
}

fn diagnose(sample: &Sample, candidates: &[Candidate<'_>]) -> Mistake {
    let body = hex::decode(&sample.body).unwrap_or_default();
    let is_whole = sample.body_bytes == Some(body.len());
    let sample = diagnosis::Sample { header: sample.header.as_bytes(), body: &body, is_whole };
    diagnosis::diagnose(&sample, candidates)
}

fn sample_view(sample: &Sample, mistake: Option<Mistake>) -> SampleView {
    let body = hex::decode(&sample.body).unwrap_or_default();
    let is_hex = !sample.header.is_empty() && sample.header.bytes().all(|byte| byte.is_ascii_hexdigit());
    let content_type = sample.content_type.as_ref();
    SampleView {
        received_at: clock::rfc3339(sample.received_at),
        content_type: content_type.map(|text| excerpt::line(text.as_bytes(), text.len())),
        body_bytes: sample.body_bytes,
        signature: Shape { length: sample.header_bytes, is_hex },
        head: excerpt::text(&body, HEAD),
        mistake: mistake.map(Mistake::as_str),
    }
}
