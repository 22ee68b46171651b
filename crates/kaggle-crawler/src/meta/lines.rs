//! The rows that were made of the tables, as a listing.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crawl_core::{Context, Cursor, Error, Kind, Page, Record, Result, Settings, Source, SourceId};

use super::once::{self, Made};

/// A page ends when it has so many bytes, whatever the number of its rows.
const MOST_BYTES: u64 = 8 << 20;

/// The rows of a file, in order. Its cursor is the number of the row that comes next, and behind a `#` where it begins.
#[derive(Clone, Debug)]
pub struct Lines {
    id: SourceId,
    path: PathBuf,
    made: Made,
    rows_a_page: u64,
    settings: Settings,
}

impl Lines {
    pub(crate) fn new(name: &str, folder: &Path, made: Made, rows_a_page: u64) -> Result<Self> {
        let settings = Settings::default().with("tables", &made.of);
        Ok(Lines { id: SourceId::new(name)?, path: once::rows(folder), made, rows_a_page, settings })
    }

    /// With so many rows a page.
    pub fn rows_a_page(self, rows: u64) -> Self {
        Lines { rows_a_page: rows.max(1), settings: self.settings.with("rows_a_page", rows), ..self }
    }

    /// How many rows there are.
    pub fn rows(&self) -> u64 {
        self.made.rows
    }

    /// How many rows the tables had, and how many of them were odd, by name.
    pub fn counts(&self) -> &BTreeMap<String, u64> {
        &self.made.counts
    }

    fn read(&self, at: &Cursor) -> Result<Page> {
        let odd = |what: &str| {
            Error::new(Kind::Storage, what.to_owned())
                .at(self.path.display().to_string())
                .advise("start a new root")
        };
        let (mut number, mut place) = match at.as_str().split_once('#') {
            _ if at.is_start() => (0, 0),
            Some((number, place)) => number
                .parse::<u64>()
                .ok()
                .zip(place.parse::<u64>().ok())
                .ok_or_else(|| odd("the checkpoint's cursor is none of this listing"))?,
            None => return Err(odd("the checkpoint's cursor is none of this listing")),
        };
        let failed = |cause| Error::io("cannot read the rows", &self.path, cause);
        let mut file = BufReader::with_capacity(1 << 16, File::open(&self.path).map_err(failed)?);
        file.seek(SeekFrom::Start(place)).map_err(failed)?;
        let (begin, mut records) = (place, Vec::new());
        while place < self.made.bytes
            && (records.len() as u64) < self.rows_a_page
            && (place - begin < MOST_BYTES || records.is_empty())
        {
            let mut line = Vec::new();
            let most = self.made.bytes - place;
            place += file.by_ref().take(most).read_until(b'\n', &mut line).map_err(failed)? as u64;
            if line.pop() != Some(b'\n') {
                return Err(odd("the rows that were made of the tables are damaged"));
            }
            records.push(
                Record::parse(line).map_err(|error| {
                    odd("the rows that were made of the tables are damaged").because(error)
                })?,
            );
            number += 1;
        }
        let next = (place < self.made.bytes).then(|| Cursor::new(format!("{number}#{place}")));
        Ok(Page::new(records, next))
    }
}

impl Source for Lines {
    fn id(&self) -> &SourceId {
        &self.id
    }

    fn settings(&self) -> Settings {
        self.settings.clone()
    }

    fn after(&self, _at: &Cursor) -> Option<Cursor> {
        None
    }

    async fn page(&self, at: &Cursor, _context: &Context) -> Result<Option<Page>> {
        let (lines, at) = (self.clone(), at.clone());
        let read = tokio::task::spawn_blocking(move || lines.read(&at)).await;
        read.map_err(|cause| Error::new(Kind::Storage, "reading the rows ended").because(cause))?.map(Some)
    }
}
