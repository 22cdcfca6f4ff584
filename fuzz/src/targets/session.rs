//! The session cookie: found in a header `cookie`, as strangers send it, and under a signature of ours.

use hmac::Mac;
use vtryon_gateway_engine::credentials::sessions::{Session, Sessions, find};
use vtryon_gateway_engine::keys::{MasterKey, derive, hmac_sha256};
use vtryon_webhooks::Millis;

const NOW: Millis = Millis(1_780_000_000_500);
const TOKEN: &[u8] = b"an admin token of the tests";

/// How long a session is good, in seconds.
const LENGTH: i64 = 43_200;

const NAME: &str = "__Host-vtryon_session";

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let opened = sessions().open(None, NOW);
    let value = find(&opened).unwrap().to_owned();
    let headers =
        [format!("a=b; {NAME}={value}; c=d"), format!("{NAME}=1; {NAME}=2"), format!(" {NAME} =1;;=;{NAME}")];
    let mut seeds: Vec<Vec<u8>> = headers.into_iter().map(String::into_bytes).collect();
    seeds.extend([
        opened.into_bytes(),
        value.into_bytes(),
        "1780043200.root".into(),
        "1780043200.tok_0a".into(),
        "-1.root".into(),
        "+1780043200.".into(),
    ]);
    seeds
}

pub(crate) fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let sessions = sessions();
    assert_eq!(find(text), expected(text));
    for value in [Some(text), find(text)].into_iter().flatten() {
        // Nobody can sign one, so it is that of the seeds, in either case of its digits.
        if let Some(Session { end, token_id }) = sessions.check(value, NOW) {
            let opened = sessions.open(None, NOW);
            assert!(find(&opened).unwrap().eq_ignore_ascii_case(value));
            assert_eq!(end, Millis(NOW.0.div_euclid(1000) * 1000).plus_seconds(LENGTH));
            assert_eq!(token_id, None);
        }
    }
    signed(&sessions, text);
}

fn master() -> MasterKey {
    MasterKey::parse(&"0f".repeat(32)).unwrap()
}

fn sessions() -> Sessions {
    Sessions::new(&master(), TOKEN)
}

/// The one value that a header has under the cookie's name.
fn expected(header: &str) -> Option<&str> {
    let named = |pair: &&str| pair.strip_prefix(NAME).is_some_and(|rest| rest.starts_with('='));
    let pairs: Vec<&str> = header.split(';').map(str::trim_ascii).filter(named).collect();
    match *pairs {
        [pair] => Some(&pair[NAME.len() + 1..]),
        _ => None,
    }
}

/// An end and an opener under a good signature are good if the end is one that a session could still have.
fn signed(sessions: &Sessions, claim: &str) {
    let key = derive(&master().derive("vtryon-webhooks session 1"), TOKEN);
    let mac = hmac_sha256(&key).chain_update(claim).finalize().into_bytes();
    let good = sessions.check(&format!("{claim}.{}", hex::encode(mac)), NOW);
    let now = NOW.0.div_euclid(1000);
    let expected = claim.split_once('.').filter(|_| claim.len() <= 64).and_then(|(end, opener)| {
        let end = end.parse::<i64>().ok().filter(|end| *end > now && *end <= now + LENGTH + 1)?;
        let token_id = Some(opener.to_owned()).filter(|opener| opener != "root");
        Some(Session { end: Millis(end * 1000), token_id })
    });
    assert_eq!(good, expected, "{claim}");
}
