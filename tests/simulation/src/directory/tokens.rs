//! Tokens: administrators create and revoke them, programs present them to isolates, which remember what they have asked.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};
use vtryon_gateway_engine::credentials::known_tokens::{KnownTokens, TokenLookup};
use vtryon_gateway_engine::credentials::token::{NewToken, PresentedToken, TokenForm};
use vtryon_gateway_engine::keys::MasterKey;
use vtryon_gateway_engine::protocol::DirectoryRequest;
use vtryon_gateway_engine::storage::database::Bind;
use vtryon_gateway_engine::text::time::rfc3339;
use vtryon_webhooks::Millis;

use crate::checks::SKEW;
use crate::coverage::{CrashPoint, Decision, Loss};
use crate::directory::requests::{Change, Done};
use crate::platform::database::SimulatedDatabase;
use crate::random::Random;
use crate::violation::ensure;
use crate::world::World;

/// For how long a token that was revoked may still be let in, in seconds.
const LET_IN_FOR: i64 = 30;

/// How many tokens there are at most at the same time.
const MAX_TOKENS: usize = 6;

const SCOPES: [&str; 5] = ["read", "listen", "replay", "tickets", "admin"];

/// The tokens that were stored, and the isolates that they are presented to.
#[derive(Default)]
pub struct Tokens {
    stored: Vec<Token>,
    isolates: [KnownTokens; 2],
}

struct Token {
    bytes: TokenBytes,
    new: NewToken,
    scope: &'static str,
    expires_at: Option<Millis>,
    revoked_at: Option<Millis>,
}

impl Token {
    /// Returns whether it is to be let in, wherever nothing is remembered of it.
    fn is_valid(&self, now: Millis) -> bool {
        self.revoked_at.is_none() && !self.has_expired(now)
    }

    fn has_expired(&self, now: Millis) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}

/// The random bytes that a token is made of.
#[derive(Clone, Copy)]
pub struct TokenBytes {
    id: [u8; 8],
    secret: [u8; 32],
}

impl TokenBytes {
    pub fn draw(random: &mut Random) -> Self {
        let id = random.number(0..i64::MAX).to_be_bytes();
        let mut secret = [0; 32];
        secret.fill_with(|| random.number(0..256) as u8);
        Self { id, secret }
    }

    pub fn issue(&self) -> NewToken {
        form().issue(self.id, &self.secret)
    }
}

fn form() -> TokenForm {
    TokenForm::new(&MasterKey::parse(&"0f".repeat(32)).expect("32 bytes are a key"))
}

impl World {
    /// Creates, revokes, lists or presents a token.
    pub fn use_tokens(&mut self) {
        match self.random.weighted(&[2, 2, 1, 16]) {
            0 => self.create_token(),
            1 => self.revoke_token(),
            2 => self.list_tokens(),
            _ => self.present_token(),
        }
    }

    fn create_token(&mut self) {
        let now = self.now;
        if self.tokens.stored.iter().filter(|token| token.is_valid(now)).count() >= MAX_TOKENS {
            return;
        }
        let bytes = TokenBytes::draw(&mut self.random);
        let new = bytes.issue();
        let scope = self.random.one_of(&SCOPES);
        // Most end in minutes, so that some do while they are used; one would be over already.
        let seconds = self.random.one_of(&[-1, 30, 120, 3600, 172_800]);
        let expires_at = self.random.chance(600).then(|| now.plus_seconds(seconds));
        let body = json!({ "name": new.id, "scope": scope, "expires_at": expires_at.map(rfc3339) });
        let change = Change::of_tokens("POST /api/tokens", bytes);
        let request = DirectoryRequest::CreateToken { input: body.to_string() };
        if let Some(created) = self.ask_for_token(change, request) {
            ensure!(created["token"] == *new.text, "a new token is shown", "{}", new.id);
            self.coverage.reach("token", "created");
        }
        if self.directory.db.as_ref().map(|db| is_stored(db, &new.id)) == Some(1) {
            let is_over = expires_at.is_some_and(|end| end <= self.directory_clock());
            ensure!(!is_over, "a token ends after it was created", "{}", new.id);
            self.tokens.stored.push(Token { bytes, new, scope, expires_at, revoked_at: None });
        }
        self.check_digests();
    }

    fn revoke_token(&mut self) {
        let Some(index) = self.any_token() else { return };
        let (bytes, id) = (self.tokens.stored[index].bytes, self.tokens.stored[index].new.id.clone());
        let was_stored = self.directory.db.as_ref().map(|db| is_stored(db, &id)) == Some(1);
        let change = Change::of_tokens("DELETE /api/tokens/{token_id}", bytes);
        let revoked = self.ask_for_token(change, DirectoryRequest::RevokeToken { id: id.clone() });
        let is_stored = self.directory.db.as_ref().map(|db| is_stored(db, &id)) == Some(1);
        let token = &mut self.tokens.stored[index];
        if was_stored && !is_stored {
            token.revoked_at = Some(self.now);
        }
        if revoked.is_some() {
            self.coverage.reach("token", "revoked");
        }
    }

    /// Lets the directory create or revoke a token, and returns how it is shown.
    fn ask_for_token(&mut self, change: Change, request: DirectoryRequest) -> Option<Json> {
        match self.ask_as(Decision::Change, change, request)? {
            Done::Answered(answer) => Some(serde_json::from_str(&answer.json).expect("a token is JSON")),
            Done::Pushing => None,
        }
    }

