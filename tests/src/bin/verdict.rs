//! The oracle that other implementations are held to: a question per line of standard input, the core's
//! verdict per line of standard output, both JSON. With `--codes` it prints the table of codes, with `--mistakes` that
//! of likely mistakes.

use std::io::{self, BufRead, BufWriter, Write};

use serde::{Deserialize, Serialize};
use vtryon_webhooks::diagnosis::Mistake;
use vtryon_webhooks::lifecycle::{self, Stage, TaskState};
use vtryon_webhooks::standard_webhooks::{MessageHeaders, MessageVerifier, Tolerance};
use vtryon_webhooks::{BodyLimit, Code, Error, Event, Millis, Secret, Signature, Status, Verified, Verifier};
use vtryon_webhooks_tests::Fields;

/// What is asked: a verdict on a request, by Vtryon's scheme or by Standard Webhooks, or on the statuses that a task has received one after the other.
#[derive(Deserialize)]
#[serde(untagged)]
enum Question {
    Lifecycle { statuses: Vec<String> },
    Message(Message),
    Request(Request),
}

/// Secrets and body in hex; the signatures are the values of the header.
#[derive(Deserialize)]
struct Request {
    secrets: Vec<String>,
    signatures: Vec<String>,
    body: String,
    limit: Option<usize>,
}

/// Secrets and body in hex; the values of the three headers; the clock in milliseconds, the tolerance in seconds.
#[derive(Deserialize)]
struct Message {
    secrets: Vec<String>,
    id: Vec<String>,
    timestamp: Vec<String>,
    signature: Vec<String>,
    body: String,
    now: i64,
    tolerance: Option<u32>,
    limit: Option<usize>,
}

#[derive(Serialize, Default)]
struct Decision {
    outcomes: Vec<&'static str>,
    status: Option<&'static str>,
}

#[derive(Serialize, Default)]
struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<Fields>,
    #[serde(flatten)]
    refusal: Option<Refusal>,
}

#[derive(Serialize)]
struct Refusal {
    code: &'static str,
    field: Option<&'static str>,
    offset: Option<usize>,
    message: String,
    hint: &'static str,
}

#[derive(Serialize)]
struct Row {
    code: &'static str,
    status: u16,
    public: &'static str,
    summary: &'static str,
    hint: &'static str,
}

#[derive(Serialize)]
struct MistakeRow {
    mistake: &'static str,
    hint: &'static str,
}

fn main() -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    match std::env::args().nth(1).as_deref() {
        Some("--codes") => {
            for code in Code::ALL {
                write_line(&mut out, &row(code))?;
            }
        }
        Some("--mistakes") => {
            for mistake in Mistake::ALL {
                write_line(&mut out, &MistakeRow { mistake: mistake.as_str(), hint: mistake.hint() })?;
            }
        }
        _ => answer_questions(&mut out)?,
    }
    out.flush()
}

fn answer_questions(out: &mut impl Write) -> io::Result<()> {
    for line in io::stdin().lock().lines() {
        match serde_json::from_str(&line?)? {
            Question::Lifecycle { statuses } => write_line(out, &decide(&statuses))?,
            Question::Message(message) => {
                write_line(out, &answer(|answer| judge_message(&message, answer)))?;
            }
            Question::Request(request) => write_line(out, &answer(|answer| judge(&request, answer)))?,
        }
        // Whoever asks may wait for the answer before it asks on.
        out.flush()?;
    }
    Ok(())
}

fn decide(statuses: &[String]) -> Decision {
    let mut decision = Decision::default();
    let mut known: Option<TaskState> = None;
    for status in statuses {
        let step = lifecycle::step(known.as_ref(), &Status::from_name(status.as_str()));
        known = step.next.or(known);
        decision.outcomes.push(step.outcome.as_str());
    }
    decision.status = known.and_then(|known| known.stage()).map(Stage::as_str);
    decision
}

fn answer(judge: impl FnOnce(&mut Answer) -> Result<(), Error>) -> Answer {
    let mut answer = Answer::default();
    if let Err(error) = judge(&mut answer) {
        answer.refusal = Some(Refusal {
            code: error.code().as_str(),
            field: error.field(),
            offset: error.offset(),
            message: error.to_string(),
            hint: error.hint(),
        });
    }
    answer
}

fn judge(question: &Request, answer: &mut Answer) -> Result<(), Error> {
    let verifier = Verifier::new(secrets(&question.secrets)?)?.with_limit(limit(question.limit));
    let signature = Signature::from_values(question.signatures.iter().map(String::as_bytes))?;
    let body = bytes(&question.body);
    report(&verifier.verify(&body, &signature)?, answer)
}

fn judge_message(question: &Message, answer: &mut Answer) -> Result<(), Error> {
    let tolerance = question.tolerance.and_then(Tolerance::new).unwrap_or(Tolerance::DEFAULT);
    let verifier = MessageVerifier::new(secrets(&question.secrets)?)?;
    let verifier = verifier.with_limit(limit(question.limit)).with_tolerance(tolerance);
    let [ids, timestamps, signatures] = [&question.id, &question.timestamp, &question.signature]
        .map(|values| values.iter().map(String::as_bytes));
    let headers = MessageHeaders::from_values(ids, timestamps, signatures)?;
    let body = bytes(&question.body);
    let message = verifier.verify(&body, &headers, Millis(question.now))?;
    answer.message_id = Some(message.id().to_owned());
    answer.timestamp = Some(message.timestamp());
    report(message.verified(), answer)
}

fn secrets(digits: &[String]) -> Result<Vec<Secret>, Error> {
    Secret::list(digits.iter().map(|digits| bytes(digits)))
}

fn limit(bytes: Option<usize>) -> BodyLimit {
    bytes.and_then(BodyLimit::new).unwrap_or(BodyLimit::DEFAULT)
}

/// Reports who signed, and what the event says.
fn report(verified: &Verified<'_>, answer: &mut Answer) -> Result<(), Error> {
    answer.secret_index = Some(verified.secret_index());
    answer.fingerprint = Some(verified.fingerprint().to_string());
    answer.event = Some(Fields::of(&Event::parse(verified)?));
    Ok(())
}

const fn row(code: Code) -> Row {
    Row {
        code: code.as_str(),
        status: code.http_status(),
        public: code.public().as_str(),
        summary: code.summary(),
        hint: code.hint(),
    }
}

fn bytes(digits: &str) -> Vec<u8> {
    hex::decode(digits).unwrap_or_default()
}

fn write_line(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    writeln!(out, "{}", serde_json::to_string(value)?)
}
