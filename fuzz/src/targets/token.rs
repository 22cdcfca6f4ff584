//! Tokens: as strangers send them, and as the gateway makes them.

use vtryon_gateway_engine::credentials::token::{NewToken, TokenForm};
use vtryon_gateway_engine::keys::MasterKey;

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let token = issued([7; 40]);
    vec![token.text.as_bytes().to_vec(), format!("vtg_{}", "0".repeat(96)).into_bytes(), vec![9; 40]]
}

pub(crate) fn check(input: &[u8]) {
    if let Ok(text) = std::str::from_utf8(input) {
        // Nobody can make one, so it is that of the seeds.
        if let Some(read) = form().parse(text) {
            let token = issued([7; 40]);
            assert_eq!((text, read.id, read.digest), (token.text.as_str(), token.id, token.digest));
        }
    }
    if let Some(random) = input.first_chunk::<40>() {
        made(&issued(*random));
    }
}

/// What is made is recognised, and with any character altered it is not.
fn made(token: &NewToken) {
    let read = form().parse(&token.text).map(|read| (read.id, read.digest));
    assert_eq!(read, Some((token.id.clone(), token.digest)));
    for at in 0..token.text.len() {
        let mut altered = token.text.to_string();
        let other = if altered.as_bytes().get(at) == Some(&b'0') { "1" } else { "0" };
        altered.replace_range(at..=at, other);
        assert!(form().parse(&altered).is_none(), "altered at {at}");
    }
}

fn issued(random: [u8; 40]) -> NewToken {
    let (id, secret) = random.split_first_chunk::<8>().unwrap();
    form().issue(*id, secret.first_chunk().unwrap())
}

fn form() -> TokenForm {
    TokenForm::new(&MasterKey::parse(&"0f".repeat(32)).unwrap())
}
