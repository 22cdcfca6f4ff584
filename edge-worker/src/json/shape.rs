//! How our types look in JSON, said in a line: an object of their fields, or for an enum what serde calls an
//! externally tagged value. serde derives the same, in four times as much code.

/// An object: members are called as their fields, but for `field as "member"`. One that is marked with `?` is left out
/// while it is empty. With `write` in front it is never read.
macro_rules! object {
    (write $type:ty { $($members:tt)* }) => {
        impl $crate::json::Write for $type {
            fn write(&self, to: &mut String) {
                let mut members = $crate::json::Members::open(to);
                $crate::json::object!(@put self members $($members)*);
                members.close();
            }
        }
    };
    (read $type:ident { $($member:ident $(?)?),* $(,)? }) => {
        impl $crate::json::Read for $type {
            fn read(value: &str) -> Option<Self> {
                let object = $crate::json::Object::of(value)?;
                Some(Self { $($member: object.member(stringify!($member))?),* })
            }
        }
    };
    (@put $self:ident $to:ident) => {};
    (@put $self:ident $to:ident $member:ident as $name:literal $(, $($rest:tt)*)?) => {
        $to.put($name, &$self.$member);
        $crate::json::object!(@put $self $to $($($rest)*)?);
    };
    (@put $self:ident $to:ident $member:ident ? $(, $($rest:tt)*)?) => {
        $to.put_unless_empty(stringify!($member), &$self.$member);
        $crate::json::object!(@put $self $to $($($rest)*)?);
    };
    (@put $self:ident $to:ident $member:ident $(, $($rest:tt)*)?) => {
        $to.put(stringify!($member), &$self.$member);
        $crate::json::object!(@put $self $to $($($rest)*)?);
    };
    ($type:ident { $($members:tt)* }) => {
        $crate::json::object!(write $type { $($members)* });
        $crate::json::object!(read $type { $($members)* });
    };
}

/// One of several: a name alone, or an object with one member of this name that has what the variant holds.
macro_rules! one_of {
    ($type:ident { $($name:literal => $variant:ident $(($inner:ident))? $({ $($member:ident),* })?,)* }) => {
        impl $crate::json::Write for $type {
            fn write(&self, to: &mut String) {
                match self {
                    $(Self::$variant $(($inner))? $({ $($member),* })? => {
                        $crate::json::one_of!(@write to $name $(($inner))? $({ $($member),* })?);
                    })*
                }
            }
        }
        impl $crate::json::Read for $type {
            fn read(value: &str) -> Option<Self> {
                let (name, held) = $crate::json::variant(value)?;
                match &*name {
                    $($name => $crate::json::one_of!(@read held $variant $(($inner))? $({ $($member),* })?),)*
                    _ => None,
                }
            }
        }
    };
    (@write $to:ident $name:literal) => {
        $crate::json::Write::write($name, $to)
    };
    (@write $to:ident $name:literal ($inner:ident)) => {
        $crate::json::Write::write(&$crate::json::Fields(&[($name, $inner)]), $to)
    };
    (@write $to:ident $name:literal { $($member:ident),* }) => {{
        let held = $crate::json::Fields(&[$((stringify!($member), $member)),*]);
        $crate::json::Write::write(&$crate::json::Fields(&[($name, &held)]), $to);
    }};
    (@read $held:ident $variant:ident) => {
        Some(Self::$variant)
    };
    (@read $held:ident $variant:ident ($inner:ident)) => {
        $crate::json::Read::read($held).map(Self::$variant)
    };
    (@read $held:ident $variant:ident { $($member:ident),* }) => {{
        let object = $crate::json::Object::of($held)?;
        Some(Self::$variant { $($member: object.member(stringify!($member))?),* })
    }};
}

pub(crate) use {object, one_of};
