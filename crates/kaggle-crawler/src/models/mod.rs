//! Models: the service's filters, and the map from what is listed to cards, variations and files.

mod details;
mod files;
mod framework;
mod variation;

use serde_json::{Map, Value};

pub use self::details::{Details, Select, Versions, version};
pub use self::framework::handle;
use crate::datasets::{reference, word};
use crate::{Method, Part};

/// The listing of models. Kaggle gives it by token only; its answers tell how many there are (`totalResults`).
pub static MODELS: Part = Part {
    name: "stages/models",
    method: Method::ListModels,
    rows: "models",
    page_size: 100,
    numbered: false,
    wall: None,
    key: reference,
};

/// Which models to list.
#[derive(Clone, Debug, Default)]
pub struct Filters {
    /// Only with this text.
    pub search: Option<String>,
    /// Only of this owner.
    pub owner: Option<String>,
    /// `create-time` (the default: the key of an item does not move), `vote-count`, `hotness`, ...
    pub sort_by: Option<String>,
}

impl Filters {
    /// As arguments of [`MODELS`].
    pub fn arguments(&self) -> Map<String, Value> {
        let sort_by = word("LIST_MODELS_ORDER_BY", self.sort_by.as_deref().unwrap_or("create-time"));
        let given =
            [("sortBy", Some(sort_by)), ("search", self.search.clone()), ("owner", self.owner.clone())];
        crate::arguments(given)
    }
}
