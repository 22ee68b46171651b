//! Maps: what becomes of rows of a stored listing; `Over` makes a source of one.

use std::num::NonZeroU64;

use crate::store::off_the_loop;
use crate::{
    Context, Cursor, Error, FileLine, Input, Kind, Missing, Page, Record, Result, Round, Settings, Share,
    Source, SourceId,
};

/// What becomes of one row.
#[derive(Debug)]
pub enum Row {
    /// The row, as it is kept.
    Kept(Record),
    /// Left out on purpose, and why.
    Dropped(String),
    /// It could not be had, and why.
    Missing(Missing),
}

/// What becomes of one row, with the files that it names.
#[derive(Debug)]
pub struct Mapped {
    /// The row.
    pub row: Row,
    /// Its files, all of them durable. Those of a row that is not kept are not committed.
    pub files: Vec<FileLine>,
}

impl From<Row> for Mapped {
    fn from(row: Row) -> Self {
        Mapped { row, files: Vec::new() }
    }
}

/// Rows in, rows out: filtering, classifying, fetching details and files.
pub trait Map: Send + Sync {
    /// What a resume must agree with. The input's part is added.
    fn settings(&self) -> Settings;

    /// What names a row, for its `missing` record and for asking again; `None` if it has no name, and then it is in the
    /// `missing` record without one and is not found again.
    fn id(&self, row: &Record) -> Option<String>;

    /// Exactly one outcome a row, in the order of the rows.
    fn map(&self, rows: Vec<Record>, context: &Context) -> impl Future<Output = Result<Vec<Mapped>>> + Send;

    /// Whether it reads a listing that still grows. Else such an input is refused.
    fn reads_growing(&self) -> bool {
        false
    }
}

/// A map over an input: a [`Source`] whose page *n* comes of the input's page *n*, or of as many rows as are set.
#[derive(Debug)]
pub struct Over<M> {
    id: SourceId,
    input: Input,
    digest: String,
    share: Option<Share>,
    rows_a_page: Option<NonZeroU64>,
    round: Option<Box<Round>>,
    map: M,
}

impl<M: Map> Over<M> {
    /// Every row of `input`, under the same name.
    ///
    /// # Errors
    /// [`Kind::Config`] if the input has not ended and the map reads only those that have.
    pub fn new(input: Input, map: M) -> Result<Self> {
        let growing = map.reads_growing();
        if !growing && !input.ended() {
            return Err(Error::new(Kind::Config, "the listing to read has not ended")
                .at(input.folder().display().to_string())
                .advise("finish it first: run its command again"));
        }
        let digest = input.digest(growing)?;
        Ok(Over { id: input.id().clone(), input, digest, share: None, rows_a_page: None, round: None, map })
    }

    /// Under another name.
    pub fn named(self, id: SourceId) -> Self {
        Over { id, ..self }
    }

    /// With so many rows a page, over pages and parts of the input; `None`: its own pages.
    pub fn rows_a_page(self, rows: Option<NonZeroU64>) -> Self {
        Over { rows_a_page: rows, ..self }
    }

    /// Only the pages of one share, as a listing of its own beside the whole; `None`: all of them.
    ///
    /// # Errors
    /// [`Kind::Config`] if the input has not ended: nobody could tell which pages the whole will have.
    pub fn share(self, share: Option<Share>) -> Result<Self> {
        let Some(of) = share else { return Ok(self) };
        if !self.input.ended() {
            return Err(Error::new(
                Kind::Config,
                "a share is of a listing that has ended, and this one has not",
            )
            .at(self.input.folder().display().to_string())
            .advise("finish it first: run its command again"));
        }
        Ok(Over { id: of.name(&self.id), share, ..self })
    }

    /// Only the rows that `round` asks for again, under its name.
    ///
    /// # Errors
    /// [`Kind::Config`] if the pages of the listing before were made of other rows: what is missing from them would
    /// not be found.
    pub fn again(self, round: Box<Round>) -> Result<Self> {
        let here = self.settings();
        for name in ["rows_a_page", "input.digest"] {
            // Programs of before wrote no digest of that name; their pages are the input's own.
            let (before, now) = (round.setting(name), here.get(name));
            if before != now && !(name == "input.digest" && before.is_none()) {
                let what = format!("what is missing was listed under another {name}");
                return Err(Error::new(Kind::Config, what).at(round.of().as_str()).advise(format!(
                    "ask again with the settings of the first run ({name}: {})",
                    before.unwrap_or("not set")
                )));
            }
        }
        Ok(Over { id: round.id().clone(), round: Some(round), ..self })
    }

