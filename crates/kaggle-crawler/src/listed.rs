//! The listing of one part, as the service gives it: page by page, and slice by slice where one query shows too little.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use crawl_core::http::{Response, shown};
use crawl_core::{Context, Cursor, Error, Kind, Missing, Page, Record, Result, Settings, Source, SourceId};
use serde_json::{Map, Value};

use crate::pages::{next_token, rows};
use crate::slices::{Slice, Slices};
use crate::{Kaggle, Method};

/// What listings call the number of all rows: topics, models.
const TOTALS: [&str; 2] = ["totalCount", "totalResults"];

/// What is special to the listing of one part.
#[derive(Debug)]
pub struct Part {
    /// The name of the listing below a root.
    pub name: &'static str,
    /// The method that lists.
    pub method: Method,
    /// The field of the answer that holds the rows.
    pub rows: &'static str,
    /// So many rows are asked for at once.
    pub page_size: u64,
    /// Whether pages can be asked for by their number too.
    pub numbered: bool,
    /// One query shows about so many rows, whatever there is.
    pub wall: Option<u64>,
    /// What names a row.
    pub key: fn(&Record) -> Option<Cow<'_, str>>,
}

/// A listing of the service as a source. Its cursor is the slice and the page token, and behind a `#` how many pages
/// and rows of the slice came before, and how many rows there are, where the service says so: an old token is refused
/// some day, and then the number of the page leads on.
#[derive(Clone, Debug)]
pub struct Listed {
    kaggle: Kaggle,
    part: &'static Part,
    id: SourceId,
    arguments: Map<String, Value>,
    slices: Slices,
    pages: Option<RangeInclusive<u64>>,
}

/// Where in a listing: the slice, its page by token (empty on the first) and by number, from 1; rows before it, and
/// how many the service said that the slice has.
pub(crate) struct Place<'a> {
    pub(crate) slice: Slice,
    token: &'a str,
    number: u64,
    pub(crate) rows: u64,
    pub(crate) total: Option<u64>,
}

impl Listed {
    /// The rows of `part` that the service gives for `arguments`.
    ///
    /// # Errors
    /// [`Kind::Config`] if the part's name is none for a listing.
    pub fn new(kaggle: Kaggle, part: &'static Part, arguments: Map<String, Value>) -> Result<Self> {
        let id = SourceId::new(part.name)?;
        Ok(Listed { kaggle, part, id, arguments, slices: Slices::Whole, pages: None })
    }

    /// As several queries, so that more is shown than one shows.
    pub fn sliced(self, slices: Slices) -> Self {
        Listed { slices, ..self }
    }

    /// Only these pages, by the service's numbers, from 1; `None`: all of them.
    ///
    /// # Errors
    /// [`Kind::Config`] if the service does not number the pages of this part, or the listing is made of slices.
    pub fn pages(self, pages: Option<RangeInclusive<u64>>) -> Result<Self> {
        if pages.is_some() && (!self.part.numbered || self.slices != Slices::Whole) {
            let what = "Kaggle does not number the pages of this listing";
            return Err(Error::new(Kind::Config, what).at(self.part.name).advise("use --limit or --next"));
        }
        Ok(Listed { pages, ..self })
    }

    async fn answer(&self, place: &Place<'_>, by_token: bool) -> Result<(Record, Response)> {
        let mut arguments = self.arguments.clone();
        arguments.insert("pageSize".into(), self.page_size().into());
        arguments.extend(self.slices.arguments(&place.slice)?);
        if by_token && !place.token.is_empty() {
            arguments.insert("pageToken".into(), place.token.into());
        } else if self.part.numbered {
            arguments.insert("page".into(), place.number.into());
        }
        self.kaggle.ask(self.part.method, &Value::Object(arguments)).await
    }

    /// Numbers of pages are those of pages of 20 rows, as on the site and in Kaggle's own client.
    fn page_size(&self) -> u64 {
        if self.pages.is_some() { 20 } else { self.part.page_size }
    }

    fn place<'a>(&self, at: &'a Cursor) -> Result<Place<'a>> {
        if at.is_start() {
            let number = self.pages.as_ref().map_or(1, |pages| *pages.start());
            return Ok(Place { slice: self.slices.first(), token: "", number, rows: 0, total: None });
        }
        Place::read(at).ok_or_else(|| {
            Error::new(Kind::Storage, "the checkpoint's cursor is none of this listing")
                .at(at.as_str())
                .advise("restore the checkpoint from a copy, or start a new root")
        })
    }

    /// The rows of an answer, in the page that is made of them, and how many there were.
    fn read(&self, answer: &Record, response: &Response) -> Result<(Page, u64)> {
        let elements =
            rows(answer.raw(), &[self.part.rows]).map_err(|error| error.at(shown(&response.url)))?;
        let mut page = Page { fetched_at: response.at, ..Page::new(Vec::new(), None) };
        let mut count = 0;
        for element in elements {
            count += 1;
            let record = Record::from(element);
            if (self.part.key)(&record).is_some_and(|key| !key.is_empty()) {
                page.records.push(record);
            } else {
                let error = Error::new(Kind::Shape, "a row without a name").at(shown(&response.url));
                let raw = serde_json::from_slice(record.bytes()).ok();
                page.missing.push(Missing { raw, ..Missing::because(None, &error, response.at) });
            }
        }
        Ok((page, count))
    }
}

