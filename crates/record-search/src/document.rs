//! What is indexed of a record: texts, columns, and what is shown of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The most bytes of a key, an id, a name, an author or one value of a facet.
pub const MOST_NAME: usize = 1_000;
/// The most bytes that are indexed of a card.
pub const MOST_CARD: usize = 100_000;
/// The most values that one record may have in one facet, or tags.
pub const MOST_VALUES: usize = 1_000;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Texts out of a set, any number a record.
    Facet,
    /// A number.
    Number,
    /// A point in time, in seconds since 1970 (UTC).
    Time,
}

impl Kind {
    /// The word for it in files and messages.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Facet => "facet",
            Kind::Number => "number",
            Kind::Time => "time",
        }
    }
}

/// What a record has in a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// Of a [`Kind::Facet`].
    Texts(Vec<String>),
    /// Of a [`Kind::Number`] or a [`Kind::Time`].
    Number(f64),
}

/// A value, and whether the record told it or it was worked out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// The value.
    pub value: Value,
    /// Worked out of other fields: an estimate, not what was told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub derived: bool,
}

impl Cell {
    /// A value that the record told.
    pub fn told(value: Value) -> Self {
        Cell { value, derived: false }
    }

    /// Texts that the record told.
    pub fn texts<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Self {
        Cell::told(Value::Texts(texts.into_iter().map(Into::into).collect()))
    }

    /// A number that the record told.
    pub fn number(number: f64) -> Self {
        Cell::told(Value::Number(number))
    }
}

/// What is indexed of a record. Within one `source` an `id` is one document.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Document {
    /// Where it is from, such as `hf-models`; the facet `source`.
    pub source: String,
    /// Its id there, such as `org/name`.
    pub id: String,
    /// Its name, without its owner.
    pub name: String,
    /// Its owner, or empty.
    pub author: String,
    /// Tags and other short words.
    pub tags: Vec<String>,
    /// Its long text.
    pub card: String,
    /// Its address, for people.
    pub url: Option<String>,
    /// The columns that are known of it. What is unknown is not there.
    pub columns: BTreeMap<String, (Kind, Cell)>,
    /// The text that its vector is made of.
    pub meaning: String,
}

impl Document {
    /// What tells it from all others in an index.
    pub fn key(&self) -> String {
        format!("{}:{}", self.source, self.id)
    }

    /// Cuts what is longer than an index takes, and keeps each text of a facet once. Gives how many values were cut.
    pub fn bound(&mut self) -> u64 {
        let mut cuts = 0;
        for text in [&mut self.name, &mut self.author] {
            cuts += u64::from(cut(text, MOST_NAME));
        }
        cuts += u64::from(cut(&mut self.card, MOST_CARD));
        cuts += bound_list(&mut self.tags);
        for (_, cell) in self.columns.values_mut() {
            if let Value::Texts(texts) = &mut cell.value {
                cuts += bound_list(texts);
                texts.sort_unstable();
                texts.dedup();
            }
        }
        cuts
    }

    /// A hash of all that is indexed: equal documents need not be indexed again.
    pub fn content(&self) -> u64 {
        // Writing to memory cannot fail; were it to, the document would count as changed.
        let text = serde_json::to_vec(self).unwrap_or_default();
        u64::from_le_bytes(first(&Sha256::digest(&text)))
    }
}

/// 128 bits of a key: two keys of one index never share them.
pub(crate) fn key_hash(key: &str) -> u128 {
    u128::from_le_bytes(first(&Sha256::digest(key)))
}

fn first<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    for (out, byte) in out.iter_mut().zip(bytes) {
        *out = *byte;
    }
    out
}

fn bound_list(texts: &mut Vec<String>) -> u64 {
    let more = texts.len().saturating_sub(MOST_VALUES);
    texts.truncate(MOST_VALUES);
    more as u64 + texts.iter_mut().map(|text| u64::from(cut(text, MOST_NAME))).sum::<u64>()
}

/// Cuts a text at a character, at `most` bytes or before. Whether there was more.
pub(crate) fn cut(text: &mut String, most: usize) -> bool {
    let longer = text.len() > most;
    if longer {
        text.truncate(text.floor_char_boundary(most));
    }
    longer
}
