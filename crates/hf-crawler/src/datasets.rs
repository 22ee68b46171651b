//! The listing of the Hub's datasets.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use crawl_core::http::{Response, Url, shown};
use crawl_core::record::{Field, HfDataset};
use crawl_core::{Cursor, Error, Kind, Missing, Page, Record, Result, Settings, Source, SourceId, Timestamp};

use crate::Hub;

/// The most rows that the Hub gives in one page.
const LARGEST_PAGE: u64 = 1000;
/// A failing page is asked for with fewer rows, down to this.
const SMALLEST_PAGE: u64 = 10;

/// Which datasets to list, and which of their fields.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// Stop after so many rows.
    pub limit: Option<u64>,
    /// `createdAt` (the default: it does not move, so a crawl is whole), `lastModified`, `downloads`, `likes`
    /// or `trendingScore`. All but `createdAt` are descending: the Hub knows no other way.
    pub sort: Option<String>,
    /// Only what was modified at or after this time; sorts by `lastModified`.
    pub since: Option<Timestamp>,
    /// So many minutes before `since` are listed again, for clocks that differ.
    pub overlap: u32,
    /// Only of this owner.
    pub author: Option<String>,
    /// Only with this in the id; all of several.
    pub search: Vec<String>,
    /// Only with this tag, such as `language:en`; all of several.
    pub filter: Vec<String>,
    /// Only these fields, beside the id; without it, the full rows.
    pub expand: Vec<String>,
    /// Rows a page, at most 1000; `None`: 1000.
    pub page_size: Option<u64>,
}

/// The listing as a source. Its cursor is the address of the next page; with a limit, the number of rows before
/// it stands behind it.
#[derive(Clone, Debug)]
pub struct Datasets {
    hub: Hub,
    id: SourceId,
    listing: Listing,
}

impl Datasets {
    /// The datasets of a Hub.
    ///
    /// # Errors
    /// [`Kind::Config`] if the listing contradicts itself.
    pub fn new(hub: Hub, listing: Listing) -> Result<Self> {
        if listing.since.is_some() && listing.sort.as_deref().is_some_and(|sort| sort != "lastModified") {
            let what = "a listing since a time is sorted by lastModified";
            return Err(Error::new(Kind::Config, what).advise("leave --sort away"));
        }
        let expands =
            |name: &str| listing.expand.is_empty() || listing.expand.iter().any(|field| field == name);
        if listing.since.is_some() && !expands("lastModified") {
            let what = "a listing since a time needs the field lastModified";
            return Err(Error::new(Kind::Config, what).advise("add --expand lastModified"));
        }
        Ok(Datasets { hub, id: SourceId::new("hf/datasets")?, listing })
    }

    /// The address of the first page.
    fn first(&self) -> Url {
        let listing = &self.listing;
        let mut url = self.hub.url("api/datasets");
        {
            let mut query = url.query_pairs_mut();
            let size = self.size(0).to_string();
            query.append_pair("limit", &size).append_pair("sort", self.sort());
            let direction = if self.sort() == "createdAt" { "1" } else { "-1" };
            query.append_pair("direction", direction);
            if listing.expand.is_empty() {
                query.append_pair("full", "true");
            }
            for (name, values) in
                [("expand", &listing.expand), ("filter", &listing.filter), ("search", &listing.search)]
            {
                query.extend_pairs(values.iter().map(|value| (name, value)));
            }
            if let Some(author) = &listing.author {
                query.append_pair("author", author);
            }
        }
        url
    }

    fn sort(&self) -> &str {
        let usual = if self.listing.since.is_some() { "lastModified" } else { "createdAt" };
        self.listing.sort.as_deref().unwrap_or(usual)
    }

    /// How many rows the page after `rows` rows is asked for.
    fn size(&self, rows: u64) -> u64 {
        let most = self.listing.page_size.unwrap_or(LARGEST_PAGE).clamp(1, LARGEST_PAGE);
        self.listing.limit.map_or(most, |limit| most.min(limit.saturating_sub(rows)).max(1))
    }

    /// The address and the number of rows before it, out of a cursor.
    fn place(&self, at: &Cursor) -> Result<(Url, u64)> {
        if at.is_start() {
            return Ok((self.first(), 0));
        }
        let bad = |what: &str| Error::new(Kind::Shape, what).at(at.as_str());
        let url = Url::parse(at.as_str())
            .map_err(|cause| bad("the checkpoint's cursor is not a URL").because(cause))?;
        let note = url.fragment().map(|text| text.strip_prefix("rows=").and_then(|rows| rows.parse().ok()));
        let rows =
            note.unwrap_or(Some(0)).ok_or_else(|| bad("the checkpoint's cursor has no number of rows"))?;
        Ok((self.own(url)?, rows))
    }

    /// Refuses an address that is not the endpoint's: it would take the token to strangers.
    fn own(&self, mut url: Url) -> Result<Url> {
        url.set_fragment(None);
        if self.hub.owns(&url) {
            return Ok(url);
        }
        let what =
            format!("the next page is said to be on another server, {}", url.origin().ascii_serialization());
        Err(Error::new(Kind::Config, what).at(shown(&self.hub.url(""))).advise(
            "nothing was sent there; if you use a mirror, set HF_ENDPOINT to the server that it names",
        ))
    }

