//! The header with Vtryon's signature, its values one to a line; and the verification of what stands in it as a body.

use vtryon_webhooks::{Code, Secret, Signature, Verifier};

use crate::vectors::vectors;

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let values = |vector: &serde_json::Value| {
        let values =
            vector["signatures"].as_array().unwrap().iter().map(|value| value.as_str().unwrap().as_bytes());
        values.collect::<Vec<_>>().join(&b'\n')
    };
    vectors(include_str!("../../../tests/vectors/signature.json")).iter().map(values).collect()
}

pub(crate) fn check(input: &[u8]) {
    let values: Vec<&[u8]> = input.split(|byte| *byte == b'\n').collect();
    let read = |result: Result<Signature, vtryon_webhooks::Error>| {
        result.map(|signature| signature.to_hex()).map_err(|error| error.code())
    };
    for value in &values {
        assert_eq!(read(Signature::parse(value)), expected(value));
    }
    let all = match *values {
        [value] => expected(value),
        _ => Err(Code::MultipleSignatures),
    };
    assert_eq!(read(Signature::from_values(values.iter().copied())), all);
    verify(input);
}

/// What a value is: lower-case digits of the 32 bytes, or why it is refused.
fn expected(value: &[u8]) -> Result<String, Code> {
    let text = std::str::from_utf8(value).unwrap_or("?");
    match text.len() {
        0 => Err(Code::MissingSignature),
        64 if text.chars().all(|digit| digit.is_ascii_hexdigit()) => Ok(text.to_lowercase()),
        _ if value.contains(&b',') => Err(Code::MultipleSignatures),
        _ => Err(Code::MalformedSignature),
    }
}

/// A body is verified by the signature that its secret makes of it, and by no other.
fn verify(body: &[u8]) {
    let secrets = || ["a secret of the tests", "another one"].map(|text| Secret::new(text).unwrap());
    let [first, second] = secrets();
    let verifier = Verifier::new(secrets()).unwrap();
    let signature = Signature::sign(&second.key(), body);
    let verified = verifier.verify(body, &signature).unwrap();
    assert_eq!((verified.payload(), verified.secret_index()), (body, 1));
    let mut other = [body, b"x"].concat();
    assert!(verifier.verify(&other, &signature).is_err());
    other.truncate(body.len());
    if let Some(last) = other.last_mut() {
        *last ^= 1;
        assert!(verifier.verify(&other, &signature).is_err());
    }
    assert!(Verifier::new([first]).unwrap().verify(body, &signature).is_err());
}
