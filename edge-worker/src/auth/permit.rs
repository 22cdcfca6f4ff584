//! How long somebody may be answered who was admitted: a stream goes on after its request was.

use std::time::Duration;

use vtryon_webhooks::Millis;
use worker::Delay;

use super::tokens;
use crate::clients::{DirectoryClient, OBJECT_LIMIT};
use crate::platform::clock;
use crate::platform::timeout::with_timeout;

/// How long one wait lasts at most: the platform's timers count milliseconds in 32 bits, which are 24 days, and a session
/// of Cloudflare Access may last a month.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);

/// How long somebody is answered who was admitted by the configuration alone, in seconds. Then the credential has to be sent
/// again: a deployment with another configuration may leave the streams of the former one open.
const CONFIGURED_SECONDS: i64 = 3600;

/// Until when somebody may be answered, and what may end that before.
#[derive(Clone)]
pub(crate) struct Permit {
    until: Option<Millis>,
    basis: Basis,
}

/// What somebody was admitted by.
#[derive(Clone)]
enum Basis {
    /// A ticket, which can't be revoked.
    Ticket,
    /// A stored token, which may be revoked.
    Token(DirectoryClient, String),
    /// The configuration, at this time.
    Configuration(Millis),
}

/// Why somebody may not be answered any more.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The credential has ended or was revoked.
    Expired,
    /// The credential has to be sent again, since it can't be checked here: at the moment, or any more.
    Unchecked,
}

impl Permit {
    /// Makes the permit of a ticket.
    pub(crate) const fn of_ticket(until: Millis) -> Self {
        Self { until: Some(until), basis: Basis::Ticket }
    }

    /// Makes the permit of a credential that is good by the configuration of now, until its end.
    pub(super) const fn of_configuration(until: Option<Millis>, now: Millis) -> Self {
        Self { until, basis: Basis::Configuration(now) }
    }

    /// Makes the permit of a token, until its end or an earlier one.
    pub(super) fn of_token(directory: &DirectoryClient, id: &str, until: Option<Millis>) -> Self {
        Self { until, basis: Basis::Token(directory.clone(), id.to_owned()) }
    }

    /// Returns when it ends; `None` where that is not known beforehand.
    pub(crate) const fn end(&self) -> Option<Millis> {
        self.until
    }

    /// Waits until it has ended. A token is looked up again whenever what is known of it is too old.
    pub(crate) async fn ended(&self) -> Ended {
        loop {
            let now = clock::now();
            if self.until.is_some_and(|until| until <= now) {
                return Ended::Expired;
            }
            let fresh_until = match &self.basis {
                Basis::Ticket => None,
                Basis::Configuration(admitted_at) => {
                    let end = admitted_at.plus_seconds(CONFIGURED_SECONDS);
                    if end <= now {
                        return Ended::Unchecked;
                    }
                    Some(end)
                }
                Basis::Token(directory, id) => {
                    match with_timeout(OBJECT_LIMIT, tokens::find(directory, id, now)).await {
                        Some(Ok(known)) if known.token.is_some() => Some(known.fresh_until),
                        Some(Ok(_)) => return Ended::Expired,
                        Some(Err(_)) | None => return Ended::Unchecked,
                    }
                }
            };
            match [self.until, fresh_until].into_iter().flatten().min() {
                Some(next) => Delay::from(clock::between(now, next).min(LONGEST_WAIT)).await,
                None => std::future::pending().await,
            }
        }
    }
}
