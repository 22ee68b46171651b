//! A table of Meta Kaggle as a listing: a row a record, every column by its name, read as a stream.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use crawl_core::{Context, Cursor, Error, Kind, Page, Record, Result, Settings, Source, SourceId};
use csv::{ByteRecord, Position, Reader};
use data_encoding::HEXLOWER;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::COMPETITIONS;

/// So many rows are one page.
const ROWS: usize = 100;
/// A longer row is a quote that was never closed.
const LONGEST_ROW: u64 = 64 << 20;

/// The rows of `Competitions.csv`. Its cursor is the place of a row: byte, line and number.
#[derive(Clone, Debug)]
pub struct Table {
    id: SourceId,
    path: PathBuf,
    digest: String,
}

impl Table {
    /// The table at `path`; it is read once for its digest, which a resume must find again. Blocks.
    ///
    /// # Errors
    /// [`Kind::Storage`] if it cannot be read; [`Kind::Config`] if it has no columns `Id` and `Slug`.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let mut file = open(&path)?;
        let (mut hash, mut piece) = (Sha256::new(), vec![0; 1 << 16]);
        loop {
            match file.read(&mut piece).map_err(|cause| failed(&path, cause))? {
                0 => break,
                read => hash.update(&piece[..read]),
            }
        }
        let header = names(&mut reader(&path)?, &path)?;
        if let Some(lacks) = ["Id", "Slug"].iter().find(|name| !header.iter().any(|column| column == *name)) {
            return Err(Error::new(Kind::Config, format!("the table has no column {lacks}"))
                .at(path.display().to_string())
                .advise("give Meta Kaggle's Competitions.csv, unpacked"));
        }
        for name in ["Overview", "DatasetDescription", "HasLeaderboard"] {
            if !header.iter().any(|column| column == name) {
                tracing::warn!(column = name, "the table lacks a column: what it would tell is null");
            }
        }
        Ok(Table { id: SourceId::new(COMPETITIONS.name)?, path, digest: HEXLOWER.encode(&hash.finalize()) })
    }

    fn page(&self, at: &Cursor) -> Result<Page> {
        let mut reader = reader(&self.path)?;
        let header = names(&mut reader, &self.path)?;
        if !at.is_start() {
            reader.seek(position(at)?).map_err(|cause| damaged(&self.path, cause))?;
        }
        let mut page = Page::new(Vec::with_capacity(ROWS), None);
        let mut row = ByteRecord::new();
        while page.records.len() < ROWS {
            let from = reader.position().byte();
            if !reader.read_byte_record(&mut row).map_err(|cause| damaged(&self.path, cause))? {
                return Ok(page);
            }
            if reader.position().byte() - from > LONGEST_ROW {
                return Err(Error::new(Kind::Shape, "a row of the table is not closed")
                    .at(format!("{}, byte {from}", self.path.display()))
                    .advise("fetch the table anew"));
            }
            let text = |field: &[u8]| match field {
                [] => Value::Null,
                field => String::from_utf8_lossy(field).into(),
            };
            let columns: Map<String, Value> = header.iter().cloned().zip(row.iter().map(text)).collect();
            page.records.push(Record::write(&columns)?);
        }
        let place = reader.position();
        page.next = (!reader.is_done())
            .then(|| Cursor::new(format!("{}+{}+{}", place.byte(), place.line(), place.record())));
        Ok(page)
    }
}

fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(|cause| failed(path, cause))
}

/// The first bytes of a file.
pub(super) fn start(path: &Path) -> Result<Vec<u8>> {
    let mut start = Vec::new();
    open(path)?.take(4).read_to_end(&mut start).map_err(|cause| failed(path, cause))?;
    Ok(start)
}

fn reader(path: &Path) -> Result<Reader<BufReader<File>>> {
    // A row with fields too many or too few is read as far as it goes.
    Ok(csv::ReaderBuilder::new().flexible(true).from_reader(BufReader::new(open(path)?)))
}

fn names(reader: &mut Reader<BufReader<File>>, path: &Path) -> Result<Vec<String>> {
    let header = reader.byte_headers().map_err(|cause| damaged(path, cause))?;
    let plain = |name: &[u8]| String::from_utf8_lossy(name).trim_matches(['\u{feff}', ' ', '"']).to_owned();
    Ok(header.iter().map(plain).collect())
}

fn position(at: &Cursor) -> Result<Position> {
    let read = || {
        let mut numbers = at.as_str().split('+').map(|number| number.parse::<u64>().ok());
        let (byte, line, record) = (numbers.next()??, numbers.next()??, numbers.next()??);
        let mut position = Position::new();
        position.set_byte(byte).set_line(line).set_record(record);
        Some(position)
    };
    read().ok_or_else(|| {
        Error::new(Kind::Storage, "the checkpoint's cursor is none of this table")
            .at(at.as_str())
            .advise("restore the checkpoint from a copy, or start a new root")
    })
}

fn failed(path: &Path, cause: std::io::Error) -> Error {
    Error::io("cannot read the table", path, cause)
}

fn damaged(path: &Path, cause: csv::Error) -> Error {
    Error::new(Kind::Shape, "the table is damaged")
        .at(path.display().to_string())
        .because(cause)
        .advise("fetch the table anew")
}

impl Source for Table {
    fn id(&self) -> &SourceId {
        &self.id
    }

    fn settings(&self) -> Settings {
        Settings::default().with("table", &self.digest)
    }

    fn after(&self, _at: &Cursor) -> Option<Cursor> {
        None
    }

    async fn page(&self, at: &Cursor, _context: &Context) -> Result<Option<Page>> {
        let (table, at) = (self.clone(), at.clone());
        crate::off(move || table.page(&at)).await.map(Some)
    }

    /// A table that was put together may name a competition twice.
    fn key<'a>(&self, record: &'a Record) -> Option<Cow<'a, str>> {
        super::slug(record)
    }
}
