//! The variables and bindings that configure a deployment: their names, defaults and bounds, and what people read about
//! them.
//!
//! The Worker reads its environment by this table. `scripts/docs.mjs` writes docs/reference/configuration.md from it, and
//! the comments in wrangler.toml and in deploy/; `examples/variables.rs` prints it for that.

use serde::Serialize;
use vtryon_webhooks::{BodyLimit, MAX_SHARDS};

pub const VTRYON_WEBHOOK_SECRET: &str = "VTRYON_WEBHOOK_SECRET";
pub const VTRYON_WEBHOOK_SECRET_PREVIOUS: &str = "VTRYON_WEBHOOK_SECRET_PREVIOUS";
pub const GATEWAY_ADMIN_TOKEN: &str = "GATEWAY_ADMIN_TOKEN";
pub const GATEWAY_ADMIN_TOKEN_PREVIOUS: &str = "GATEWAY_ADMIN_TOKEN_PREVIOUS";
pub const GATEWAY_MASTER_KEY: &str = "GATEWAY_MASTER_KEY";
pub const GATEWAY_TICKET_TOKEN: &str = "GATEWAY_TICKET_TOKEN";
pub const ENDPOINT_HOSTS: &str = "ENDPOINT_HOSTS";
pub const TICKET_ORIGINS: &str = "TICKET_ORIGINS";
pub const ACCESS_TEAM: &str = "ACCESS_TEAM";
pub const ACCESS_AUD: &str = "ACCESS_AUD";
pub const ACCESS_SCOPES: &str = "ACCESS_SCOPES";
pub const JURISDICTION: &str = "JURISDICTION";
pub const LOCATION_HINT: &str = "LOCATION_HINT";
pub const ALLOW_INSECURE_ENDPOINTS: &str = "ALLOW_INSECURE_ENDPOINTS";
pub const LOG_LEVEL: &str = "LOG_LEVEL";

/// The number of shards.
pub const SHARDS: Number = Number { name: "SHARDS", default: 16, min: 1, max: MAX_SHARDS };

/// The maximum length of an event, in bytes.
pub const MAX_BODY_BYTES: Number = Number {
    name: "MAX_BODY_BYTES",
    default: BodyLimit::DEFAULT.bytes() as u32,
    min: 1,
    max: BodyLimit::MAX.bytes() as u32,
};

/// How long events are stored, in hours: 30 days by default, at least two days, because deliveries are retried for one,
/// and at most ten years, because KV takes no time to live above 2^31 seconds.
pub const RETENTION_HOURS: Number = Number { name: "RETENTION_HOURS", default: 720, min: 48, max: 87_600 };

/// What the platform restricts objects to, and near where it creates them
/// (<https://developers.cloudflare.com/durable-objects/reference/data-location/>). Their places are stored: a list only
/// grows at its end.
pub const JURISDICTIONS: [&str; 4] = ["eu", "us", "fedramp", "fedramp-high"];
pub const LOCATION_HINTS: [&str; 11] =
    ["wnam", "enam", "sam", "weur", "eeur", "apac", "apac-ne", "apac-se", "oc", "afr", "me"];

/// How long a token may be, in characters. From the minimum on guessing is hopeless, whoever guesses and how often; up to the
/// maximum it is read where somebody signs in.
pub const MIN_TOKEN_CHARS: usize = 32;
pub const MAX_TOKEN_CHARS: usize = 512;
const TOKEN: Values = Values::Token { min: MIN_TOKEN_CHARS, max: MAX_TOKEN_CHARS };

/// The bindings of the objects and of the KV namespace for final results.
pub const TASK_SHARD: &str = "TASK_SHARD";
pub const DIRECTORY: &str = "DIRECTORY";
pub const RESULTS: &str = "RESULTS";

/// A variable that holds a whole number.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Number {
    pub name: &'static str,
    pub default: u32,
    pub min: u32,
    pub max: u32,
}

/// A variable of the environment.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Variable {
    pub name: &'static str,
    pub is_secret: bool,
    pub required: Required,
    pub values: Values,
    /// What it is for, in one or two sentences of plain text; comments in the configuration say this.
    pub summary: &'static str,
    /// What the page adds, in Markdown; may be empty.
    pub details: &'static str,
}

