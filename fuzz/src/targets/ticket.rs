//! Tickets and resume tokens: as strangers send them, under a signature of ours, and for any task.

use hmac::Mac;
use vtryon_gateway_engine::credentials::tickets::Tickets;
use vtryon_gateway_engine::keys::{MasterKey, hmac_sha256};
use vtryon_webhooks::{Millis, TaskId};

const NOW: Millis = Millis(1_780_000_000_000);

/// How long a ticket and a resume token are good, in seconds.
const TICKET: i64 = 60;
const WATCH: i64 = 86_400;

/// What the keys of tickets and of resume tokens are derived by.
const LABELS: [&str; 2] = ["vtryon-webhooks ticket 1", "vtryon-webhooks resume 1"];

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let tickets = Tickets::new(&master());
    let (ticket, end) = tickets.ticket(&TaskId::new("task_1").unwrap(), NOW);
    let claims =
        ["t1.1780000060000.7461736b5f31", "r1.1780000060000.7.7461736b5f31", "r1.1780000060000.-7.c3"];
    let mut seeds =
        vec![ticket.into_bytes(), tickets.resume("task_1", end, 7).into_bytes(), "task_\u{e4}".into()];
    seeds.extend(claims.map(Into::into));
    seeds
}

pub(crate) fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let tickets = Tickets::new(&master());
    if let Some(pass) = tickets.check(text, NOW) {
        // Nobody can sign one, so it is one of the seeds.
        let (ticket, end) = tickets.ticket(&TaskId::new("task_1").unwrap(), NOW);
        assert!(text == ticket || text == tickets.resume("task_1", end, 7));
        assert_eq!(pass.task_id, "task_1");
    }
    signed(&tickets, text);
    if let Ok(task_id) = TaskId::new(text) {
        issued(&tickets, &task_id);
    }
}

fn master() -> MasterKey {
    MasterKey::parse(&"0f".repeat(32)).unwrap()
}

/// A claim under a good signature: what comes after the comparison.
fn signed(tickets: &Tickets, claim: &str) {
    for (kind, label) in ["t1", "r1"].into_iter().zip(LABELS) {
        let mac = hmac_sha256(&master().derive(label)).chain_update(claim).finalize().into_bytes();
        let Some(pass) = tickets.check(&format!("{claim}.{}", hex::encode(mac)), NOW) else { continue };
        assert!(claim.starts_with(kind));
        assert!(pass.until > NOW && pass.until <= NOW.plus_seconds(WATCH + 1));
    }
}

/// What is made for a task is good for it until its end, and no longer; with any byte altered it is not good.
fn issued(tickets: &Tickets, task_id: &TaskId<'_>) {
    let (ticket, end) = tickets.ticket(task_id, NOW);
    let resume = tickets.resume(task_id.as_str(), end, 7);
    assert_eq!(end, NOW.plus_seconds(TICKET));
    for (text, seen) in [(ticket, None), (resume, Some(7))] {
        let pass = tickets.check(&text, NOW).unwrap();
        assert_eq!((&*pass.task_id, pass.seen), (task_id.as_str(), seen));
        assert!(tickets.check(&text, end).is_none());
        let at = text.len() * 5 % 7 * (text.len() - 1) / 6;
        for altered in ["0", "g", "A", "."] {
            let mut other = text.clone();
            other.replace_range(at..=at, altered);
            assert!(other == text || tickets.check(&other, NOW).is_none(), "{other}");
        }
        assert!(
            tickets.check(&text[1..], NOW).is_none() && tickets.check(&text[..text.len() - 1], NOW).is_none()
        );
    }
}
