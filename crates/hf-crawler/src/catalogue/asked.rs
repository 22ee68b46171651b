//! Which fields a run asked for: what a row lacks means nothing, unless it was asked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use crawl_core::http::Url;
use crawl_core::{Manifest, Settings};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::listing::{Fields, Repos};

/// A set of fields that was asked for at once. Its name is short and the same everywhere: 8 hex digits of its fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) name: Arc<str>,
    /// Sorted.
    fields: Vec<String>,
}

/// All sets that rows of a catalogue speak of, by name.
pub(super) type Sets = BTreeMap<Arc<str>, Arc<Asked>>;

impl Asked {
    pub(super) fn new(fields: impl IntoIterator<Item = String>) -> Self {
        let mut fields: Vec<_> = fields.into_iter().collect();
        fields.sort_unstable();
        fields.dedup();
        let digest = Sha256::digest(fields.join("\n"));
        Asked { name: HEXLOWER.encode(&digest[..4]).into(), fields }
    }

    /// What a listing of the Hub asked for. The address of its first page tells it; settings only name a set, whose
    /// meaning may be another in another version.
    pub(super) fn of_listing(repos: Repos, settings: &Settings, first: &Manifest) -> Self {
        let url = first.url.as_deref().and_then(|url| Url::parse(url).ok());
        let pairs = url.iter().flat_map(Url::query_pairs);
        let mut fields: Vec<String> =
            pairs.filter(|(name, _)| name == "expand").map(|(_, value)| value.into_owned()).collect();
        if fields.is_empty() {
            fields = match settings.get("expand") {
                Some(expand) => expand.split(',').map(str::to_owned).collect(),
                None if settings.get("fields") == Some("light") => Fields::Light.names(repos),
                None => Fields::Heavy.names(repos),
            };
        }
        // These come whatever is asked for.
        Asked::new(fields.into_iter().chain(["_id".to_owned(), "id".to_owned()]))
    }

    pub(super) fn has(&self, field: &str) -> bool {
        self.fields.binary_search_by(|own| own.as_str().cmp(field)).is_ok()
    }

    /// Whether it has all of another.
    pub(super) fn covers(&self, other: &Asked) -> bool {
        other.fields.iter().all(|field| self.has(field))
    }

    pub(super) fn fields(&self) -> &[String] {
        &self.fields
    }
}
