//! The rejections view, as the API shows it.

use serde::Serialize;
use vtryon_webhooks::diagnosis::{Candidate, Mistake};

use super::{StoredCause, diagnose};
use crate::directory::secrets::keyring::{Keyring, MAX_CANDIDATES};
use crate::protocol::directory::rejection::{self, Sample};
use crate::text::excerpt;
use crate::text::time::rfc3339;

/// How much of a sample's body is shown, in bytes.
const HEAD: usize = 256;

#[derive(Serialize)]
pub struct RejectionList {
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

/// Lists the causes, with the mistakes that the secrets of a keyring show.
pub fn list(causes: &[StoredCause], keyring: &Keyring) -> RejectionList {
    let candidates = keyring.candidates();
    let rejections = causes.iter().map(|cause| cause.view(&candidates)).collect();
    RejectionList { rejections, note: note(keyring) }
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

impl StoredCause {
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
            first_at: rfc3339(self.first_at),
            last_at: rfc3339(self.last_at),
            first_sample: view(&self.first, first),
            last_sample: view(&self.last, last),
            mistake: mistake.map(Mistake::as_str),
            hint: mistake.map_or(rejection::hint(self.code), Mistake::hint),
        }
    }
}

fn sample_view(sample: &Sample, mistake: Option<Mistake>) -> SampleView {
    let body = hex::decode(&sample.body).unwrap_or_default();
    let is_hex = !sample.header.is_empty() && sample.header.bytes().all(|byte| byte.is_ascii_hexdigit());
    let content_type = sample.content_type.as_ref();
    SampleView {
        received_at: rfc3339(sample.received_at),
        content_type: content_type.map(|text| excerpt::line(text.as_bytes(), text.len())),
        body_bytes: sample.body_bytes,
        signature: Shape { length: sample.header_bytes, is_hex },
        head: excerpt::text(&body, HEAD),
        mistake: mistake.map(Mistake::as_str),
    }
}
