//! The mapping from listed datasets to the rows that are worth a look: filtered, flat, 14 fields.

use std::sync::{Arc, Mutex, PoisonError};

use crawl_core::json::Raw;
use crawl_core::record::{Census, Field, HfDataset};
use crawl_core::{
    Context, Error, Input, Kind, Map, Mapped, Missing, Over, Record, Result, Row as Outcome, Settings,
    Timestamp,
};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::dates::is_date;
use crate::filter::{Filter, Ready, Tags};
use crate::history::History;

/// The map from listed rows to those that are worth a look.
#[derive(Clone, Debug)]
pub struct Processed {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    ready: Ready,
    history: History,
    collect_date: String,
    settings: Settings,
    census: Mutex<Census>,
}

impl Processed {
    /// Maps the listing `input`. `collect_date` is written into each row, as `2026-11-23`.
    ///
    /// # Errors
    /// [`Kind::Config`] if the filter's dates are none, or if the input has not ended or is no listing of the Hub.
    pub fn over(input: Input, filter: &Filter, history: History, collect_date: &str) -> Result<Over<Self>> {
        is_a_listing(&input)?;
        if crate::dates::day(collect_date).as_deref() != Some(collect_date) {
            return Err(Error::new(Kind::Config, "the day to write into each row is no day")
                .at(collect_date)
                .advise("write it as 2026-11-23"));
        }
        let settings = Settings::default()
            .with("collect_date", collect_date)
            .with("history", if history.is_empty() { "none" } else { history.digest() });
        let shared = Shared {
            ready: filter.ready()?,
            settings: filter.settings(settings),
            history,
            collect_date: collect_date.to_owned(),
            census: Mutex::default(),
        };
        Over::new(input, Processed { shared: Arc::new(shared) })
    }

