//! Ids: what a record is called, in its listing and to the model.

use crawl_core::json::Raw;

/// The record's id: a text, or a number as it is written.
pub fn id_of(record: Raw<'_>, field: &str) -> Option<String> {
    let value = record.get(field)?;
    match value.str() {
        Some(text) => Some(text.into_owned()).filter(|text| !text.is_empty()),
        None => value.f64().map(|_| value.text().to_owned()),
    }
}

/// The id as the model sees it: the name without its owner, for mirrors of one card are one question.
pub fn shown_id(id: &str) -> &str {
    match id.rsplit_once('/') {
        Some((_, name)) if !name.is_empty() => name,
        _ => id,
    }
}