    /// The map.
    pub fn map(&self) -> &M {
        &self.map
    }

    /// What it reads.
    pub fn input(&self) -> &Input {
        &self.input
    }

    /// How many rows it will list, as far as that is known: of a share about its part of them.
    pub fn expects(&self) -> Option<u64> {
        let whole = match &self.round {
            Some(round) => round.wanted(),
            None => Some(self.input.records()).filter(|_| self.input.ended())?,
        };
        Some(self.share.map_or(whole, |share| whole.div_ceil(share.of())))
    }

    /// How many pages of the whole can be made now.
    fn pages(&self) -> u64 {
        match self.rows_a_page {
            None => self.input.pages(),
            Some(rows) if self.input.ended() => self.input.records().div_ceil(rows.get()).max(1),
            // A page is made when all of its rows are committed.
            Some(rows) => self.input.records() / rows.get(),
        }
    }

    /// The number, in the whole, of the page that a cursor names.
    fn number(&self, at: &Cursor) -> Result<u64> {
        if at.is_start() {
            return Ok(self.share.map_or(1, Share::first));
        }
        at.as_str().parse().map_err(|cause| {
            Error::new(Kind::Storage, "the checkpoint's cursor is not a page number")
                .at(at.as_str())
                .because(cause)
        })
    }

    /// The cursor behind page `number`; `None` if no page will follow, or, with `known`, if none can be made yet.
    fn following(&self, number: u64, known: bool) -> Option<Cursor> {
        let next = number + self.share.map_or(1, Share::of);
        let more = next <= self.pages() || (!known && !self.input.ended());
        more.then(|| Cursor::new(next.to_string()))
    }

    async fn rows(&self, number: u64) -> Result<Vec<Record>> {
        let (input, rows) = (self.input.clone(), self.rows_a_page);
        off_the_loop(move || match rows {
            None => input.page(number),
            Some(rows) => input.rows((number - 1) * rows.get(), rows.get()),
        })
        .await
    }
}

impl<M: Map> Source for Over<M> {
    fn id(&self) -> &SourceId {
        &self.id
    }

    fn settings(&self) -> Settings {
        self.map
            .settings()
            .with("input", self.input.id())
            .with("input.digest", &self.digest)
            .with_some("rows_a_page", self.rows_a_page)
            .with_some("share", self.share)
            .with_some(Share::PAGES, self.share.map(|_| self.pages()))
            .with_some("retry_of", self.round.as_deref().map(Round::of))
    }

    fn after(&self, at: &Cursor) -> Option<Cursor> {
        self.following(self.number(at).ok()?, true)
    }

    async fn page(&self, at: &Cursor, context: &Context) -> Result<Option<Page>> {
        let number = self.number(at)?;
        if number > self.pages() {
            // An empty share, or an input without pages, is one empty page; an input that grows may still bring it.
            return Ok(self.input.ended().then(|| Page::new(Vec::new(), None)));
        }
        let mut rows = self.rows(number).await?;
        if let Some(round) = &self.round {
            rows = round.pick(number, rows, |row| self.map.id(row))?;
        }
        let (wanted, ids): (_, Vec<_>) = (rows.len(), rows.iter().map(|row| self.map.id(row)).collect());
        let mapped = self.map.map(rows, context).await?;
        if mapped.len() != wanted {
            let what = format!("the mapping gave {} outcomes for {wanted} rows", mapped.len());
            return Err(Error::new(Kind::Shape, what).at(self.id.as_str()));
        }
        let mut page = Page::new(Vec::with_capacity(wanted), self.following(number, false));
        for (Mapped { row, files }, id) in mapped.into_iter().zip(ids) {
            match row {
                Row::Kept(record) => {
                    page.records.push(record);
                    page.files.extend(files);
                }
                Row::Dropped(reason) => page.drop_row(&reason),
                Row::Missing(missing) => {
                    page.missing.push(Missing { id: missing.id.clone().or(id), ..missing });
                }
            }
        }
        Ok(Some(page))
    }
}
