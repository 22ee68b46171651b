//! Filter files: which rows `process` keeps.

use std::borrow::Cow;
use std::path::Path;

use crawl_core::json::Raw;
use crawl_core::record::{Field, HfDataset};
use crawl_core::{Error, Kind, Result, Settings, Timestamp};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::shape;

/// Which rows are kept. A setting that is not given keeps everything, but for private, disabled and untagged
/// datasets, which are kept only if asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    /// At least so many downloads in 30 days.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "shape::count")]
    pub min_downloads: Option<u64>,
    /// At least so many likes.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "shape::count")]
    pub min_likes: Option<u64>,
    /// Keep private datasets.
    #[serde(deserialize_with = "shape::flag")]
    pub private: bool,
    /// Keep datasets that the Hub has disabled.
    #[serde(deserialize_with = "shape::flag")]
    pub disabled: bool,
    /// Keep datasets without any tag.
    #[serde(deserialize_with = "shape::flag")]
    pub untagged: bool,
    /// Only with metadata in the card.
    #[serde(deserialize_with = "shape::flag")]
    pub card: bool,
    /// Which of `false`, `auto`, `manual` and `unknown` are kept.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "shape::some_list")]
    pub gated: Option<Vec<String>>,
    /// From this day on, to the end of that day, UTC.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "shape::days")]
    pub created: Option<Days>,
    /// The same for the last change.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "shape::days")]
    pub modified: Option<Days>,
    /// Values of `language:` tags.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "shape::rule")]
    pub languages: Option<Rule>,
    /// Values of `size_categories:` tags.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "shape::rule")]
    pub sizes: Option<Rule>,
    /// Values of `license:` tags.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "shape::rule")]
    pub licences: Option<Rule>,
    /// Values of `modality:` tags.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "shape::rule")]
    pub modalities: Option<Rule>,
    /// Values of `task_categories:` tags.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "shape::rule")]
    pub tasks: Option<Rule>,
    /// Whole tags, as they are spelled.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "shape::rule")]
    pub tags: Option<Rule>,
}

const GATES: [&str; 4] = ["false", "auto", "manual", "unknown"];

/// A span of days, both ends within it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Days {
    /// The first day.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "shape::day")]
    pub from: Option<String>,
    /// The last day.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "shape::day")]
    pub to: Option<String>,
}

/// A rule about the values that a row has of one kind. What is given must all hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rule {
    /// At least one of the row's values is in this list.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "shape::list")]
    pub any: Vec<String>,
    /// All of the row's values are in this list.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "shape::list")]
    pub all: Vec<String>,
    /// None of the row's values is in this list.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "shape::list")]
    pub none: Vec<String>,
    /// Keep rows that have no such value (the default).
    pub absent: Option<bool>,
}

impl Filter {
    /// Reads a filter file.
    ///
    /// # Errors
    /// [`Kind::Config`] naming the file, the line and the key; [`Kind::Storage`] if it cannot be read.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|cause| {
            Error::new(Kind::Config, "cannot read the filter file")
                .at(path.display().to_string())
                .because(cause)
                .advise("see configs/filters/ for the ones that are shipped")
        })?;
        Filter::parse(&text).map_err(|error| error.at(path.display().to_string()))
    }

    /// Reads the text of a filter file.
    ///
    /// # Errors
    /// [`Kind::Config`] naming the line and the key.
    pub fn parse(text: &str) -> Result<Self> {
        toml::from_str(text).map_err(|cause| {
            Error::new(Kind::Config, format!("the filter is not valid: {}", cause.to_string().trim()))
                .advise("configs/filters/weekly.toml shows every key")
        })
    }

    /// Adds what a resume must agree with.
    pub(crate) fn settings(&self, mut settings: Settings) -> Settings {
        let json = serde_json::to_value(self).expect("a filter has string keys and no failing parts");
        for (name, value) in json.as_object().into_iter().flatten() {
            settings = settings.with(&format!("filter.{name}"), value);
        }
        settings
    }

    /// Makes the checks ready to run.
    ///
    /// # Errors
    /// [`Kind::Config`] for a date that is none, or a span that ends before it begins.
    pub(crate) fn ready(&self) -> Result<Ready> {
        if let Some(odd) = self.gated.iter().flatten().find(|mode| !GATES.contains(&mode.as_str())) {
            return Err(Error::new(Kind::Config, "not a kind of gate")
                .at(format!("gated = \"{odd}\""))
                .advise(format!("the kinds are {}", GATES.join(", "))));
        }
        if self.gated.as_ref().is_some_and(Vec::is_empty) {
            return Err(Error::new(Kind::Config, "an empty list of gates keeps nothing")
                .advise("leave `gated` out to keep everything"));
        }
        let span = |days: &Option<Days>| days.as_ref().map(Span::of).transpose();
        Ok(Ready { created: span(&self.created)?, modified: span(&self.modified)?, filter: self.clone() })
    }
}

/// A filter whose dates are read.
#[derive(Clone, Debug)]
pub(crate) struct Ready {
    filter: Filter,
    created: Option<Span>,
    modified: Option<Span>,
}

#[derive(Clone, Debug)]
struct Span {
    from: Option<Timestamp>,
    before: Option<Timestamp>,
}

impl Span {
    fn of(days: &Days) -> Result<Self> {
        let from = days.from.as_deref().map(crate::parse_date).transpose()?;
        let before = days.to.as_deref().map(end).transpose()?;
        match (from, before) {
            (Some(from), Some(before)) if before <= from => {
                Err(Error::new(Kind::Config, "a span of days ends before it begins").at(format!(
                    "{} to {}",
                    days.from.as_deref().unwrap_or_default(),
                    days.to.as_deref().unwrap_or_default()
                )))
            }
            _ => Ok(Span { from, before }),
        }
    }

