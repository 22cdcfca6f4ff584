//! Tickets: a shopper's page watches one task with one, and goes on with the resume tokens that its events
//! have as ids. Nothing is stored; both are signed under keys derived from the master key.
//!
//! `t1.<end>.<task>.<mac>` and `r1.<end>.<seq>.<task>.<mac>`: times in milliseconds since 1970, the task's id
//! in hex, and HMAC-SHA256 of what stands before it in hex, so that a ticket fits into any header.

use hmac::{Hmac, Mac};
use sha2::Sha256;
use vtryon_webhooks::{Millis, TaskId};

use crate::keys::{MasterKey, hmac_sha256};

/// How long after it was made a ticket may be used, in seconds.
const TICKET: i64 = 60;

/// How long a page may watch on, in seconds, whatever becomes of the task.
const WATCH: i64 = 86_400;

/// What the keys are derived by.
const TICKET_LABEL: &str = "vtryon-webhooks ticket 1";
const RESUME_LABEL: &str = "vtryon-webhooks resume 1";

/// What the two kinds begin with.
const TICKET_KIND: &str = "t1";
const RESUME_KIND: &str = "r1";

/// Makes and checks tickets and resume tokens.
pub struct Tickets {
    ticket: Hmac<Sha256>,
    resume: Hmac<Sha256>,
}

/// What a good ticket or resume token allows.
pub struct Pass {
    pub task_id: String,
    /// Until when the page may watch.
    pub until: Millis,
    /// The number of the state that it has seen; none with a ticket.
    pub seen: Option<i64>,
}

impl Tickets {
    pub fn new(master: &MasterKey) -> Self {
        let key = |label| hmac_sha256(&master.derive(label));
        Self { ticket: key(TICKET_LABEL), resume: key(RESUME_LABEL) }
    }

    /// Makes a ticket, and tells when it ends.
    pub fn ticket(&self, task_id: &TaskId<'_>, now: Millis) -> (String, Millis) {
        let end = now.plus_seconds(TICKET);
        let claim = format!("{TICKET_KIND}.{}.{}", end.0, hex::encode(task_id.as_str()));
        (signed(&self.ticket, claim), end)
    }

    /// Makes the token that resumes a page's stream after the state of number `seq`.
    pub fn resume(&self, task_id: &str, until: Millis, seq: i64) -> String {
        signed(&self.resume, format!("{RESUME_KIND}.{}.{seq}.{}", until.0, hex::encode(task_id)))
    }

    /// Checks a ticket or a resume token, in constant time; none is one that was altered, or has ended.
    pub fn check(&self, text: &str, now: Millis) -> Option<Pass> {
        let (claim, mac) = text.rsplit_once('.')?;
        let (kind, rest) = claim.split_once('.')?;
        let (key, longest) = match kind {
            TICKET_KIND => (&self.ticket, TICKET),
            RESUME_KIND => (&self.resume, WATCH),
            _ => return None,
        };
        let mut bytes = [0; 32];
        hex::decode_to_slice(mac, &mut bytes).ok()?;
        // Hex has two cases, a token has one spelling.
        if mac.contains(|digit: char| digit.is_ascii_uppercase()) {
            return None;
        }
        key.clone().chain_update(claim).verify_slice(&bytes).ok()?;
        // From here on it is what we have written.
        let (end, rest) = rest.split_once('.')?;
        let end = Millis(end.parse().ok()?);
        // A second more: the clock that made it may have been ahead.
        if end <= now || end > now.plus_seconds(longest + 1) {
            return None;
        }
        let (seen, task_id) = match rest.split_once('.') {
            None => (None, rest),
            Some((seq, task_id)) => (Some(seq.parse().ok()?), task_id),
        };
        let until = if seen.is_some() { end } else { now.plus_seconds(WATCH) };
        Some(Pass { task_id: String::from_utf8(hex::decode(task_id).ok()?).ok()?, until, seen })
    }
}

fn signed(key: &Hmac<Sha256>, claim: String) -> String {
    let mac = key.clone().chain_update(&claim).finalize().into_bytes();
    claim + "." + &hex::encode(mac)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "that is how a test fails")]

    use super::*;

    const NOW: Millis = Millis(1_000_000);
    const DAY: i64 = 86_400_000;

    fn tickets(master: &str) -> Tickets {
        Tickets::new(&MasterKey::parse(&master.repeat(32)).unwrap())
    }

    /// Pages hold them while the next version is deployed, so they are pinned.
    #[test]
    fn both_kinds_are_pinned() {
        let tickets = tickets("0f");
        let (ticket, end) = tickets.ticket(&TaskId::new("task_1").unwrap(), NOW);
        assert_eq!(end, Millis(1_060_000));
        assert_eq!(
            ticket,
            "t1.1060000.7461736b5f31.149419e2ecf251cddf34f274ecb567db3cff4cce2ce079bf2f51545244bc5b4a"
        );
        assert_eq!(
            tickets.resume("task_1", Millis(5), 7),
            "r1.5.7.7461736b5f31.323194b11b42076217fd10f29bc38ceb205becb5d777a0511ee7abe45d34f88f"
        );
    }

    #[test]
    fn each_is_good_until_its_end_and_under_its_key() {
        let good = tickets("0f");
        let (ticket, _) = good.ticket(&TaskId::new("t\u{e4}sk").unwrap(), NOW);
        let resume = good.resume("t\u{e4}sk", Millis(NOW.0 + DAY), 7);
        // the text, when it is checked, until when the page may watch: none where it is no good
        let rows = [
            (&ticket, NOW.0, Some(NOW.0 + DAY)),
            (&ticket, NOW.0 + 59_999, Some(NOW.0 + 59_999 + DAY)),
            (&ticket, NOW.0 + 60_000, None),
            (&ticket, NOW.0 - 1001, None),
            (&resume, NOW.0, Some(NOW.0 + DAY)),
            (&resume, NOW.0 + DAY - 1, Some(NOW.0 + DAY)),
            (&resume, NOW.0 + DAY, None),
        ];
        for (text, now, until) in rows {
            let pass = good.check(text, Millis(now));
            assert_eq!(pass.as_ref().map(|pass| pass.until.0), until, "at {now}");
            assert!(pass.is_none_or(|pass| pass.task_id == "t\u{e4}sk"));
            assert!(tickets("0e").check(text, Millis(now)).is_none());
        }
        assert_eq!(good.check(&resume, NOW).unwrap().seen, Some(7));
        assert_eq!(good.check(&ticket, NOW).unwrap().seen, None);
    }

    #[test]
    fn no_altered_one_is_good() {
        let tickets = tickets("0f");
        let (ticket, _) = tickets.ticket(&TaskId::new("task_1").unwrap(), NOW);
        let resume = tickets.resume("task_1", Millis(NOW.0 + DAY), 7);
        for text in [&ticket, &resume] {
            assert!(tickets.check(text, NOW).is_some());
            for at in 0..text.len() {
                for digit in ["0", "1", "f", "F", ".", "r", "t", &text[at..=at].to_uppercase()] {
                    let mut altered = text.clone();
                    altered.replace_range(at..=at, digit);
                    assert!(altered == *text || tickets.check(&altered, NOW).is_none(), "{altered}");
                }
                assert!(tickets.check(&text[..at], NOW).is_none());
            }
            assert!(tickets.check(&format!("{text}0"), NOW).is_none());
        }
        for text in ["", ".", "t1", "t1..", "t1.9999999..", "r1.1.1.1.1", "\u{e4}.\u{e4}"] {
            assert!(tickets.check(text, NOW).is_none(), "{text:?}");
        }
    }
}
