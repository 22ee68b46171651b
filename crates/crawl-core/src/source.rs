//! Sources: resumable listings.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Context, Cursor, Error, Kind, Page, Record, Result};

/// The name of a listing, such as `hf/datasets`: also the folder that its pages land in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(String);

impl SourceId {
    /// Takes one or more words of lower-case letters, digits, `-`, `_` and `.`, joined by `/`.
    ///
    /// # Errors
    /// [`Kind::Config`] for anything else: an id is a path, and must not leave its root.
    pub fn new(text: impl Into<String>) -> Result<Self> {
        let text = text.into();
        let word = |word: &str| {
            word.starts_with(|first: char| first.is_ascii_alphanumeric())
                && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b))
        };
        if text.split('/').all(word) {
            return Ok(SourceId(text));
        }
        Err(Error::new(Kind::Config, "not the name of a source (words of a-z, 0-9, - _ . joined by /)")
            .at(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of a listing beside this one, such as a share or a round of it.
    pub(crate) fn beside(&self, suffix: &str) -> SourceId {
        SourceId(format!("{}{suffix}", self.0))
    }
}

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a resume must agree with: the settings that decide which records a listing gives and how they look.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Settings(BTreeMap<String, String>);

impl Settings {
    /// Adds a setting; long values should come as a digest.
    pub fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.0.insert(name.to_owned(), value.to_string());
        self
    }

    /// Adds a setting if it has a value.
    pub fn with_some(self, name: &str, value: Option<impl fmt::Display>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// With all of `other` too.
    pub fn and(mut self, other: Settings) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The value of a setting.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The names of all that are set.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Without one of them.
    pub fn without(mut self, name: &str) -> Self {
        self.0.remove(name);
        self
    }

    /// One line for each setting that differs: name, value there, value here.
    pub fn changes(&self, other: &Settings) -> Vec<String> {
        let names: std::collections::BTreeSet<_> = self.0.keys().chain(other.0.keys()).collect();
        let show = |value: Option<&String>| value.map_or("not set".to_owned(), |value| format!("`{value}`"));
        names
            .into_iter()
            .filter(|name| self.0.get(*name) != other.0.get(*name))
            .map(|name| format!("{name}: was {}, is now {}", show(self.0.get(name)), show(other.0.get(name))))
            .collect()
    }
}

/// One resumable listing. Asking for a page changes nothing at the service: asking twice is harmless.
pub trait Source: Send + Sync {
    /// The name of the listing: also the folder of its pages.
    fn id(&self) -> &SourceId;

    /// What a resume must agree with.
    fn settings(&self) -> Settings;

    /// The cursor after `at` where it is known without asking: a mapping knows it, a listing does not.
    fn after(&self, at: &Cursor) -> Option<Cursor>;

    /// The page at a cursor; `None` if there is nothing yet.
    fn page(&self, at: &Cursor, context: &Context) -> impl Future<Output = Result<Option<Page>>> + Send;

    /// The id of a record, only where the order of the listing moves while it is walked (by downloads, by number):
    /// the pump then drops and counts a record whose id came before. Orders that stand still need none.
    fn key<'a>(&self, _record: &'a Record) -> Option<Cow<'a, str>> {
        None
    }
}