    fn holds(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| at >= from) && self.before.is_none_or(|before| at < before)
    }
}

/// The first moment after a day, or after a time.
fn end(text: &str) -> Result<Timestamp> {
    match text.parse::<Date>() {
        Ok(day) if text.len() == 10 => match day.tomorrow() {
            Ok(next) => crate::parse_date(&next.to_string()),
            Err(cause) => Err(Error::new(Kind::Config, "a date too late").at(text).because(cause)),
        },
        _ => Ok(crate::parse_date(text)? + jiff::SignedDuration::from_nanos(1)),
    }
}

/// A row's tags, sorted out by their prefix. Borrowed.
#[derive(Debug, Default)]
pub(crate) struct Tags<'a> {
    pub(crate) all: Vec<Cow<'a, str>>,
}

impl<'a> Tags<'a> {
    pub(crate) fn of(view: &HfDataset<'a>) -> Self {
        Tags { all: view.tag_list().collect() }
    }

    /// The values of the tags `prefix:value`.
    pub(crate) fn values<'b>(&'b self, prefix: &'b str) -> impl Iterator<Item = &'b str> {
        self.all.iter().filter_map(move |tag| tag.strip_prefix(prefix)?.strip_prefix(':'))
    }
}

impl Ready {
    /// Why this row is dropped, as far as that can be told without its tags; `None` if it is kept. The first
    /// reason that holds is given, so that each row is counted once.
    pub(crate) fn drops(&self, view: &HfDataset<'_>) -> Option<&'static str> {
        let filter = &self.filter;
        if !filter.private && view.private.get() == Some(&true) {
            return Some("private");
        }
        if !filter.disabled && view.disabled.get() == Some(&true) {
            return Some("disabled");
        }
        if !filter.untagged && view.tag_list().next().is_none() {
            return Some("no tags");
        }
        self.counts(view).or_else(|| self.days(view)).or_else(|| self.card(view))
    }

    fn counts(&self, view: &HfDataset<'_>) -> Option<&'static str> {
        let below = |field: &Field<u64>, least: Option<u64>| {
            least.and_then(|least| match field.get() {
                Some(count) if *count >= least => None,
                Some(_) => Some(true),
                None => Some(false),
            })
        };
        match (below(&view.downloads, self.filter.min_downloads), below(&view.likes, self.filter.min_likes)) {
            (Some(true), _) => Some("too few downloads"),
            (Some(false), _) => Some("downloads unknown"),
            (_, Some(true)) => Some("too few likes"),
            (_, Some(false)) => Some("likes unknown"),
            (None, None) => None,
        }
    }

    fn days(&self, view: &HfDataset<'_>) -> Option<&'static str> {
        let outside = |span: &Option<Span>, field: &Field<Raw<'_>>| {
            let span = span.as_ref()?;
            match field.get().and_then(|raw| raw.str()?.parse::<Timestamp>().ok()) {
                Some(at) => (!span.holds(at)).then_some(true),
                None => Some(false),
            }
        };
        match (outside(&self.created, &view.created_at), outside(&self.modified, &view.last_modified)) {
            (Some(true), _) => Some("created outside the days"),
            (Some(false), _) => Some("day of creation unknown"),
            (_, Some(true)) => Some("modified outside the days"),
            (_, Some(false)) => Some("day of last change unknown"),
            (None, None) => None,
        }
    }

    fn card(&self, view: &HfDataset<'_>) -> Option<&'static str> {
        let has_card = || view.card_data.get().and_then(|raw| raw.members()?.next()).is_some();
        if self.filter.card && !has_card() {
            return Some("no card metadata");
        }
        let accepted = self.filter.gated.as_ref()?;
        let mode = match view.gated.get() {
            Some(raw) if raw.bool() == Some(false) => Cow::Borrowed("false"),
            Some(raw) => raw.str().unwrap_or_default(),
            None => Cow::Borrowed("unknown"),
        };
        (!accepted.iter().any(|accepted| *accepted == mode)).then_some("gated")
    }

    /// Why this row is dropped because of its tags.
    pub(crate) fn drops_tags(&self, tags: &Tags<'_>) -> Option<&'static str> {
        let filter = &self.filter;
        let breaks = |rule: &Option<Rule>, prefix: &str| {
            rule.as_ref().is_some_and(|rule| !rule.holds(tags.values(prefix)))
        };
        if breaks(&filter.languages, "language") {
            return Some("language");
        }
        if breaks(&filter.sizes, "size_categories") {
            return Some("size");
        }
        if breaks(&filter.licences, "license") {
            return Some("licence");
        }
        if breaks(&filter.modalities, "modality") {
            return Some("modality");
        }
        if breaks(&filter.tasks, "task_categories") {
            return Some("task");
        }
        let breaks_tags =
            filter.tags.as_ref().is_some_and(|rule| !rule.holds(tags.all.iter().map(Cow::as_ref)));
        breaks_tags.then_some("tag")
    }
}

impl Rule {
    fn holds<'a>(&self, values: impl Iterator<Item = &'a str>) -> bool {
        let listed = |list: &[String], value: &str| list.iter().any(|listed| listed == value);
        let (mut none_there, mut any) = (true, self.any.is_empty());
        for value in values {
            none_there = false;
            if (!self.all.is_empty() && !listed(&self.all, value)) || listed(&self.none, value) {
                return false;
            }
            any = any || listed(&self.any, value);
        }
        if none_there { self.absent.unwrap_or(true) } else { any }
    }
}
