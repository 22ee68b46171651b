//! Kernels, which are notebooks and scripts: the service's filters, and the map from what is listed to sources, logs,
//! imports and outputs.

mod answers;
mod courses;
mod details;
mod outputs;
mod source;

use serde_json::{Map, Value};

pub use self::courses::{Course, course, courses};
pub use self::details::{Details, Select, version};
use crate::datasets::reference;
use crate::{Method, Part, Slices};

/// The listing of kernels.
pub static KERNELS: Part = Part {
    name: "stages/kernels",
    method: Method::ListKernels,
    rows: "kernels",
    page_size: 100,
    numbered: true,
    wall: Some(1_000),
    key: reference,
};

/// The languages by which Kaggle filters.
pub const LANGUAGES: [&str; 4] = ["python", "r", "sqlite", "julia"];
/// The types by which Kaggle filters.
pub const TYPES: [&str; 2] = ["notebook", "script"];
/// The orders of Kaggle's listing. Each shows other kernels of a query that runs into the wall.
pub const ORDERS: [&str; 9] = [
    "date-created",
    "vote-count",
    "score-ascending",
    "date-run",
    "view-count",
    "comment-count",
    "score-descending",
    "hotness",
    "relevance",
];

/// Which kernels to list.
#[derive(Clone, Debug, Default)]
pub struct Filters {
    /// Only with this text.
    pub search: Option<String>,
    /// Only of one of these users, one query each.
    pub users: Vec<String>,
    /// Only of one of these competitions, one query each.
    pub competitions: Vec<String>,
    /// Only of one of these datasets (`owner/slug`), one query each.
    pub datasets: Vec<String>,
    /// Only in this language: one of [`LANGUAGES`].
    pub language: Option<String>,
    /// Only of this type: one of [`TYPES`].
    pub kernel_type: Option<String>,
    /// One of [`ORDERS`]; by the date of creation if none is given: there an item does not move.
    pub sort_by: Option<String>,
}

impl Filters {
    /// What all queries of [`KERNELS`] share.
    pub fn arguments(&self) -> Map<String, Value> {
        let sort_by = self.sort_by.as_deref().unwrap_or(ORDERS[0]);
        let given = [
            ("group", Some("EVERYONE".to_owned())),
            ("sortBy", Some(order(sort_by))),
            ("search", self.search.clone()),
            ("language", self.language.clone()),
            ("kernelType", self.kernel_type.clone()),
        ];
        let mut arguments = crate::arguments(given);
        if let [only] = &self.scopes()[..] {
            arguments.extend(only.1.clone());
        }
        arguments
    }

    /// The queries into which the listing is cut: one for each user, competition and dataset where there are several;
    /// with `finely` each of them again by language and type, and all in several orders. A query that does not run into
    /// the wall makes those superfluous that are parts of it or the same in another order.
    pub fn slices(&self, finely: bool) -> Slices {
        let scopes = self.scopes();
        if !finely {
            return if scopes.len() < 2 { Slices::Whole } else { Slices::Each(scopes) };
        }
        // By relevance there is no order where nothing is searched.
        let orders = match &self.sort_by {
            Some(given) => vec![given.as_str()],
            None if self.search.is_some() => ORDERS.to_vec(),
            None => ORDERS[..ORDERS.len() - 1].to_vec(),
        };
        let mut each = Vec::new();
        for scope in &scopes {
            for kind in self.kinds() {
                for name in &orders {
                    let sort = (format!("by {name}"), crate::arguments([("sortBy", Some(order(name)))]));
                    each.push(joined(&[scope, &kind, &sort]));
                }
            }
        }
        Slices::Each(each)
    }

    /// Each pair of what is given: a kernel of a user in a competition.
    fn scopes(&self) -> Vec<(String, Map<String, Value>)> {
        let mut scopes = vec![(String::new(), Map::new())];
        for (name, values) in
            [("user", &self.users), ("competition", &self.competitions), ("dataset", &self.datasets)]
        {
            if values.is_empty() {
                continue;
            }
            let with = |scope: &(String, Map<String, Value>)| {
                let one = |value: &String| {
                    let argument =
                        (format!("{name} {value}"), crate::arguments([(name, Some(value.clone()))]));
                    joined(&[scope, &argument])
                };
                values.iter().map(one).collect::<Vec<_>>()
            };
            scopes = scopes.iter().flat_map(with).collect();
        }
        scopes
    }

    /// Everything, then each language, each followed by its types: what is of no language is in the first only.
    fn kinds(&self) -> Vec<(String, Map<String, Value>)> {
        let mut kinds = vec![(String::new(), Map::new())];
        let languages = match &self.language {
            Some(_) => vec![None],
            None => std::iter::once(None).chain(LANGUAGES.map(Some)).collect(),
        };
        for language in languages {
            let of_language = match language {
                Some(language) => {
                    (language.to_owned(), crate::arguments([("language", Some(language.to_owned()))]))
                }
                None => (String::new(), Map::new()),
            };
            if language.is_some() {
                kinds.push(of_language.clone());
            }
            if self.kernel_type.is_some() || (language.is_none() && self.language.is_none()) {
                continue;
            }
            for kind in TYPES {
                let of_type = (format!("{kind}s"), crate::arguments([("kernelType", Some(kind.to_owned()))]));
                kinds.push(joined(&[&of_language, &of_type]));
            }
        }
        kinds
    }
}

/// Several slices at once.
fn joined(parts: &[&(String, Map<String, Value>)]) -> (String, Map<String, Value>) {
    let names: Vec<_> = parts.iter().map(|part| part.0.as_str()).filter(|name| !name.is_empty()).collect();
    (names.join(" "), parts.iter().flat_map(|part| part.1.clone()).collect())
}

/// An order as the service spells it.
fn order(text: &str) -> String {
    text.to_uppercase().replace('-', "_")
}
