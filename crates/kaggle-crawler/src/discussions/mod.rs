//! Discussions: the service's filters, and the map from listed topics to whole conversations.

mod about;
mod body;
mod details;
mod nameless;
mod pseudonyms;
mod thread;

use std::borrow::Cow;

use crawl_core::{Error, Kind, Record, Result};
use serde_json::{Map, Value};

pub(crate) use self::about::{address, thing};
pub use self::details::{Details, version};
pub use self::nameless::Nameless;
pub use self::pseudonyms::Pseudonyms;
pub(crate) use self::thread::{Body, Said, Thread, conversation};
use crate::datasets::word;
use crate::folder::parts;
use crate::{Method, Part};

const fn topics(method: Method) -> Part {
    let name = "stages/discussions";
    Part { name, method, rows: "topics", page_size: 200, numbered: false, wall: None, key }
}

/// The listing of topics.
pub static DISCUSSIONS: Part = topics(Method::ListTopics);
/// The listing of a dataset's topics.
pub static DATASET_TOPICS: Part = topics(Method::ListDatasetTopics);
/// The listing of a kernel's topics.
pub static KERNEL_TOPICS: Part = topics(Method::ListKernelTopics);
/// The listing of a model's topics.
pub static MODEL_TOPICS: Part = topics(Method::ListModelTopics);

/// Whose topics are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Of {
    /// Everybody's.
    #[default]
    Everything,
    /// Those of a dataset, `owner/slug`.
    Dataset(String),
    /// Those of a kernel, `owner/slug`.
    Kernel(String),
    /// Those of a model, `owner/slug`.
    Model(String),
}

/// Which topics to list.
#[derive(Clone, Debug, Default)]
pub struct Filters {
    /// Whose.
    pub of: Of,
    /// Only with this text.
    pub search: Option<String>,
    /// Only of this kind: `forums`, `competitions`, `competition-write-ups`, `datasets`, `models`, `benchmarks`.
    pub category: Option<String>,
    /// Only in this forum of the site, such as `getting-started`.
    pub forum: Option<String>,
    /// `new` (the default: the key of a topic does not move), `hot`, `top`, `recent`, `active`, `relevance`.
    pub sort_by: Option<String>,
}

impl Filters {
    /// The listing that they are filters of.
    pub fn part(&self) -> &'static Part {
        match self.of {
            Of::Everything => &DISCUSSIONS,
            Of::Dataset(_) => &DATASET_TOPICS,
            Of::Kernel(_) => &KERNEL_TOPICS,
            Of::Model(_) => &MODEL_TOPICS,
        }
    }

    /// As arguments of [`Filters::part`].
    ///
    /// # Errors
    /// [`Kind::Config`] for a ref that is none.
    pub fn arguments(&self) -> Result<Map<String, Value>> {
        let sort_by = word("TOPIC_LIST_SORT_BY", self.sort_by.as_deref().unwrap_or("new"));
        let category = self.category.as_ref().map(|category| word("TOPIC_LIST_CATEGORY", category));
        let mut arguments = crate::arguments([
            ("sortBy", Some(sort_by)),
            ("category", category),
            ("searchQuery", self.search.clone()),
            ("forumSlug", self.forum.clone()),
        ]);
        let (slug, reference) = match &self.of {
            Of::Everything => return Ok(arguments),
            Of::Dataset(reference) => ("datasetSlug", reference),
            Of::Kernel(reference) => ("kernelSlug", reference),
            Of::Model(reference) => ("modelSlug", reference),
        };
        let odd = || {
            Error::new(Kind::Config, "not the name of a dataset, kernel or model")
                .at(reference.clone())
                .advise("write it as owner/slug, the end of its address")
        };
        let (owner, name) = parts(reference).ok_or_else(odd)?;
        arguments.insert("ownerSlug".into(), owner.into());
        arguments.insert(slug.into(), name.into());
        Ok(arguments)
    }
}

/// The number of a topic, of a row that was listed or named.
pub(crate) fn number(record: &Record) -> Option<u64> {
    let raw = record.raw();
    let listed = raw.get("id").and_then(|id| id.u64());
    listed.or_else(|| raw.get("ref")?.str()?.parse().ok()).filter(|id| *id > 0)
}

fn key(record: &Record) -> Option<Cow<'_, str>> {
    number(record).map(|number| number.to_string().into())
}