    /// Reads an answer. Its errors are tried again: each of them has been seen to pass.
    fn read(&self, answer: &Response, rows: u64) -> Result<Page> {
        let elements = Record::split(&answer.body).map_err(|error| error.at(shown(&answer.url)))?;
        let link = answer.next_link()?.map(|url| self.own(url)).transpose()?;
        if let Some(link) = &link
            && place_of(link) == place_of(&answer.url)
        {
            return Err(Error::new(Kind::Shape, "the service gave the same cursor twice")
                .at(shown(link))
                .advise("run again later; if it stays, start a new root with another --sort"));
        }
        let mut page =
            Page { fetched_at: answer.at, url: Some(answer.url.clone()), ..Page::new(Vec::new(), None) };
        let mut past = false;
        let count = elements.len() as u64;
        let room = self.listing.limit.map_or(u64::MAX, |limit| limit.saturating_sub(rows));
        page.records.reserve(elements.len());
        let mut seen = HashSet::with_capacity(elements.len());
        for element in elements.into_iter().take(usize::try_from(room).unwrap_or(usize::MAX)) {
            match self.sort_out(&element, answer) {
                Row::Kept if !seen.insert(hash_of(&element)) => {
                    *page.dropped.entry("twice on one page".into()).or_default() += 1;
                }
                Row::Kept => page.records.push(element),
                Row::Missing(missing) => page.missing.push(*missing),
                Row::TooOld => {
                    past = true;
                    *page.dropped.entry("modified before --since".into()).or_default() += 1;
                }
            }
        }
        let rows = rows + count.min(room);
        let more = !past && self.listing.limit.is_none_or(|limit| rows < limit);
        page.next = link.filter(|_| more).map(|mut url| {
            set_limit(&mut url, self.size(rows));
            if self.listing.limit.is_some() {
                url.set_fragment(Some(&format!("rows={rows}")));
            }
            Cursor::new(url)
        });
        Ok(page)
    }

    fn sort_out(&self, element: &Record, answer: &Response) -> Row {
        let raw = element.raw();
        let Some(id) = raw.get("id").and_then(|id| id.str()) else {
            let what =
                if raw.members().is_some() { "a row without an id" } else { "a row that is not an object" };
            let error = Error::new(Kind::Shape, what).at(shown(&answer.url));
            let raw = serde_json::from_slice(element.bytes()).ok();
            return Row::Missing(Box::new(Missing { raw, ..Missing::because(None, &error, answer.at) }));
        };
        let Some(since) = self.listing.since else { return Row::Kept };
        let since = since - jiff::SignedDuration::from_mins(self.listing.overlap.into());
        let modified = match HfDataset::of(element).last_modified {
            Field::Is(raw) => raw.str().and_then(|text| text.parse::<Timestamp>().ok()),
            _ => None,
        };
        if modified.is_none() {
            tracing::debug!(%id, "no time of change; kept");
        }
        if modified.is_some_and(|modified| modified < since) { Row::TooOld } else { Row::Kept }
    }
}

enum Row {
    Kept,
    Missing(Box<Missing>),
    TooOld,
}

impl Source for Datasets {
    fn id(&self) -> &SourceId {
        &self.id
    }

    fn settings(&self) -> Settings {
        let listing = &self.listing;
        let list = |values: &[String]| (!values.is_empty()).then(|| values.join(","));
        Settings::default()
            .with("endpoint", shown(&self.hub.url("")))
            .with("sort", self.sort())
            .with_some("limit", listing.limit)
            .with_some("since", listing.since)
            .with_some("overlap", listing.since.map(|_| listing.overlap))
            .with_some("author", listing.author.as_ref())
            .with_some("search", list(&listing.search))
            .with_some("filter", list(&listing.filter))
            .with_some("expand", list(&listing.expand))
    }

    fn after(&self, _at: &Cursor) -> Option<Cursor> {
        None
    }

    async fn page(&self, at: &Cursor) -> Result<Option<Page>> {
        let (mut url, rows) = self.place(at)?;
        let mut size = self.size(rows);
        set_limit(&mut url, size);
        loop {
            match self.hub.ask(url.clone(), |answer| self.read(&answer, rows)).await {
                // Some pages are too heavy for the Hub: fewer rows at the same place often pass.
                Err(error) if error.status().is_some_and(|status| status >= 500) && size > SMALLEST_PAGE => {
                    size /= 2;
                    tracing::warn!(%error, size, "asking for fewer rows");
                    set_limit(&mut url, size);
                }
                result => return result.map(Some),
            }
        }
    }
}

/// A hash of the row's id; 64 bits are plenty for a page.
fn hash_of(row: &Record) -> u64 {
    let mut hasher = DefaultHasher::new();
    row.raw().get("id").map(|id| id.text()).hash(&mut hasher);
    hasher.finish()
}

/// The place in the listing that an address names.
fn place_of(url: &Url) -> Option<String> {
    url.query_pairs().find(|(name, _)| name == "cursor").map(|(_, cursor)| cursor.into_owned())
}

fn set_limit(url: &mut Url, size: u64) {
    if url.query_pairs().any(|(name, value)| name == "limit" && value == size.to_string()) {
        return;
    }
    let pairs: Vec<(String, String)> =
        url.query_pairs().into_owned().filter(|(name, _)| name != "limit").collect();
    url.query_pairs_mut().clear().append_pair("limit", &size.to_string()).extend_pairs(pairs);
}
