//! Typed columns, as tables such as Parquet have them.

use std::borrow::Cow;

use jiff::Timestamp;

/// The type of a column. Each may also hold null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// A whole number of 64 bits, with a sign.
    Int,
    /// A double.
    Float,
    /// A truth value.
    Bool,
    /// A text.
    Text,
    /// A list of texts, none of them null.
    Texts,
    /// A point in time, in whole microseconds of UTC.
    Time,
    /// JSON of any form; each value is its text.
    Json,
}

/// One value of a column.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value<'a> {
    /// Unknown, or not there.
    #[default]
    Null,
    /// Of a [`Type::Int`].
    Int(i64),
    /// Of a [`Type::Float`].
    Float(f64),
    /// Of a [`Type::Bool`].
    Bool(bool),
    /// Of a [`Type::Text`] or a [`Type::Json`].
    Text(Cow<'a, str>),
    /// Of a [`Type::Texts`].
    Texts(Vec<Cow<'a, str>>),
    /// Of a [`Type::Time`].
    Time(Timestamp),
}

/// A column: its name, and what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// As readers of the table see it.
    pub name: Cow<'static, str>,
    /// What its values are.
    pub kind: Type,
}

impl Column {
    /// A column.
    pub fn new(name: impl Into<Cow<'static, str>>, kind: Type) -> Self {
        Column { name: name.into(), kind }
    }
}
