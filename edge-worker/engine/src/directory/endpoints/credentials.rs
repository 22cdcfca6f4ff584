//! The headers that an endpoint asks for beside the gateway's own, such as an API key. Their values come in clear, are
//! sealed by whoever asks, and are not shown again.

mod reserved;

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

use crate::Refusal;
use crate::directory::input::{Field, Input, refuse};
use crate::protocol::settings::{Endpoint, SealedHeader};
use crate::text::json::Object;
use vtryon_webhooks::Code;
use vtryon_webhooks::endpoint::is_same_origin;

/// How many headers an endpoint may have, and how long they may be, in characters: each name, each value, and all of
/// them together. The gateway's own headers have to fit beside them into what servers usually accept, 8 KiB.
const MAX_HEADERS: usize = 10;
const MAX_NAME: usize = 64;
const MAX_VALUE: usize = 2048;
const MAX_TOTAL: usize = 4096;

/// How long a user name and a password may be, in characters.
const MAX_LOGIN: usize = 255;

/// The header that `auth` sets.
const AUTHORIZATION: &str = "authorization";

/// A header as an administrator has sent it.
pub struct NewHeader {
    pub name: String,
    pub value: Zeroizing<String>,
    auth: Option<&'static str>,
}

impl NewHeader {
    /// Returns the header as it is stored; `sealed` is what the encryption of its value has made.
    pub fn sealed(&self, sealed: String) -> SealedHeader {
        SealedHeader { name: self.name.clone(), auth: self.auth.map(str::to_owned), sealed }
    }
}

/// Reads the headers that a body sets, by `headers` and by `auth`. Its other fields are checked where they are set.
pub fn read(body: &str) -> Result<Vec<NewHeader>, Refusal> {
    let input = Input::parse_any(body)?;
    let mut headers = match input.get("headers") {
        Some(field) => read_headers(&field)?,
        None => Vec::new(),
    };
    if let Some(field) = input.get("auth") {
        headers.extend(read_auth(&field)?);
    }
    check_authorization(headers.iter().map(|header| &*header.name))?;
    Ok(headers)
}

/// Adds headers to those that a change has left. They go nowhere but to the origin that they were set for.
pub(crate) fn replace(
    endpoint: &mut Endpoint,
    former_url: &str,
    headers: Vec<SealedHeader>,
) -> Result<(), Refusal> {
    if !endpoint.headers.is_empty() && !is_same_origin(former_url, &endpoint.options.url) {
        let message = "`url` has another origin, and `headers` and `auth` were not set for it: send both again, or \
                       null for what it does not need";
        return Err(Refusal::new(Code::Conflict, message));
    }
    endpoint.headers.extend(headers);
    check_authorization(endpoint.headers.iter().map(|header| &*header.name))
}

/// Refuses two headers `authorization`.
fn check_authorization<'a>(mut names: impl Iterator<Item = &'a str>) -> Result<(), Refusal> {
    let mut is_there = || names.any(|name| name.eq_ignore_ascii_case(AUTHORIZATION));
    if is_there() && is_there() {
        return Err(refuse("`headers` has authorization, which `auth` sets: use one of them"));
    }
    Ok(())
}

fn read_headers(field: &Field<'_>) -> Result<Vec<NewHeader>, Refusal> {
    let Some(object) = field.object()? else { return Ok(Vec::new()) };
    let mut headers: Vec<NewHeader> = Vec::new();
    for name in object.names() {
        reserved::check(name, MAX_NAME)?;
        if headers.iter().any(|header| header.name.eq_ignore_ascii_case(name)) {
            return Err(refuse(format!("`headers` has {name} twice: case makes no difference")));
        }
        let value = object.text(name).map(Zeroizing::new);
        let value = value.filter(|value| is_value(value)).ok_or_else(|| {
            refuse(format!(
                "`headers` has a value of {name} that is not 1 to {MAX_VALUE} characters of printable ASCII, \
                 without blanks at its ends"
            ))
        })?;
        headers.push(NewHeader { name: name.to_owned(), value, auth: None });
    }
    if headers.len() > MAX_HEADERS {
        return Err(refuse(format!("`headers` has more than {MAX_HEADERS} headers")));
    }
    if headers.iter().map(|header| header.name.len() + header.value.len()).sum::<usize>() > MAX_TOTAL {
        return Err(refuse(format!(
            "`headers` has more than {MAX_TOTAL} characters, names and values together"
        )));
    }
    Ok(headers)
}

/// Reads the header `authorization` that `auth` describes; `None` for null.
fn read_auth(field: &Field<'_>) -> Result<Option<NewHeader>, Refusal> {
    let Some(object) = field.object()? else { return Ok(None) };
    let (auth, value) = match object.text("type").as_deref() {
        Some("basic") => {
            check_names(&object, &["type", "username", "password"])?;
            let (username, password) = (login(&object, "username")?, login(&object, "password")?);
            if username.contains(':') {
                return Err(refuse("`auth.username` has a colon, which ends it in the header (RFC 7617, 2)"));
            }
            let pair = Zeroizing::new(format!("{}:{}", *username, *password));
            let digits = Zeroizing::new(Base64::encode_string(pair.as_bytes()));
            ("basic", Zeroizing::new(format!("Basic {}", *digits)))
        }
        Some("bearer") => {
            check_names(&object, &["type", "token"])?;
            let token = object.text("token").map(Zeroizing::new);
            let token = token.filter(|token| is_value(token) && !token.contains(' ')).ok_or_else(|| {
                refuse(format!(
                    "`auth.token` is not 1 to {MAX_VALUE} characters of printable ASCII without blanks"
                ))
            })?;
            ("bearer", Zeroizing::new(format!("Bearer {}", *token)))
        }
        Some(_) | None => return Err(refuse("`auth.type` is not one of basic, bearer")),
    };
    Ok(Some(NewHeader { name: AUTHORIZATION.to_owned(), value, auth: Some(auth) }))
}

fn login(auth: &Object<'_>, name: &str) -> Result<Zeroizing<String>, Refusal> {
    let text = auth.text(name).map(Zeroizing::new);
    let is_login = |text: &Zeroizing<String>| text.len() <= MAX_LOGIN && text.bytes().all(is_printable);
    text.filter(is_login).ok_or_else(|| {
        refuse(format!("`auth.{name}` is not a text of at most {MAX_LOGIN} characters of printable ASCII"))
    })
}

fn check_names(auth: &Object<'_>, names: &[&str]) -> Result<(), Refusal> {
    if auth.names().all(|name| names.contains(&name)) {
        return Ok(());
    }
    Err(refuse(format!("`auth` has a field that is none of {}", names.join(", "))))
}

/// Returns whether a text may be the value of a header (RFC 9110, 5.5), of which a receiver drops no part.
fn is_value(text: &str) -> bool {
    (1..=MAX_VALUE).contains(&text.len()) && text.bytes().all(is_printable) && text.trim_matches(' ') == text
}

const fn is_printable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}