/// Whether a deployment needs a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Required {
    Yes,
    No,
    /// Only where Cloudflare Access is not configured.
    UnlessAccess,
}

/// The values that a variable takes.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Values {
    Number(Number),
    /// A secret text of so many characters.
    Token {
        min: usize,
        max: usize,
    },
    /// A text in the form that is described, with an example where comments show one.
    Text {
        form: &'static str,
        example: Option<&'static str>,
    },
}

/// A binding of the Worker.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Binding {
    pub name: &'static str,
    pub kind: &'static str,
    pub summary: &'static str,
}

/// All variables, in the order of the page.
pub const VARIABLES: [Variable; 18] = [
    Variable {
        name: VTRYON_WEBHOOK_SECRET,
        is_secret: true,
        required: Required::Yes,
        values: Values::Text { form: "as Vtryon shows it", example: None },
        summary: "What Vtryon signs with. Vtryon shows it when you register the gateway's URL, https://…/webhooks/vtryon, under Settings → Webhooks of your account.",
        details: "",
    },
    Variable {
        name: GATEWAY_ADMIN_TOKEN,
        is_secret: true,
        required: Required::UnlessAccess,
        values: TOKEN,
        summary: "Opens the dashboard and all of /api. Generate it with `openssl rand -hex 32` and keep it.",
        details: "Setting another one ends all sessions. Programs need no more than [a token with a scope](api.md#scopes).",
    },
    Variable {
        name: GATEWAY_MASTER_KEY,
        is_secret: true,
        required: Required::Yes,
        values: Values::Text { form: "32 bytes in hex or base64", example: None },
        summary: "Encrypts the secrets of your endpoints and alert destinations, and signs sessions and tokens. Generate it with `openssl rand -hex 32` and keep it.",
        details: "With another key, the stored secrets can't be read: deliveries and alerts wait until the former key is set again, or [each secret is rotated](../guides/rotation.md#the-master-key).",
    },
    Variable {
        name: VTRYON_WEBHOOK_SECRET_PREVIOUS,
        is_secret: true,
        required: Required::No,
        values: Values::Text { form: "as Vtryon showed it", example: None },
        summary: "Vtryon's secret before this one, while it is rotated. Both are accepted.",
        details: "Each event shows the fingerprint of the secret that signed it. An empty value counts as unset.",
    },
    Variable {
        name: GATEWAY_ADMIN_TOKEN_PREVIOUS,
        is_secret: true,
        required: Required::No,
        values: TOKEN,
        summary: "The admin token before this one, while it is rotated. Both are accepted, and sessions of both.",
        details: "An empty value counts as unset.",
    },
    Variable {
        name: GATEWAY_TICKET_TOKEN,
        is_secret: true,
        required: Required::No,
        values: TOKEN,
        summary: "Makes tickets for your customers' pages, and can do nothing else. Generate it with `openssl rand -hex 32`.",
        details: "It must differ from `GATEWAY_ADMIN_TOKEN`. A token with the scope `tickets` does the same, and can be revoked.",
    },
    Variable {
        name: SHARDS.name,
        is_secret: false,
        required: Required::No,
        values: Values::Number(SHARDS),
        summary: "How many objects share the tasks. Fixed by the first event, endpoint or token.",
        details: "One shard stores some hundred events a second.",
    },
    Variable {
        name: MAX_BODY_BYTES.name,
        is_secret: false,
        required: Required::No,
        values: Values::Number(MAX_BODY_BYTES),
        summary: "The longest webhook that is accepted, in bytes.",
        details: "A longer one is answered 413.",
    },
    Variable {
        name: RETENTION_HOURS.name,
        is_secret: false,
        required: Required::No,
        values: Values::Number(RETENTION_HOURS),
        summary: "How many hours tasks, events, deliveries, the quarantine and results are kept.",
        details: "The default is 30 days.",
    },
    Variable {
        name: JURISDICTION,
        is_secret: false,
        required: Required::No,
        values: Values::Text { form: "`eu`, `us`, `fedramp` or `fedramp-high`", example: Some("eu") },
        summary: "Where all objects store and run: the jurisdiction that Cloudflare holds them to. Fixed by the first event, endpoint or token.",
        details: "KV and logs are not bound by it. [Where data lies](../start/deploy.md#where-data-lies).",
    },
    Variable {
        name: LOCATION_HINT,
        is_secret: false,
        required: Required::No,
        values: Values::Text {
            form: "`wnam`, `enam`, `sam`, `weur`, `eeur`, `apac`, `apac-ne`, `apac-se`, `oc`, `afr` or `me`",
            example: Some("weur"),
        },
        summary: "Near where Cloudflare creates the objects: as a rule near your backend. Fixed by the first event, endpoint or token.",
        details: "A hint, not a promise. If unset, an object is created near its first request.",
    },
    Variable {
        name: ENDPOINT_HOSTS,
        is_secret: false,
        required: Required::No,
        values: Values::Text { form: "hosts", example: Some("shop.example, *.shop.example") },
        summary: "Recommended: the only hosts that endpoints may have, with commas between them.",
        details: "`*.shop.example` allows every subdomain. If unset, any public host is allowed.",
    },
    Variable {
        name: TICKET_ORIGINS,
        is_secret: false,
        required: Required::No,
        values: Values::Text { form: "origins", example: Some("https://shop.example") },
        summary: "The origins of pages that may use tickets, with commas between them.",
        details: "The gateway's own origin is always allowed.",
    },
    Variable {
        name: ACCESS_TEAM,
        is_secret: false,
        required: Required::No,
        values: Values::Text { form: "a team's name, or its domain", example: Some("acme") },
        summary: "Your Cloudflare Access team. With ACCESS_AUD, Access opens the dashboard and /api, instead of GATEWAY_ADMIN_TOKEN or beside it.",
        details: "The domain is `acme.cloudflareaccess.com`. Set both variables or none.",
    },
    Variable {
        name: ACCESS_AUD,
        is_secret: false,
        required: Required::No,
        values: Values::Text { form: "64 hex digits", example: Some("64 hex digits") },
        summary: "The audience tag of the Access application, or several with commas between them.",
        details: "",
    },
    Variable {
        name: ACCESS_SCOPES,
        is_secret: false,
        required: Required::No,
        values: Values::Text {
            form: "`<e-mail, group or *>=<scope>`",
            example: Some("ops@acme.example=admin, support=replay, *=read"),
        },
        summary: "The scope of each person whom Access lets in, as rules with commas between them. The first rule that matches counts.",
        details: "A person whom no rule matches may do nothing. If unset, everybody whom Access lets in has the scope `admin`. [Groups](../guides/access.md#2-tell-the-gateway).",
    },
    Variable {
        name: LOG_LEVEL,
        is_secret: false,
        required: Required::No,
        values: Values::Text { form: "`debug`, `info` or `warn`", example: Some("debug") },
        summary: "From which level on decisions are logged: `info` by default; `debug` logs each event and each attempt.",
        details: "[The lines of the log](../guides/monitoring.md#logs).",
    },
    Variable {
        name: ALLOW_INSECURE_ENDPOINTS,
        is_secret: false,
        required: Required::No,
        values: Values::Text { form: "`true` or `false`", example: Some("true") },
        summary: "For development: \"true\" lets endpoints have http://, any port, and this machine.",
        details: "`make dev` and `npm run dev` set it.",
    },
];

/// All bindings.
pub const BINDINGS: [Binding; 3] = [
    Binding {
        name: TASK_SHARD,
        kind: "Durable Object `TaskShard`",
        summary: "Decides, stores and delivers; each object has its own SQLite database.",
    },
    Binding {
        name: DIRECTORY,
        kind: "Durable Object `Directory`",
        summary: "Stores the endpoints, and sends every shard what it needs of them.",
    },
    Binding {
        name: RESULTS,
        kind: "KV namespace",
        summary: "Optional: final results, read close to the reader; without it they are read from their shards. The \
                  first deployment creates the namespace.",
    },
];