    /// How often fields of the rows that were mapped since the start were absent or had another type.
    pub fn census(&self) -> Census {
        self.shared.census.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Map for Processed {
    fn settings(&self) -> Settings {
        self.shared.settings.clone()
    }

    fn id(&self, row: &Record) -> Option<String> {
        HfDataset::of(row).id.get().map(|id| id.clone().into_owned())
    }

    async fn map(&self, rows: Vec<Record>, _context: &Context) -> Result<Vec<Mapped>> {
        let shared = self.shared.clone();
        let mapped = tokio::task::spawn_blocking(move || shared.map_rows(&rows)).await;
        mapped.map_err(|cause| Error::new(Kind::Storage, "a page was broken off").because(cause))?
    }
}

impl Shared {
    fn map_rows(&self, rows: &[Record]) -> Result<Vec<Mapped>> {
        let mut census = Census::default();
        let mapped = rows.iter().map(|row| Ok(self.outcome(row, &mut census)?.into())).collect();
        self.census.lock().unwrap_or_else(PoisonError::into_inner).merge(&census);
        mapped
    }

    fn outcome(&self, row: &Record, census: &mut Census) -> Result<Outcome> {
        let mut view = HfDataset::of(row);
        if view.id.get().is_none() {
            let error = Error::new(Kind::Shape, "a line without an id");
            return Ok(Outcome::Missing(Missing::because(None, &error, Timestamp::now())));
        }
        for field in [&mut view.created_at, &mut view.last_modified] {
            if field.get().is_some_and(|raw| !raw.str().is_some_and(|text| is_date(&text))) {
                *field = Field::Wrong;
            }
        }
        view.census(census);
        Ok(match self.map(&view)? {
            Ok(row) => Outcome::Kept(row),
            Err(reason) => Outcome::Dropped(reason.to_owned()),
        })
    }

    /// The row, or the reason for which it is dropped.
    fn map(&self, view: &HfDataset<'_>) -> Result<Result<Record, &'static str>> {
        if let Some(reason) = self.ready.drops(view) {
            return Ok(Err(reason));
        }
        // Most rows are dropped before their tags are needed.
        let tags = Tags::of(view);
        if let Some(reason) = self.ready.drops_tags(&tags) {
            return Ok(Err(reason));
        }
        if view.owner_and_name().is_some_and(|(owner, name)| self.history.has(owner.as_deref(), name)) {
            return Ok(Err("already seen"));
        }
        row(view, &tags, &self.collect_date).map(Ok)
    }
}

/// Refuses what `process` or `classify` has written: its rows lack what the filter asks for, so all would be dropped.
fn is_a_listing(input: &Input) -> Result<()> {
    let settings = input.listings().next().and_then(|stored| stored.checkpoint().settings.as_ref());
    let Some(made_by) = ["collect_date", "task", "input"]
        .into_iter()
        .find(|name| settings.is_some_and(|settings| settings.get(name).is_some()))
    else {
        return Ok(());
    };
    let what = match made_by {
        "collect_date" => "these rows have been processed already",
        "task" => "these rows have been classified already",
        _ => "these rows are no listing of the Hub, they were made out of one",
    };
    Err(Error::new(Kind::Config, what)
        .at(input.folder().display().to_string())
        .advise("name the root that `hf-crawler datasets` wrote"))
}

/// The row that is written: the seed system's 13 fields in its order, and the full id.
fn row(view: &HfDataset<'_>, tags: &Tags<'_>, collect_date: &str) -> Result<Record> {
    let (owner, name) =
        view.owner_and_name().ok_or_else(|| Error::new(Kind::Shape, "a row without an id"))?;
    let card = |field: &str| view.card_data.get().and_then(|raw| raw.get(field)).filter(|raw| !raw.is_null());
    let pretty_name = card("pretty_name").map(Raw::to::<serde_json::Value>).and_then(std::result::Result::ok);
    Record::write(&Row {
        id: name,
        author: owner.as_deref(),
        downloads: view.downloads.get().copied(),
        likes: view.likes.get().copied(),
        created_at: day(&view.created_at),
        last_modified: day(&view.last_modified),
        collect_date,
        description: view.description.get().and_then(|raw| raw.to().ok()),
        language: OneOrMany::of(tags, "language"),
        pretty_name,
        size_categories: OneOrMany::of(tags, "size_categories"),
        arxiv: OneOrMany::of(tags, "arxiv"),
        tags: TagMap(tags),
        repo_id: view.id.get().map(AsRef::as_ref),
    })
}

/// An unknown is null, never a default.
#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    author: Option<&'a str>,
    downloads: Option<u64>,
    likes: Option<u64>,
    created_at: Option<String>,
    last_modified: Option<String>,
    collect_date: &'a str,
    description: Option<Box<RawValue>>,
    language: OneOrMany<'a>,
    pretty_name: Option<serde_json::Value>,
    size_categories: OneOrMany<'a>,
    arxiv: OneOrMany<'a>,
    tags: TagMap<'a>,
    repo_id: Option<&'a str>,
}

fn day(field: &Field<Raw<'_>>) -> Option<String> {
    crate::dates::day(&field.get()?.str()?)
}

/// The values of one kind of tag: null, a string, or a list.
struct OneOrMany<'a>(Vec<&'a str>);

impl<'a> OneOrMany<'a> {
    fn of(tags: &'a Tags<'_>, prefix: &'a str) -> Self {
        OneOrMany(tags.values(prefix).collect())
    }
}

impl Serialize for OneOrMany<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [] => serializer.serialize_none(),
            [one] => serializer.serialize_str(one),
            many => many.serialize(serializer),
        }
    }
}

/// All tags as an object: `a:b` under `a`, a plain tag under itself; several values of one name as a list.
struct TagMap<'a>(&'a Tags<'a>);

impl Serialize for TagMap<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
        for tag in &self.0.all {
            let (name, value) = tag.split_once(':').unwrap_or((tag, tag));
            match groups.iter_mut().find(|(known, _)| *known == name) {
                Some((_, values)) => values.push(value),
                None => groups.push((name, vec![value])),
            }
        }
        serializer.collect_map(groups.into_iter().map(|(name, values)| (name, OneOrMany(values))))
    }
}