    /// Lists the tokens: those that are valid, without their texts.
    fn list_tokens(&mut self) {
        let Some(answer) = self.ask(Decision::Change, DirectoryRequest::Tokens) else { return };
        let list: Json = serde_json::from_str(&answer.json).expect("a list is JSON");
        let shown = list["tokens"].as_array().map_or(&[][..], Vec::as_slice);
        let listed: BTreeSet<_> = shown.iter().filter_map(|token| token["id"].as_str()).collect();
        // One that was deleted may be valid by a clock that was set back.
        let [valid, certain] = [0, 2 * SKEW].map(|later| {
            let now = self.directory_clock().plus_millis(later);
            let valid = self.tokens.stored.iter().filter(move |token| token.is_valid(now));
            valid.map(|token| &*token.new.id).collect::<BTreeSet<_>>()
        });
        ensure!(
            listed.is_subset(&valid) && certain.is_subset(&listed),
            "the tokens that are valid are listed",
            "{listed:?} of {valid:?}"
        );
        self.coverage.reach("token", "listed");
        self.check_digests();
    }

    /// Presents a token to an isolate, or a text that only looks like one.
    fn present_token(&mut self) {
        let Some(index) = self.any_token() else { return };
        let (form, token) = (form(), &self.tokens.stored[index]);
        let is_guess = self.random.chance(100);
        let text = if is_guess { guess(&token.new) } else { token.new.text.to_string() };
        let Some(presented) = form.parse(&text) else {
            ensure!(is_guess, "a token has the form of one", "{}", token.new.id);
            return;
        };
        let isolate = self.random.index(2);
        let Some(known) = self.known_token(isolate, &presented) else { return };
        let (now, admitted) = (self.now, known.admit(&presented, self.now));
        let token = &self.tokens.stored[index];
        let what = || {
            format!(
                "{}, revoked at {:?}, ends at {:?}, at {now:?}",
                token.new.id, token.revoked_at, token.expires_at
            )
        };
        let Some(admitted) = admitted else {
            // The clock of the directory may be ahead.
            let is_certain = token.is_valid(now.plus_millis(SKEW));
            ensure!(is_guess || !is_certain, "a valid token is let in", "{}", what());
            self.coverage.reach("token", "refused");
            return;
        };
        let is_late = token.revoked_at.is_some_and(|at| at.plus_seconds(LET_IN_FOR) <= now);
        ensure!(!is_guess, "only the text of a token is let in", "{}", what());
        ensure!(!is_late, "a revoked token is refused after 30 seconds", "{}", what());
        ensure!(!token.has_expired(now), "a token that has expired is refused", "{}", what());
        let scope = admitted.scope.as_str();
        ensure!(
            scope == token.scope,
            "a token has the scope that it was created with",
            "{scope}: {}",
            what()
        );
        self.coverage.reach("token", if token.revoked_at.is_none() { "let in" } else { "let in once more" });
    }

    /// Returns what an isolate knows of a token, as the Worker does: what it remembers, or else what the directory answers.
    fn known_token(&mut self, isolate: usize, presented: &PresentedToken) -> Option<TokenLookup> {
        let PresentedToken { id, .. } = presented;
        if let Some(known) = self.tokens.isolates[isolate].get(id, self.now) {
            return Some(known);
        }
        if self.random.chance(self.regime.losses) {
            self.coverage.crash(CrashPoint::Lost(Loss::TokenLookup));
            return None;
        }
        let asked_at = self.now;
        let answer = self.ask(Decision::Query, DirectoryRequest::FindToken { id: id.clone() })?;
        let found = serde_json::from_str(&answer.json).expect("a token is JSON");
        Some(self.tokens.isolates[isolate].remember(id, found, asked_at))
    }

    fn any_token(&mut self) -> Option<usize> {
        let count = self.tokens.stored.len();
        if count == 0 {
            return None;
        }
        // The latest are the more interesting, above all while they are valid.
        let recent = count.saturating_sub(MAX_TOKENS)..count;
        let is_valid = |index: &usize| self.tokens.stored[*index].is_valid(self.now);
        let valid: Vec<_> = recent.clone().filter(is_valid).collect();
        let chosen = if valid.is_empty() || self.random.chance(400) { recent.collect() } else { valid };
        Some(self.random.one_of(&chosen))
    }

    /// Checks that no text of a token is stored.
    fn check_digests(&self) {
        const STORED: &str = "SELECT COUNT(*) FROM (SELECT id || digest || name AS text FROM tokens
            UNION ALL SELECT target || doc FROM audit UNION ALL SELECT doc FROM alerts
            UNION ALL SELECT doc FROM alert_messages) WHERE instr(text, ?)";
        let (Some(db), Some(token)) = (&self.directory.db, self.tokens.stored.last()) else { return };
        let stored = db.integer(STORED, &[Bind::Text(&token.new.text)]);
        ensure!(stored == 0, "a token is stored as a digest", "{} in {stored} rows", token.new.id);
    }
}

/// Makes a text of the same id that this gateway could have made, and has not.
fn guess(token: &NewToken) -> String {
    let id = token.id.trim_start_matches("tok_");
    let bytes = u64::from_str_radix(id, 16).expect("an id is a number").to_be_bytes();
    form().issue(bytes, &[7; 32]).text.to_string()
}

/// Counts the rows of a token.
pub fn is_stored(db: &SimulatedDatabase, id: &str) -> i64 {
    db.integer("SELECT COUNT(*) FROM tokens WHERE id = ?", &[Bind::Text(id)])
}
