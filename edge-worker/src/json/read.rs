//! Values read from JSON that we have written ourselves: what the Worker and its objects say to each other, and what
//! they have stored. What strangers send is read member by member.

use std::borrow::Cow;

use vtryon_webhooks::{Millis, json_string};

use super::{Object, Raw, judged, list, text};

/// Reads a value, with an error that tells nothing of it.
pub(crate) fn read<T: Read>(value: &str) -> worker::Result<T> {
    judged(value)
        .and_then(T::read)
        .ok_or_else(|| "what was written before can't be read: is a deployment under way?".into())
}

/// What can be read from a value, which is part of a text that has been judged.
pub(crate) trait Read: Sized {
    fn read(value: &str) -> Option<Self>;

    /// Stands for a member that is not there: whoever wrote it may not have known it yet.
    fn missing() -> Option<Self> {
        None
    }
}

impl Object<'_> {
    /// Reads a member; one that may be empty may be missing too.
    pub(crate) fn member<T: Read>(&self, name: &str) -> Option<T> {
        self.get(name).map_or_else(T::missing, T::read)
    }
}

/// Takes a value of an enum apart: the name of the variant, and what it holds. One that holds nothing is a name alone.
pub(crate) fn variant(value: &str) -> Option<(Cow<'_, str>, &str)> {
    if let Some(name) = json_string(value).ok()? {
        return Some((name, ""));
    }
    let [only] = Object::of(value)?.0.try_into().ok()?;
    Some(only)
}

macro_rules! read_numbers {
    ($($number:ty)*) => {
        $(impl Read for $number {
            fn read(value: &str) -> Option<Self> {
                value.parse().ok()
            }
        })*
    };
}
read_numbers!(i64 u64 u32 u16 usize);

impl Read for Millis {
    fn read(value: &str) -> Option<Self> {
        i64::read(value).map(Self)
    }
}

impl Read for bool {
    fn read(value: &str) -> Option<Self> {
        value.parse().ok()
    }

    fn missing() -> Option<Self> {
        Some(false)
    }
}

impl Read for String {
    fn read(value: &str) -> Option<Self> {
        text(value)
    }

    fn missing() -> Option<Self> {
        Some(Self::new())
    }
}

impl Read for Raw {
    fn read(value: &str) -> Option<Self> {
        Some(Self(value.to_owned()))
    }
}

impl<T: Read> Read for Option<T> {
    fn read(value: &str) -> Option<Self> {
        if value == "null" { Some(None) } else { T::read(value).map(Some) }
    }

    fn missing() -> Option<Self> {
        Some(None)
    }
}

impl<T: Read> Read for Vec<T> {
    fn read(value: &str) -> Option<Self> {
        let mut values = Self::new();
        for value in list(value)? {
            values.push(T::read(value)?);
        }
        Some(values)
    }

    fn missing() -> Option<Self> {
        Some(Self::new())
    }
}

impl<A: Read, B: Read> Read for (A, B) {
    fn read(value: &str) -> Option<Self> {
        match *list(value)? {
            [a, b] => Some((A::read(a)?, B::read(b)?)),
            _ => None,
        }
    }
}

impl<A: Read, B: Read, C: Read> Read for (A, B, C) {
    fn read(value: &str) -> Option<Self> {
        match *list(value)? {
            [a, b, c] => Some((A::read(a)?, B::read(b)?, C::read(c)?)),
            _ => None,
        }
    }
}
