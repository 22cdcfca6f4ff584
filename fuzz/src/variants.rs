//! The names of an enum's variants, as its own `Deserialize` hands them to serde.

use std::fmt::{self, Display, Formatter};

use serde::de::{DeserializeOwned, Deserializer, Error, Visitor};
use serde::forward_to_deserialize_any;

/// Returns the names that the variants of an enum have in JSON.
pub(crate) fn variants<T: DeserializeOwned>() -> &'static [&'static str] {
    T::deserialize(Asking).err().and_then(|Answer(names)| names).expect("an enum")
}

/// A deserializer without data: it answers with what it is asked for.
struct Asking;

#[derive(Debug)]
struct Answer(Option<&'static [&'static str]>);

impl<'de> Deserializer<'de> for Asking {
    type Error = Answer;

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Answer> {
        Err(Answer(Some(variants)))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Answer> {
        Err(Answer(None))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

impl Error for Answer {
    fn custom<T: Display>(_: T) -> Self {
        Self(None)
    }
}

impl Display for Answer {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("there is no data")
    }
}

impl std::error::Error for Answer {}
