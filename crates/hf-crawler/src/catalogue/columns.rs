//! The columns of a catalogue: facts that are typed, and what the fold itself keeps.

use std::borrow::Cow;

use crawl_core::json::Raw;
use crawl_core::table::{Column, Type, Value};
use crawl_core::{Record, Timestamp};
use model_facts::{CATALOGUE, Facts};

use crate::Repos;

/// What the fold keeps, behind the facts.
const OWN: [(&str, Type); 5] = [
    ("first_seen", Type::Time),
    ("last_seen", Type::Time),
    ("gone_at", Type::Time),
    ("fields_at", Type::Json),
    ("raw", Type::Json),
];

/// Facts of datasets: the column, the member of the row, and the type. `_id` comes first, as in models.
const DATASETS: [(&str, &str, Type); 16] = [
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
    ("description", "description", Type::Text),
    ("tags", "tags", Type::Texts),
];

/// All columns of a catalogue.
pub(super) fn columns(repos: Repos) -> Vec<Column> {
    let mut columns: Vec<_> = match repos {
        Repos::Models => CATALOGUE.iter().map(model_facts::Described::column).collect(),
        Repos::Datasets => DATASETS.iter().map(|(name, _, kind)| Column::new(*name, *kind)).collect(),
    };
    columns.extend(OWN.iter().map(|(name, kind)| Column::new(*name, *kind)));
    columns
}

/// The facts of a row, in the order of [`columns`]. What a row does not have, or has in another form, is null.
pub(super) fn facts(repos: Repos, record: &Record, fetched_at: Option<Timestamp>) -> Vec<Value<'_>> {
    if repos == Repos::Models {
        let facts = Facts { fetched_at, ..Facts::of(record) };
        return model_facts::row(CATALOGUE, &facts);
    }
    let mut values = vec![Value::Null; DATASETS.len()];
    for (key, raw) in record.raw().members().into_iter().flatten() {
        if let Some(place) = DATASETS.iter().position(|(_, member, _)| key.is(member)) {
            values[place] = value(raw, DATASETS[place].2).unwrap_or_default();
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
