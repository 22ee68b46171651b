//! The columns of a catalogue: facts that are typed, and what the fold itself keeps.

use std::borrow::Cow;

use crawl_core::json::Raw;
use crawl_core::table::{Column, Type, Value};
use crawl_core::{Record, Timestamp};

/// What the fold keeps, behind the facts.
pub(super) const OWN: [(&str, Type); 5] = [
    ("first_seen", Type::Time),
    ("last_seen", Type::Time),
    ("gone_at", Type::Time),
    ("fields_at", Type::Json),
    ("raw", Type::Json),
];

/// Facts: the column, the member of the row, and the type.
const FACTS: [(&str, &str, Type); 17] = [
    ("_id", "_id", Type::Text),
    ("id", "id", Type::Text),
    ("author", "author", Type::Text),
    ("sha", "sha", Type::Text),
    ("created_at", "createdAt", Type::Time),
    ("last_modified", "lastModified", Type::Time),
    ("private", "private", Type::Bool),
    ("gated", "gated", Type::Json),
    ("disabled", "disabled", Type::Bool),
    ("downloads", "downloads", Type::Int),
    ("downloads_all_time", "downloadsAllTime", Type::Int),
    ("likes", "likes", Type::Int),
    ("trending_score", "trendingScore", Type::Float),
    ("used_storage", "usedStorage", Type::Int),
    ("pipeline_tag", "pipeline_tag", Type::Text),
    ("library_name", "library_name", Type::Text),
    ("tags", "tags", Type::Texts),
];

/// All columns of a catalogue.
pub(super) fn columns() -> Vec<Column> {
    let facts = FACTS.iter().map(|(name, _, kind)| Column::new(*name, *kind));
    facts.chain(OWN.iter().map(|(name, kind)| Column::new(*name, *kind))).collect()
}

/// The facts of a row, in the order of [`columns`]. What a row does not have, or has in another form, is null.
pub(super) fn facts(record: &Record) -> Vec<Value<'_>> {
    let mut values = vec![Value::Null; FACTS.len()];
    for (key, raw) in record.raw().members().into_iter().flatten() {
        if let Some(place) = FACTS.iter().position(|(_, member, _)| key.is(member)) {
            values[place] = value(raw, FACTS[place].2).unwrap_or_default();
        }
    }
    values
}

fn value(raw: Raw<'_>, kind: Type) -> Option<Value<'_>> {
    Some(match kind {
        Type::Int => Value::Int(i64::try_from(raw.u64()?).ok()?),
        Type::Float => Value::Float(raw.f64().filter(|number| number.is_finite())?),
        Type::Bool => Value::Bool(raw.bool()?),
        Type::Text => Value::Text(raw.str()?),
        Type::Texts => Value::Texts(raw.elements()?.map(Raw::str).collect::<Option<_>>()?),
        Type::Time => Value::Time(raw.str()?.parse::<Timestamp>().ok()?),
        Type::Json => Value::Text(Cow::Borrowed(raw.text())),
    })
}
