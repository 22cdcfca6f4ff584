//! The oracle that other implementations are held to: a question per line of standard input, the core's
//! verdict per line of standard output, both JSON. With `--codes` it prints the table of codes.

use std::io::{self, BufRead, BufWriter, Write};

use serde::{Deserialize, Serialize};
use vtryon_webhooks::{BodyLimit, Code, Error, Event, Secret, Signature, Verifier};
use vtryon_webhooks_tests::Fields;

/// Secrets and body in hex; the signatures are the values of the header.
#[derive(Deserialize)]
struct Question {
    secrets: Vec<String>,
    signatures: Vec<String>,
    body: String,
    limit: Option<usize>,
}

#[derive(Serialize, Default)]
struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    key_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
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
}

#[derive(Serialize)]
struct Row {
    code: &'static str,
    status: u16,
    public: &'static str,
    summary: &'static str,
    hint: &'static str,
}

fn main() -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    if std::env::args().any(|argument| argument == "--codes") {
        for code in Code::ALL {
            write_line(&mut out, &row(code))?;
        }
        return out.flush();
    }
    for line in io::stdin().lock().lines() {
        let question: Question = serde_json::from_str(&line?)?;
        let mut answer = Answer::default();
        if let Err(error) = judge(&question, &mut answer) {
            answer.refusal = Some(Refusal {
                code: error.code().as_str(),
                field: error.field(),
                offset: error.offset(),
                message: error.to_string(),
            });
        }
        write_line(&mut out, &answer)?;
        // Whoever asks may wait for the answer before it asks on.
        out.flush()?;
    }
    Ok(())
}

fn judge(question: &Question, answer: &mut Answer) -> Result<(), Error> {
    let secrets = question.secrets.iter().map(|digits| Secret::new(bytes(digits)));
    let limit = question.limit.and_then(BodyLimit::new).unwrap_or(BodyLimit::DEFAULT);
    let verifier = Verifier::new(secrets.collect::<Result<Vec<_>, _>>()?)?.with_limit(limit);
    let signature = Signature::from_values(question.signatures.iter().map(String::as_bytes))?;
    let body = bytes(&question.body);
    let verified = verifier.verify(&body, &signature)?;
    answer.key_index = Some(verified.key_index());
    answer.fingerprint = Some(verified.fingerprint().to_string());
    answer.event = Some(Fields::of(&Event::parse(&verified)?));
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