impl<'a> Place<'a> {
    pub(crate) fn read(at: &'a Cursor) -> Option<Self> {
        let (place, note) = at.as_str().rsplit_once('#')?;
        let (slice, token) = place.split_once(':')?;
        let mut numbers = note.split('+').map(|number| number.parse().ok());
        let (number, rows) = (numbers.next()??, numbers.next()??);
        let total = match numbers.next() {
            Some(total) => Some(total?),
            None => None,
        };
        let read = Place { slice: Slice::read(slice)?, token, number, rows, total };
        numbers.next().is_none().then_some(read)
    }

    fn cursor(&self) -> Cursor {
        let total = self.total.map_or_else(String::new, |total| format!("+{total}"));
        Cursor::new(format!("{}:{}#{}+{}{total}", self.slice, self.token, self.number, self.rows))
    }
}

/// Whether a query that showed so many rows ran into the wall. Nobody says where the wall stands to the row.
pub(crate) fn capped(wall: Option<u64>, rows: u64) -> bool {
    wall.is_some_and(|wall| rows * 10 >= wall * 9)
}

impl Source for Listed {
    fn id(&self) -> &SourceId {
        &self.id
    }

    fn settings(&self) -> Settings {
        let mut settings = Settings::default()
            .with("endpoint", shown(self.kaggle.endpoint()))
            .with_some("slices", (self.slices != Slices::Whole).then(|| self.slices.to_string()))
            .with_some(
                "pages",
                self.pages.as_ref().map(|pages| format!("{}..{}", pages.start(), pages.end())),
            );
        for (name, value) in &self.arguments {
            settings = match value.as_str() {
                Some(text) => settings.with(name, text),
                None => settings.with(name, value),
            };
        }
        settings
    }

    fn after(&self, _at: &Cursor) -> Option<Cursor> {
        None
    }

    async fn page(&self, at: &Cursor, _context: &Context) -> Result<Option<Page>> {
        let place = self.place(at)?;
        let (answer, response) = match self.answer(&place, true).await {
            Err(error) if error.status() == Some(400) && !place.token.is_empty() && self.part.numbered => {
                tracing::warn!(%error, page = place.number, "the page token is refused, going on by the page's number");
                self.answer(&place, false).await?
            }
            Err(error) if error.status() == Some(400) && !place.token.is_empty() => {
                return Err(error.advise(
                    "if Kaggle no longer knows the place where the listing stopped, list into a new root",
                ));
            }
            answer => answer?,
        };
        let (mut page, count) = self.read(&answer, &response)?;
        page.url = Some(response.url);
        let (number, rows) = (place.number + 1, place.rows + count);
        if number > rows * 2 + 20 + self.pages.as_ref().map_or(0, |pages| *pages.start()) {
            return Err(Error::new(Kind::Shape, "the listing gives empty pages and does not end")
                .at(self.part.name)
                .advise("run again later; if it stays, start a new root with another order"));
        }
        let total = TOTALS.iter().find_map(|name| answer.raw().get(name)?.u64()).or(place.total);
        let token = next_token(answer.raw()).map_err(|error| error.at(self.part.name))?;
        if !token.is_empty() {
            let last = self.pages.as_ref().is_some_and(|pages| place.number >= *pages.end());
            let next = Place { slice: place.slice, token: &token, number, rows, total };
            page.next = (!last).then(|| next.cursor());
            return Ok(Some(page));
        }
        let (next, doubt) = self.slices.next(&place.slice, capped(self.part.wall, rows));
        page.next = next.map(|slice| Place { slice, token: "", number: 1, rows: 0, total: None }.cursor());
        page.doubt = doubt.map(|slice| {
            let slice = self.slices.name(&slice);
            format!("{slice} showed {rows} rows, about as many as one query shows: there may be more")
        });
        if let Some(total) = total.filter(|total| *total > rows && self.pages.is_none()) {
            page.doubt = Some(format!("Kaggle says that there are {total} rows, and showed {rows}"));
        }
        Ok(Some(page))
    }

    /// What appears or changes while the listing is walked shifts all that is behind it, and slices overlap.
    fn key<'a>(&self, record: &'a Record) -> Option<Cow<'a, str>> {
        (self.part.key)(record)
    }
}
