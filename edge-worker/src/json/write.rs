//! Values written as JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use vtryon_webhooks::Millis;

use super::Raw;

/// What can be written as a value.
pub(crate) trait Write {
    fn write(&self, to: &mut String);

    /// Returns whether a member of this value can be left out.
    fn is_empty(&self) -> bool {
        false
    }
}

/// Writes a value.
pub(crate) fn to_string(value: &dyn Write) -> String {
    let mut text = String::new();
    value.write(&mut text);
    text
}

/// An object that is being written.
pub(crate) struct Members<'a>(pub(crate) &'a mut String);

impl<'a> Members<'a> {
    pub(crate) fn open(to: &'a mut String) -> Self {
        to.push('{');
        Self(to)
    }

    pub(crate) fn put(&mut self, name: &str, value: &dyn Write) {
        if !self.0.ends_with('{') {
            self.0.push(',');
        }
        name.write(self.0);
        self.0.push(':');
        value.write(self.0);
    }

    pub(crate) fn put_unless_empty(&mut self, name: &str, value: &dyn Write) {
        if !value.is_empty() {
            self.put(name, value);
        }
    }

    pub(crate) fn close(self) {
        self.0.push('}');
    }
}

/// The members of an object, each with its name.
pub(crate) struct Fields<'a>(pub(crate) &'a [(&'a str, &'a dyn Write)]);

impl Write for Fields<'_> {
    fn write(&self, to: &mut String) {
        let mut members = Members::open(to);
        for (name, value) in self.0 {
            members.put(name, *value);
        }
        members.close();
    }
}

/// Writes an array.
fn list<'a>(values: impl Iterator<Item = &'a dyn Write>, to: &mut String) {
    to.push('[');
    for (place, value) in values.enumerate() {
        if place > 0 {
            to.push(',');
        }
        value.write(to);
    }
    to.push(']');
}

macro_rules! write_numbers {
    ($($number:ty)*) => {
        $(impl Write for $number {
            fn write(&self, to: &mut String) {
                // Nothing fails that is written to a string.
                let _ = write!(to, "{self}");
            }
        })*
    };
}
write_numbers!(i64 u64 u32 u16 usize);

impl Write for Millis {
    fn write(&self, to: &mut String) {
        self.0.write(to);
    }
}

impl Write for bool {
    fn write(&self, to: &mut String) {
        to.push_str(if *self { "true" } else { "false" });
    }

    fn is_empty(&self) -> bool {
        !self
    }
}

impl Write for str {
    fn write(&self, to: &mut String) {
        let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
        if self.bytes().all(is_plain) {
            to.push('"');
            to.push_str(self);
            to.push('"');
        } else {
            to.push_str(&serde_json::to_string(self).unwrap_or_default());
        }
    }
}

impl Write for String {
    fn write(&self, to: &mut String) {
        self.as_str().write(to);
    }
}

impl Write for Raw {
    fn write(&self, to: &mut String) {
        to.push_str(&self.0);
    }
}

impl Write for () {
    fn write(&self, to: &mut String) {
        to.push_str("null");
    }
}

impl<T: Write + ?Sized> Write for &T {
    fn write(&self, to: &mut String) {
        (**self).write(to);
    }
}

impl<T: Write> Write for Option<T> {
    fn write(&self, to: &mut String) {
        match self {
            Some(value) => value.write(to),
            None => ().write(to),
        }
    }

    fn is_empty(&self) -> bool {
        self.is_none()
    }
}

impl<T: Write> Write for [T] {
    fn write(&self, to: &mut String) {
        list(self.iter().map(|value| value as &dyn Write), to);
    }
}

impl<T: Write> Write for Vec<T> {
    fn write(&self, to: &mut String) {
        self.as_slice().write(to);
    }
}

impl<T: Write> Write for BTreeMap<String, T> {
    fn write(&self, to: &mut String) {
        let mut members = Members::open(to);
        for (name, value) in self {
            members.put(name, value);
        }
        members.close();
    }
}

impl<A: Write, B: Write> Write for (A, B) {
    fn write(&self, to: &mut String) {
        let (a, b) = self;
        list([a as &dyn Write, b].into_iter(), to);
    }
}

impl<A: Write, B: Write, C: Write> Write for (A, B, C) {
    fn write(&self, to: &mut String) {
        let (a, b, c) = self;
        list([a as &dyn Write, b, c].into_iter(), to);
    }
}
