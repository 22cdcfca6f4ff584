//! The vectors of `tests/vectors`, as seeds.

use serde_json::Value;

/// Returns the vectors of a file.
pub(crate) fn vectors(file: &str) -> Vec<Value> {
    serde_json::from_str(file).unwrap()
}

/// Returns the bytes that a vector has at a place: a text, or `text`, `hex`, or `parts` that are repeated.
pub(crate) fn bytes(value: &Value) -> Vec<u8> {
    if let Some(text) = value.as_str().or(value["text"].as_str()) {
        return text.into();
    }
    if let Some(digits) = value["hex"].as_str() {
        return hex::decode(digits).unwrap();
    }
    let parts = value["parts"].as_array().into_iter().flatten();
    parts
        .flat_map(|part| part[0].as_str().unwrap().repeat(part[1].as_u64().unwrap() as usize).into_bytes())
        .collect()
}

/// Returns the bytes that each vector of a file has under a name, where it has any.
pub(crate) fn column(file: &str, name: &str) -> Vec<Vec<u8>> {
    vectors(file).iter().map(|vector| &vector[name]).filter(|value| !value.is_null()).map(bytes).collect()
}
