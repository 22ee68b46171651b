//! The columns of models: a list of them and one function that fills a row, so that names and values cannot part.

use std::borrow::Cow;
use std::fmt::Write;

use crawl_core::json::Raw;
use crawl_core::record::Field;
use crawl_core::table::{Column, Type, Value};

use crate::Facts;

mod catalogue;
mod legacy;

pub use catalogue::CATALOGUE;
pub use legacy::LEGACY;

/// Where the values of a column come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// What the Hub or a file says.
    Real,
    /// Computed from that, by the formula that the column tells.
    Derived,
    /// Always null: nothing that could be there is known.
    Null,
}

impl Origin {
    /// The word in tables.
    pub fn word(self) -> &'static str {
        match self {
            Origin::Real => "real",
            Origin::Derived => "derived",
            Origin::Null => "null",
        }
    }
}

/// A column, what it means, and how it is filled.
pub struct Described {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: Type,
    /// Where its values come from.
    pub origin: Origin,
    /// What they are: a formula where they are derived.
    pub meaning: &'static str,
    /// The fields that they are read from.
    pub source: &'static str,
    value: for<'f, 'a> fn(&'f Facts<'a>) -> Value<'a>,
}

impl Described {
    /// The column as tables have it.
    pub fn column(&self) -> Column {
        Column::new(self.name, self.kind)
    }
}

/// One value for each of the columns, in their order.
pub fn row<'a>(columns: &[Described], facts: &Facts<'a>) -> Vec<Value<'a>> {
    columns.iter().map(|column| (column.value)(facts)).collect()
}

/// A table of the columns in Markdown, as it stands in `docs/models.md`.
pub fn markdown(columns: &[Described]) -> String {
    let mut table = String::from("| column | type | origin | meaning | source |\n|---|---|---|---|---|\n");
    for column in columns {
        let kind = match column.kind {
            Type::Int => "int",
            Type::Float => "float",
            Type::Bool => "bool",
            Type::Text => "text",
            Type::Texts => "texts",
            Type::Time => "time",
            Type::Json => "json",
        };
        let Described { name, origin, meaning, source, .. } = column;
        // Writing to a String cannot fail.
        let _ = writeln!(table, "| `{name}` | {kind} | {} | {meaning} | {source} |", origin.word());
    }
    table
}

/// A number; null if the table's type does not hold it.
fn int<'a>(number: Option<u64>) -> Value<'a> {
    number.and_then(|number| i64::try_from(number).ok()).map_or(Value::Null, Value::Int)
}

fn float<'a>(number: Option<f64>) -> Value<'a> {
    number.filter(|number| number.is_finite()).map_or(Value::Null, Value::Float)
}

fn boolean<'a>(yes: Option<bool>) -> Value<'a> {
    yes.map_or(Value::Null, Value::Bool)
}

fn text<'a>(text: Option<impl Into<Cow<'a, str>>>) -> Value<'a> {
    text.map_or(Value::Null, |text| Value::Text(text.into()))
}

/// A list; null if there is nothing in it.
fn texts<'a>(list: &[Cow<'a, str>]) -> Value<'a> {
    if list.is_empty() { Value::Null } else { Value::Texts(list.to_vec()) }
}

fn string<'a>(field: &Field<Raw<'a>>) -> Value<'a> {
    text(field.get().and_then(|raw| raw.str()))
}

fn number<'a>(field: &Field<u64>) -> Value<'a> {
    int(field.get().copied())
}

fn time<'a>(field: &Field<Raw<'a>>) -> Value<'a> {
    let read = || field.get()?.str()?.parse().ok();
    read().map_or(Value::Null, Value::Time)
}

/// `false`, `auto` or `manual`.
fn gated<'a>(facts: &Facts<'a>) -> Value<'a> {
    let raw = facts.model.gated.get();
    text(raw.and_then(|raw| if raw.bool() == Some(false) { Some("false".into()) } else { raw.str() }))
}

/// The owner: as the Hub says, else the part of the id before the slash.
fn author<'a>(facts: &Facts<'a>) -> Value<'a> {
    match (string(&facts.model.author), facts.model.id.get()) {
        (Value::Null, Some(id)) => text(id.split_once('/').map(|(owner, _)| owner.to_owned())),
        (author, _) => author,
    }
}

/// min(100, 5 ln(downloads + 1) + 0.01 likes).
fn popularity(facts: &Facts<'_>) -> Option<f64> {
    let (downloads, likes) = (*facts.model.downloads.get()?, *facts.model.likes.get()?);
    Some((5.0 * (downloads as f64 + 1.0).ln() + 0.01 * likes as f64).min(100.0))
}
