//! What an index keeps of a document to show it: all but the long text, of which the beginning.

use std::collections::BTreeMap;

use crawl_core::{Error, Kind as Why, Result};
use serde::{Deserialize, Serialize};

use crate::document::{Cell, Document, cut};

/// So much of the long text is kept to be shown.
const MOST_EXCERPT: usize = 400;

/// What is shown of a document.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    /// Where it is from.
    pub source: String,
    /// Its id there.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its owner, or empty.
    pub author: String,
    /// Its address, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The beginning of its long text.
    pub excerpt: String,
    /// Tags.
    pub tags: Vec<String>,
    /// What is known of it; what is unknown is not there.
    pub columns: BTreeMap<String, Cell>,
}

impl Shown {
    pub(crate) fn of(mut document: Document) -> Self {
        cut(&mut document.card, MOST_EXCERPT);
        let columns = document.columns.into_iter().map(|(name, (_, cell))| (name, cell)).collect();
        Shown {
            source: document.source,
            id: document.id,
            name: document.name,
            author: document.author,
            url: document.url,
            excerpt: document.card,
            tags: document.tags,
            columns,
        }
    }

    pub(crate) fn write(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self)
            .map_err(|cause| Error::new(Why::Storage, "cannot write down what is shown").because(cause))
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<Self> {
        serde_json::from_slice(bytes).map_err(|cause| {
            Error::new(Why::Storage, "what the index keeps to be shown is not readable")
                .because(cause)
                .advise("build the index anew in another folder")
        })
    }
}
