//! Rows: what becomes of one record.

use crawl_core::json::Raw;
use crawl_core::{Error, Kind, Missing, Record, Result, Timestamp};
use serde_json::value::to_raw_value;

use crate::task::{Labels, quoted};

/// A record with its answer, or why it has none.
#[derive(Debug)]
pub(crate) enum Row {
    Kept(Record),
    Missing(Missing),
}

impl Row {
    /// A record without an answer; `said` is what the model gave instead.
    pub(crate) fn missing(
        id: Option<&str>,
        kind: &str,
        message: impl Into<String>,
        said: Option<&str>,
    ) -> Self {
        let raw = said
            .map(|said| said.chars().take(2000).collect::<String>())
            .and_then(|said| to_raw_value(&said).ok());
        let (id, message) = (id.map(str::to_owned), message.into());
        Row::Missing(Missing { id, url: None, kind: kind.into(), message, at: Timestamp::now(), raw })
    }
}

/// The record's own text, word for word, with the answer's members behind its own.
pub(crate) fn spliced(record: &Record, labels: &Labels, chosen: &[usize], reasoning: &str) -> Result<Record> {
    let odd = || Error::new(Kind::Shape, "a record that is not an object cannot take an answer");
    let own = record.bytes().trim_ascii_end().strip_suffix(b"}").ok_or_else(odd)?;
    let list = |show: &dyn Fn(usize) -> String| {
        chosen.iter().map(|place| show(*place)).collect::<Vec<_>>().join(",")
    };
    let names = list(&|place| quoted(&labels.labels[place].name));
    let ids = list(&|place| labels.labels[place].id.to_string());
    let output = &labels.output;
    let comma = if own.trim_ascii_end().ends_with(b"{") { "" } else { "," };
    let added = format!(
        "{comma}{}:[{names}],{}:[{ids}],{}:{}}}",
        quoted(&output.names),
        quoted(&output.ids),
        quoted(&output.reasoning),
        quoted(reasoning)
    );
    Record::parse([own, added.as_bytes()].concat())
}

/// The record's id: a text, or a number as it is written.
pub(crate) fn id_of(record: Raw<'_>, field: &str) -> Option<String> {
    let value = record.get(field)?;
    match value.str() {
        Some(text) => Some(text.into_owned()).filter(|text| !text.is_empty()),
        None => value.f64().map(|_| value.text().to_owned()),
    }
}
