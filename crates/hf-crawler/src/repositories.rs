//! A listing of the Hub, of datasets or of models, as a source.

use std::borrow::Cow;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use crawl_core::http::{Response, Url, shown};
use crawl_core::{
    Context, Cursor, Error, Kind, Missing, Page, Record, Result, Settings, Source, SourceId, Timestamp,
};

use crate::place::{lost, place_of, set_limit};
use crate::trail::Trail;
use crate::{Hub, Listing, order};

/// The most rows that the Hub gives in one page.
const LARGEST_PAGE: u64 = 1000;
/// A failing page is asked for with fewer rows, down to this.
const SMALLEST_PAGE: u64 = 10;

/// The listing as a source. Its cursor is the address of the next page.
#[derive(Clone, Debug)]
pub struct Repositories {
    hub: Hub,
    id: SourceId,
    listing: Listing,
    trail: Arc<Mutex<Trail>>,
}

/// An answer, read.
struct Answer {
    page: Page,
    /// How many rows came.
    count: u64,
    /// Whether nothing but the missing link says that this is the end.
    unlinked: bool,
    /// Whether the rows come in the order that was asked for.
    sorted: bool,
    /// The ids to know this page again by.
    ids: Vec<u64>,
}

impl Repositories {
    /// The repositories of a Hub.
    ///
    /// # Errors
    /// [`Kind::Config`] if the listing contradicts itself.
    pub fn new(hub: Hub, listing: Listing) -> Result<Self> {
        listing.check()?;
        let id = SourceId::new(listing.repos.listing())?;
        Ok(Repositories { hub, id, listing, trail: Arc::default() })
    }

    /// The address of the first page.
    fn first(&self) -> Url {
        let mut url = self.hub.url(self.listing.repos.path());
        self.listing.ask(&mut url, self.size(None));
        url
    }

    fn sort(&self) -> &str {
        self.listing.sort()
    }

    /// How many rows to ask for, where so many may still be listed.
    fn size(&self, rows_left: Option<u64>) -> u64 {
        let most = self.listing.page_size.unwrap_or(LARGEST_PAGE).clamp(1, LARGEST_PAGE);
        rows_left.map_or(most, |left| most.min(left).max(1))
    }

    /// The address that a cursor names.
    fn place(&self, at: &Cursor) -> Result<Url> {
        if at.is_start() {
            return Ok(self.first());
        }
        let mut url = Url::parse(at.as_str()).map_err(|cause| {
            Error::new(Kind::Shape, "the checkpoint's cursor is not a URL").at(at.as_str()).because(cause)
        })?;
        // Older programs noted there how many rows came before.
        url.set_fragment(None);
        self.own(&url)
    }

    /// An address on the endpoint, whatever server a link names: see [`Hub::at_home`].
    fn own(&self, url: &Url) -> Result<Url> {
        let repos = self.listing.repos;
        self.hub.at_home(url, repos.path()).ok_or_else(|| {
            let what =
                format!("the next page is said to be at an address that is no listing of {}", repos.name());
            Error::new(Kind::Shape, what)
                .at(shown(url))
                .advise("nothing was sent there; check HF_ENDPOINT, then run the same command again")
        })
    }

    /// Reads an answer. Its errors are tried again: each of them has been seen to pass.
    fn read(&self, answer: &Response, rows_left: Option<u64>) -> Result<Answer> {
        let elements = Record::split(&answer.body).map_err(|error| error.at(shown(&answer.url)))?;
        let link = answer.next_link()?.map(|url| self.own(&url)).transpose()?;
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
        let mut ids = Vec::new();
        let sorted = order::is_kept(&elements, self.sort());
        let count = elements.len() as u64;
        let room = rows_left.map_or(usize::MAX, |left| usize::try_from(left).unwrap_or(usize::MAX));
        page.records.reserve(elements.len());
        let mut seen = HashSet::with_capacity(elements.len());
        for element in elements.into_iter().take(room) {
            match self.sort_out(&element, answer) {
                Row::Kept => {
                    // Where a row that is new enough comes behind older ones, more of them may follow.
                    past = false;
                    let id = hash_of(&element);
                    if !seen.insert(id) {
                        *page.dropped.entry("twice on one page".into()).or_default() += 1;
                        continue;
                    }
                    ids.extend(Trail::remembers(id, ids.is_empty()).then_some(id));
                    page.records.push(element);
                }
                Row::Missing(missing) => page.missing.push(*missing),
                Row::TooOld => {
                    past = true;
                    *page.dropped.entry("modified before --since".into()).or_default() += 1;
                }
            }
        }
        let more = !past && rows_left.is_none_or(|left| count < left);
        let unlinked = link.is_none() && more;
        page.next = link.filter(|_| more).map(|mut url| {
            set_limit(&mut url, self.size(rows_left.map(|left| left - count)));
            Cursor::new(url)
        });
        Ok(Answer { page, count, unlinked, sorted, ids })
    }

