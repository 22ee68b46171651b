//! Datasets: the service's filters, and the map from what is listed to metadata and files.

mod details;
mod files;

use std::borrow::Cow;

use crawl_core::Record;
use serde_json::{Map, Value};

pub use self::details::{Details, Select, version};
use crate::{Method, Part};

/// The listing of datasets.
pub static DATASETS: Part = Part {
    name: "stages/datasets",
    method: Method::ListDatasets,
    rows: "datasets",
    page_size: 100,
    numbered: true,
    wall: Some(10_000),
    key: reference,
};

/// Which datasets to list.
#[derive(Clone, Debug, Default)]
pub struct Filters {
    /// Only with this text.
    pub search: Option<String>,
    /// Only with this tag.
    pub tag: Option<String>,
    /// Only of this owner.
    pub user: Option<String>,
    /// Only under such a licence: `cc`, `gpl`, `odb`, `other`.
    pub license: Option<String>,
    /// `published` (the default: the key of an item does not move), `votes`, `updated`, `hottest`, ...
    pub sort_by: Option<String>,
}

impl Filters {
    /// As arguments of [`DATASETS`].
    pub fn arguments(&self) -> Map<String, Value> {
        let sort_by = word("DATASET_SORT_BY", self.sort_by.as_deref().unwrap_or("published"));
        let license = self.license.as_ref().map(|license| word("DATASET_LICENSE_GROUP", license));
        let given = [
            ("sortBy", Some(sort_by)),
            ("license", license),
            ("search", self.search.clone()),
            ("tagIds", self.tag.clone()),
            ("user", self.user.clone()),
        ];
        crate::arguments(given)
    }
}

/// An enumerated value as the service spells it.
pub(crate) fn word(group: &str, text: &str) -> String {
    format!("{group}_{}", text.to_uppercase().replace('-', "_"))
}

/// `owner/slug` of a row that has it as `ref`.
pub(crate) fn reference(record: &Record) -> Option<Cow<'_, str>> {
    record.raw().get("ref").and_then(|name| name.str())
}
