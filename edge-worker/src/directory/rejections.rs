//! Refused webhooks: what the isolates have counted, and the likely mistake behind the last of each cause.
//!
//! A mistake is looked for when an administrator asks, never when a request comes: whoever is refused costs
//! no more than one request does.

use vtryon_webhooks::diagnosis::{self, Candidate, Mistake};
use vtryon_webhooks::{Code, Millis};
use worker::{Response, SqlStorage};

use super::Directory;
use super::keyring::{Keyring, MAX_CANDIDATES};
use crate::clock;
use crate::config::Config;
use crate::json::{self, object};
use crate::reply::{self, Refusal};
use crate::sql::{self, Bind};
use crate::wire::rejection::{self, PathKind, Rejection, Sample};

/// How long samples are kept, in seconds.
const SAMPLES_FOR: i64 = 24 * 3600;

/// How much of a sample's body is shown, in bytes.
const HEAD: usize = 256;

struct List {
    rejections: Vec<View>,
    note: String,
}

object!(write List { rejections, note });

struct View {
    code: &'static str,
    /// The kind of path that they were sent to.
    path: &'static str,
    summary: &'static str,
    count: i64,
    first_at: String,
    last_at: String,
    /// The last one; none where it has expired.
    sample: Option<SampleView>,
    /// The name of a [`Mistake`]; none where none is looked for.
    mistake: Option<&'static str>,
    hint: &'static str,
}

object!(write View { code, path, summary, count, first_at, last_at, sample, mistake, hint });

struct SampleView {
    received_at: String,
    content_type: Option<String>,
    body_bytes: Option<usize>,
    signature: Shape,
    /// The beginning of the body, as text.
    head: String,
}

object!(write SampleView { received_at, content_type, body_bytes, signature, head });

/// All that is shown of a signature: with the body beside it, it could be sent again.
struct Shape {
    length: usize,
    is_hex: bool,
}

object!(write Shape { length, is_hex });

/// The rejections by one code at one kind of path, as they are stored.
struct Row {
    code: Code,
    path: PathKind,
    count: i64,
    first_at: Millis,
    last_at: Millis,
    sample: Option<Sample>,
}

impl Directory {
    /// Adds what an isolate has counted.
    pub(super) fn reject(&self, rejections: &[Rejection]) -> Result<Response, Refusal> {
        let storage = self.state.storage();
        let sql = storage.sql();
        sql::transaction(&storage, || rejections.iter().try_for_each(|rejection| add(&sql, rejection)))?;
        reply::json(200, &())
    }

    pub(super) async fn rejections(&self, config: &Config) -> Result<Response, Refusal> {
        let sql = self.state.storage().sql();
        let now = clock::now();
        expire(&sql, now)?;
        let rows = all(&sql)?;
        let keyring = if rows.iter().any(|row| row.diagnosable().is_some()) {
            self.keyring(config, now).await?
        } else {
            Keyring::default()
        };
        let candidates = keyring.candidates();
        let rejections = rows.iter().map(|row| row.view(&candidates)).collect();
        reply::json(200, &List { rejections, note: note(&keyring) })
    }
}

/// Removes the samples that are too old; what was counted stays.
pub(super) fn expire(sql: &SqlStorage, now: Millis) -> worker::Result<()> {
    const EXPIRE: &str = "UPDATE rejections SET sample = NULL WHERE sample IS NOT NULL AND last_at < ?";
    sql::run(sql, EXPIRE, &[Bind::Int(now.plus_seconds(-SAMPLES_FOR).0)])
}

fn add(sql: &SqlStorage, rejection: &Rejection) -> worker::Result<()> {
    // Isolates tell of what has happened in any order, so the latest sample need not come last.
    const ADD: &str = "INSERT INTO rejections (code, path, count, first_at, last_at, sample)
        VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (code, path) DO UPDATE SET
            count = count + excluded.count,
            first_at = MIN(first_at, excluded.first_at),
            last_at = MAX(last_at, excluded.last_at),
            sample = IIF(excluded.last_at >= last_at, excluded.sample, sample)";
    let Rejection { code, path, count, first_at, last_at, sample } = rejection;
    let sample = json::to_string(sample);
    let binds = [
        Bind::Text(code),
        Bind::Text(path),
        Bind::Int(*count),
        Bind::Int(first_at.0),
        Bind::Int(last_at.0),
        Bind::Text(&sample),
    ];
    sql::run(sql, ADD, &binds)
}

/// Returns the rows, the latest first; a code or a kind of path that this version does not know is left out.
fn all(sql: &SqlStorage) -> worker::Result<Vec<Row>> {
    const ALL: &str = "SELECT code, path, count, first_at, last_at, sample FROM rejections ORDER BY last_at DESC, code, path";
    let rows = sql::all(sql, ALL, &[], |row| {
        let (code, path) = (row.text(), row.text());
        let (count, first_at, last_at) = (row.int(), Millis(row.int()), Millis(row.int()));
        // A sample in another version's form can't be shown, and is soon replaced.
        let sample = row.maybe_text().and_then(|text| json::read(&text).ok());
        let code = Code::ALL.into_iter().find(|known| known.as_str() == code);
        let path = PathKind::ALL.into_iter().find(|known| known.as_str() == path);
        code.zip(path).map(|(code, path)| Row { code, path, count, first_at, last_at, sample })
    })?;
    Ok(rows.into_iter().flatten().collect())
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

impl Row {
    /// Returns the sample where it was a signature that was refused.
    fn diagnosable(&self) -> Option<&Sample> {
        let is_of_signature = self.code.public() == Code::Unauthorized;
        self.sample.as_ref().filter(|_| is_of_signature)
    }

    fn view(&self, candidates: &[Candidate<'_>]) -> View {
        let mistake = self.diagnosable().map(|sample| diagnose(sample, candidates));
        View {
            code: self.code.as_str(),
            path: self.path.as_str(),
            summary: rejection::summary(self.code, self.path),
            count: self.count,
            first_at: clock::rfc3339(self.first_at),
            last_at: clock::rfc3339(self.last_at),
            sample: self.sample.as_ref().map(|sample| sample_view(sample, self.last_at)),
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

fn sample_view(sample: &Sample, received_at: Millis) -> SampleView {
    let body = hex::decode(&sample.body).unwrap_or_default();
    let is_hex = !sample.header.is_empty() && sample.header.bytes().all(|byte| byte.is_ascii_hexdigit());
    SampleView {
        received_at: clock::rfc3339(received_at),
        content_type: sample.content_type.clone(),
        body_bytes: sample.body_bytes,
        signature: Shape { length: sample.header_bytes, is_hex },
        head: head(&body),
    }
}

/// Returns the beginning of a body as text; a character that the end would cut is left out.
fn head(body: &[u8]) -> String {
    let bytes = body.get(..HEAD).unwrap_or(body);
    let whole = match str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => bytes.get(..error.valid_up_to()).unwrap_or(bytes),
        Ok(_) | Err(_) => bytes,
    };
    String::from_utf8_lossy(whole).into_owned()
}
