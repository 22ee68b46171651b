//! Pages: the records at one cursor, and the cursor after it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use url::Url;

use crate::{Error, Record};

/// A place in a listing, readable only by its source. The empty cursor is the beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(String);

impl Cursor {
    /// The cursor of that text.
    pub fn new(text: impl Into<String>) -> Self {
        Cursor(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The place alone: what stands behind a `#` is a note of the source and makes no other place of it.
    pub fn place(&self) -> &str {
        self.0.split('#').next().unwrap_or_default()
    }

    /// Whether it is the beginning.
    pub fn is_start(&self) -> bool {
        self.0.is_empty()
    }
}

/// Counts by reason, in the order of the reasons' names.
pub type Tally = BTreeMap<String, u64>;

/// A record that could not be had, and why. Part of its page: nothing is skipped silently.
#[derive(Debug, Serialize, Deserialize)]
pub struct Missing {
    /// The record's id, where it is known.
    pub id: Option<String>,
    /// The address that failed, without secrets.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub url: Option<String>,
    /// The word of the error's kind.
    pub kind: String,
    /// What went wrong.
    pub message: String,
    /// When.
    pub at: Timestamp,
    /// What the service gave instead of a record, word for word.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub raw: Option<Box<RawValue>>,
}

impl Missing {
    /// The record `id` that could not be had because of `error`.
    pub fn because(id: impl Into<Option<String>>, error: &Error, at: Timestamp) -> Self {
        let url = Some(error.place().to_owned()).filter(|place| place.starts_with("http"));
        let mut message = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(inner) = cause {
            message.push_str(": ");
            message.extend(inner.to_string().chars().take(2048));
            cause = inner.source();
        }
        Missing { id: id.into(), url, kind: error.kind().word().into(), message, at, raw: None }
    }
}

/// A file that a page names: fetched, verified and durable before the page is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileLine {
    /// Where it lies below the root, as it is spelled on the disk; `files::plain_name` gives the service's spelling.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// The SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// The service's own word for its version, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The service's spelling, where `path` had to be cut and does not tell it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl FileLine {
    /// The name as the service spells it.
    pub fn plain_name(&self) -> String {
        self.name.clone().unwrap_or_else(|| crate::files::plain_name(&self.path))
    }
}

/// 16 bytes that stand for a record's id, where a listing's order moves; see [`crate::Source::key`].
pub type Mark = [u8; 16];

/// The records found at one cursor, and the cursor after it. An empty page is not the end.
#[derive(Debug)]
pub struct Page {
    /// The records, in the order of the source.
    pub records: Vec<Record>,
    /// Records of this page that could not be had.
    pub missing: Vec<Missing>,
    /// How many records a mapping left out on purpose, by reason.
    pub dropped: Tally,
    /// The files that its records name, all of them durable.
    pub files: Vec<FileLine>,
    /// The cursor of the next page; `None` if this is the last.
    pub next: Option<Cursor>,
    /// When it was fetched.
    pub fetched_at: Timestamp,
    /// The address it came from.
    pub url: Option<Url>,
    /// The marks of its records, where the order moves; the pump sets them.
    pub marks: Vec<Mark>,
    /// Why this page may not be all that the service has here, if there is a reason: kept in the manifest, so that
    /// nobody builds on a listing that may have holes.
    pub doubt: Option<String>,
}

impl Page {
    /// A page of records, fetched now, with nothing missing and nothing dropped.
    pub fn new(records: Vec<Record>, next: Option<Cursor>) -> Self {
        Page {
            records,
            missing: Vec::new(),
            dropped: Tally::new(),
            files: Vec::new(),
            next,
            fetched_at: Timestamp::now(),
            url: None,
            marks: Vec::new(),
            doubt: None,
        }
    }

    /// How many rows came in: `records + missing + dropped`.
    pub fn listed(&self) -> u64 {
        (self.records.len() + self.missing.len()) as u64 + self.dropped.values().sum::<u64>()
    }

    /// Counts a row that is left out on purpose.
    pub fn drop_row(&mut self, reason: &str) {
        match self.dropped.get_mut(reason) {
            Some(count) => *count += 1,
            None => drop(self.dropped.insert(reason.to_owned(), 1)),
        }
    }

    /// Cuts it to `most` listed rows: first what was dropped goes, then what is missing, then the last records.
    pub(crate) fn cut(&mut self, most: u64) {
        let mut over = self.listed().saturating_sub(most);
        for count in self.dropped.values_mut() {
            let less = over.min(*count);
            (*count, over) = (*count - less, over - less);
        }
        self.dropped.retain(|_, count| *count > 0);
        let mut shorten = |length: usize| {
            let less = usize::try_from(over).unwrap_or(usize::MAX).min(length);
            over -= less as u64;
            length - less
        };
        self.missing.truncate(shorten(self.missing.len()));
        self.records.truncate(shorten(self.records.len()));
    }
}