    /// Asks again about a page that is as full as it was asked for and has no next link: the whole listing, or a
    /// server that does not page? With a row fewer the next link must come.
    async fn once_more(
        &self,
        first: Answer,
        mut url: Url,
        rows_left: Option<u64>,
        size: u64,
    ) -> Result<Answer> {
        let other = if size > 1 { size - 1 } else { 2 };
        set_limit(&mut url, other);
        let again = match self.hub.ask(url, |answer| self.read(&answer, rows_left)).await {
            Err(error) if matches!(error.kind(), Kind::Shape | Kind::Gone) => None,
            answer => Some(answer?),
        };
        match again {
            Some(again) if !again.unlinked || again.count < other => Ok(again),
            _ => {
                let doubt = "the last page is as full as it was asked for and names no next one, whatever number \
                             of rows it is asked for: there may be more";
                Ok(Answer { page: Page { doubt: Some(doubt.into()), ..first.page }, ..first })
            }
        }
    }

    /// What the rows tell of the server: whether it sorts as it was asked to, and whether the listing gets anywhere.
    fn judge(&self, mut answer: Answer, at: &Cursor) -> Result<Page> {
        let place = answer.page.url.as_ref().map(shown).unwrap_or_default();
        let mut trail = self.trail.lock().unwrap_or_else(PoisonError::into_inner);
        if !answer.sorted {
            let what = format!("the server does not sort by {}", self.sort());
            if self.listing.since.is_some() {
                return Err(Error::new(Kind::Shape, format!("{what}: what changed since cannot be told"))
                    .at(place)
                    .advise("list everything, without --since, or ask the Hub itself"));
            }
            answer
                .page
                .doubt
                .get_or_insert(format!("{what}, as it was asked to: rows may have slipped through"));
        }
        if let Some(doubt) = &answer.page.doubt
            && trail.doubts_first_time()
        {
            tracing::warn!(url = place, "{doubt}");
        }
        if answer.page.next.is_some() {
            trail.step(hash(at.place()), &answer.ids).map_err(|error| error.at(place))?;
        }
        Ok(answer.page)
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
        // Of a name that stands twice the last one counts, as in the views.
        let modified = raw.members().into_iter().flatten().filter(|(key, _)| key.is("lastModified")).last();
        let modified = modified.and_then(|(_, time)| time.str()?.parse::<Timestamp>().ok());
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

impl Source for Repositories {
    fn id(&self) -> &SourceId {
        &self.id
    }

    fn settings(&self) -> Settings {
        self.listing.settings(shown(&self.hub.url("")))
    }

    fn after(&self, _at: &Cursor) -> Option<Cursor> {
        None
    }

    /// By number of downloads, likes or by trend a row may sink behind the place that was reached, and come again. A time
    /// of creation stands still, and a time of change only rises.
    fn key<'a>(&self, record: &'a Record) -> Option<Cow<'a, str>> {
        let stands = matches!(self.sort(), "createdAt" | "lastModified");
        if stands { None } else { record.raw().get("id")?.str() }
    }

    async fn page(&self, at: &Cursor, context: &Context) -> Result<Option<Page>> {
        let (mut url, rows_left) = (self.place(at)?, context.rows_left);
        let mut size = self.size(rows_left);
        set_limit(&mut url, size);
        let answer = loop {
            match self.hub.ask(url.clone(), |answer| self.read(&answer, rows_left)).await {
                // Some pages are too heavy for the Hub: fewer rows at the same place often pass.
                Err(error) if error.status().is_some_and(|status| status >= 500) && size > SMALLEST_PAGE => {
                    size /= 2;
                    tracing::warn!(%error, size, "asking for fewer rows");
                    set_limit(&mut url, size);
                }
                Err(error) => return Err(if at.is_start() { error } else { lost(error) }),
                Ok(answer) if answer.unlinked && answer.count >= size => {
                    break self.once_more(answer, url, rows_left, size).await?;
                }
                Ok(answer) => break answer,
            }
        };
        self.judge(answer, at).map(Some)
    }
}

/// A hash of the row's id; 64 bits are plenty for a page.
fn hash_of(row: &Record) -> u64 {
    hash(row.raw().get("id").map(|id| id.text()))
}

pub(crate) fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
