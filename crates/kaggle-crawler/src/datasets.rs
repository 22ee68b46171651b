//! The listing of datasets: by the service's own filters, or of refs that are known.

use std::borrow::Cow;

use crawl_core::http::shown;
use crawl_core::{Context, Cursor, Error, Kind, Missing, Page, Record, Result, Settings, Source, SourceId};
use serde_json::{Map, Value, json};

use crate::{Kaggle, Method};

/// The name of the listing below a root.
const ID: &str = "stages/datasets";
/// So many rows are asked for at once.
const ROWS: u64 = 100;
/// A query shows about so many, whatever there is.
const WALL: u64 = 10_000;

/// Which datasets to list.
#[derive(Clone, Debug, Default)]
pub struct Listing {
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

/// The listing as a source. Its cursor is the page token, and behind a `#` how many pages and rows came before: an old
/// token is refused some day, and then the number of the page leads on.
#[derive(Clone, Debug)]
pub struct Datasets {
    kaggle: Kaggle,
    id: SourceId,
    listing: Listing,
}

impl Datasets {
    /// The datasets that `listing` asks for.
    ///
    /// # Errors
    /// None today.
    pub fn new(kaggle: Kaggle, listing: Listing) -> Result<Self> {
        Ok(Datasets { kaggle, id: SourceId::new(ID)?, listing })
    }

    /// What is asked for, without the place.
    fn arguments(&self) -> Map<String, Value> {
        let listing = &self.listing;
        let mut arguments = Map::new();
        arguments.insert("sortBy".into(), format!("DATASET_SORT_BY_{}", word(self.sort_by())).into());
        arguments.insert("pageSize".into(), ROWS.into());
        let license =
            listing.license.as_ref().map(|license| format!("DATASET_LICENSE_GROUP_{}", word(license)));
        let texts = [("search", &listing.search), ("tagIds", &listing.tag), ("user", &listing.user)];
        for (name, value) in texts.into_iter().chain([("license", &license)]) {
            if let Some(value) = value {
                arguments.insert(name.into(), value.as_str().into());
            }
        }
        arguments
    }

    fn sort_by(&self) -> &str {
        self.listing.sort_by.as_deref().unwrap_or("published")
    }

    async fn answer(&self, token: &str, number: u64) -> Result<(Record, crawl_core::http::Response)> {
        let mut arguments = self.arguments();
        let name = if token.is_empty() { "page" } else { "pageToken" };
        arguments.insert(name.into(), if token.is_empty() { number.into() } else { token.into() });
        self.kaggle.ask(Method::ListDatasets, &Value::Object(arguments)).await
    }
}

/// An enumerated value as the service spells it.
fn word(text: &str) -> String {
    text.to_uppercase().replace('-', "_")
}

/// Token, number of the page (from 1), rows before it.
fn place(at: &Cursor) -> Result<(&str, u64, u64)> {
    if at.is_start() {
        return Ok(("", 1, 0));
    }
    let read = || {
        let (token, note) = at.as_str().split_once('#')?;
        let (number, rows) = note.split_once('+')?;
        Some((token, number.parse().ok()?, rows.parse().ok()?))
    };
    read().ok_or_else(|| {
        Error::new(Kind::Storage, "the checkpoint's cursor is none of this listing")
            .at(at.as_str())
            .advise("restore the checkpoint from a copy, or start a new root")
    })
}

impl Source for Datasets {
    fn id(&self) -> &SourceId {
        &self.id
    }

    fn settings(&self) -> Settings {
        let listing = &self.listing;
        Settings::default()
            .with("endpoint", shown(self.kaggle.endpoint()))
            .with("sort_by", self.sort_by())
            .with_some("search", listing.search.as_ref())
            .with_some("tag", listing.tag.as_ref())
            .with_some("user", listing.user.as_ref())
            .with_some("license", listing.license.as_ref())
    }

    fn after(&self, _at: &Cursor) -> Option<Cursor> {
        None
    }

    async fn page(&self, at: &Cursor, _context: &Context) -> Result<Option<Page>> {
        let (token, number, rows) = place(at)?;
        let (answer, response) = match self.answer(token, number).await {
            Err(error) if error.status() == Some(400) && !token.is_empty() => {
                tracing::warn!(%error, page = number, "the page token is refused, going on by the page's number");
                self.answer("", number).await?
            }
            answer => answer?,
        };
        // Where nothing fits, proto3 leaves the list out.
        let elements = answer.raw().get("datasets").and_then(|rows| rows.elements());
        let mut page = Page { fetched_at: response.at, ..Page::new(Vec::new(), None) };
        let mut count = 0;
        for element in elements.into_iter().flatten() {
            count += 1;
            let named = element.get("ref").and_then(|name| name.str()).is_some_and(|name| !name.is_empty());
            let record = Record::parse(element.text().as_bytes().to_vec())?;
            if named {
                page.records.push(record);
            } else {
                let error = Error::new(Kind::Shape, "a row without a ref").at(shown(&response.url));
                let raw = serde_json::from_slice(record.bytes()).ok();
                page.missing.push(Missing { raw, ..Missing::because(None, &error, response.at) });
            }
        }
        let next = answer.raw().get("nextPageToken").and_then(|token| token.str().map(Cow::into_owned));
        let (number, rows) = (number + 1, rows + count);
        page.url = Some(response.url);
        page.next =
            next.filter(|next| !next.is_empty()).map(|next| Cursor::new(format!("{next}#{number}+{rows}")));
        if page.next.is_none() && rows >= WALL {
            page.doubt = Some(format!("a query shows no more than about {WALL} datasets: there may be more"));
        }
        Ok(Some(page))
    }

    /// What appears or changes while the listing is walked shifts all that is behind it.
    fn key<'a>(&self, record: &'a Record) -> Option<Cow<'a, str>> {
        record.raw().get("ref").and_then(|name| name.str())
    }
}

/// Refs that are known, as a listing: nothing is asked for.
#[derive(Clone, Debug)]
pub struct Named {
    id: SourceId,
    refs: Vec<String>,
    endpoint: String,
}

impl Named {
    /// Datasets of these refs, each once.
    ///
    /// # Errors
    /// [`Kind::Config`] if one is no ref.
    pub fn new(kaggle: &Kaggle, refs: Vec<String>) -> Result<Self> {
        if let Some(odd) = refs.iter().find(|name| crate::folder(name).is_none()) {
            return Err(Error::new(Kind::Config, "not the ref of a dataset")
                .at(odd.clone())
                .advise("write it as owner/slug, the end of its address"));
        }
        Ok(Named { id: SourceId::new(ID)?, refs, endpoint: shown(kaggle.endpoint()) })
    }
}

impl Source for Named {
    fn id(&self) -> &SourceId {
        &self.id
    }

    fn settings(&self) -> Settings {
        Settings::default().with("endpoint", &self.endpoint).with("refs", self.refs.join(","))
    }

    fn after(&self, _at: &Cursor) -> Option<Cursor> {
        None
    }

    async fn page(&self, _at: &Cursor, _context: &Context) -> Result<Option<Page>> {
        let rows =
            self.refs.iter().map(|name| Record::write(&json!({"ref": name}))).collect::<Result<_>>()?;
        Ok(Some(Page::new(rows, None)))
    }

    fn key<'a>(&self, record: &'a Record) -> Option<Cow<'a, str>> {
        record.raw().get("ref").and_then(|name| name.str())
    }
}
