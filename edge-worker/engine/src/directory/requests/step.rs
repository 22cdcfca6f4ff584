//! What only the shell can do for the directory while it answers a request: ask shards, encrypt, decrypt, draw random
//! bytes.

use serde::Serialize;
use vtryon_webhooks::Millis;
use vtryon_webhooks::delivery::EndpointSecret;
use vtryon_webhooks::diagnosis::SecretKind;
use zeroize::Zeroizing;

use crate::credentials::token::NewToken;
use crate::directory::Directory;
use crate::directory::endpoints::credentials::NewHeader;
use crate::directory::endpoints::view::Unreadable;
use crate::directory::secrets::{SealedSecret, StoredSecret};
use crate::log::Decision;
use crate::protocol::settings::{Endpoint, Sealed, SealedHeader, Settings};
use crate::protocol::{IncomingAlert, ShardRequest};
use crate::text::json;
use crate::{Context, Error, Failure, Refusal};

/// What comes next. The shell does it and calls `then` with what came of it, which returns the next step, until a step is the
/// answer. Where it can't be done the request ends, and what was stored so far stays.
pub enum Step {
    /// The request is answered.
    Answer(Answer),
    /// Ask shard 0; `None` is its answer where it has none.
    AskShardZero { question: ShardRequest, then: Then<Option<String>> },
    /// Ask every shard. Where one can't be asked, the request goes on, and is refused so unless it does without.
    AskShards { question: ShardRequest, then: Then<ShardAnswers> },
    /// Send the settings to every shard, and wait for a limited time.
    Push { settings: Settings, then: Then<Pushed> },
    /// Have the shard that delivers alerts store one, for whether it has.
    StoreAlert { alert: IncomingAlert, body: String, then: Then<bool> },
    /// Read the scheme and the host of a URL as the platform would call it; `None` where it can't.
    ReadOrigin { url: String, then: Then<Option<String>> },
    /// Draw the random bytes of an id.
    DrawId { then: Then<[u8; 8]> },
    /// Make a token.
    MakeToken { then: Then<NewToken> },
    /// Make a secret of an endpoint and seal it as its version of that number.
    MakeSecret { endpoint: i64, version: i64, then: Then<NewSecret> },
    /// Seal headers of an endpoint, in their order.
    SealHeaders { endpoint: i64, headers: Vec<NewHeader>, then: Then<Vec<SealedHeader>> },
    /// Seal the configured secrets of Vtryon's that are due; `None` where it fails. `secrets` has the fingerprints of all, in
    /// their order, each with whether it is due.
    SealConfigured { secrets: Vec<(String, bool)>, then: Then<Option<Vec<SealedSecret>>> },
    /// Find out what the master key does not open of each endpoint; `None` where it fails.
    TryToOpen { endpoints: Vec<Endpoint>, then: Then<Option<Vec<Option<Unreadable>>>> },
    /// Read the configured secrets of Vtryon's, and open former ones.
    OpenVtryonSecrets { former: Vec<StoredSecret>, then: Then<VtryonSecrets> },
    /// Open secrets of endpoints, each given with the number of its endpoint.
    OpenEndpointSecrets { secrets: Vec<(i64, Sealed)>, then: Then<Vec<Option<EndpointSecret>>> },
}

/// The answers of the shards that have one, or why a shard could not be asked.
pub type ShardAnswers = Result<Vec<String>, Refusal>;

/// Takes what came of a step, and returns the next one.
pub type Then<T> = Box<dyn FnOnce(&mut Directory, &Context<'_>, T) -> Result<Step, Failure>>;

/// The answer to a request, as the API gives it.
pub struct Answer {
    pub status: u16,
    pub json: String,
}

/// What came of a push.
pub struct Pushed {
    /// How many shards have confirmed it.
    pub confirmed: u32,
    /// The highest version that a shard says to have.
    pub in_force: i64,
}

/// A secret of an endpoint that was made just now.
pub struct NewSecret {
    pub secret: EndpointSecret,
    pub sealed: String,
}

/// Vtryon's secrets in clear. Those of a former master key are `None`.
pub struct VtryonSecrets {
    /// In the order of the configuration.
    pub configured: Vec<(SecretKind, Zeroizing<Vec<u8>>)>,
    /// In the order in which they were asked for.
    pub former: Vec<Option<Zeroizing<Vec<u8>>>>,
}

/// What the shell does after every decision, whether it failed or not, before anything is awaited.
pub struct Effects {
    /// The time that the alarm has to be set for. [`Directory::alarm_failed`] takes back what could not be set.
    pub alarm: Option<Millis>,
    /// Faults that did not fail the decision, for the log.
    pub faults: Vec<Error>,
    /// The decisions, for the log.
    pub log: Vec<Decision>,
}

impl Step {
    /// Answers with a value as JSON.
    pub(crate) fn answer(status: u16, value: &impl Serialize) -> Result<Self, Failure> {
        Ok(Self::Answer(Answer { status, json: json::to_string(value) }))
    }
}
