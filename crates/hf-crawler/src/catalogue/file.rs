//! The file of a catalogue: one Parquet file, whose footer tells what was folded into it.

use std::borrow::Cow;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use crawl_core::table::{Column, Value};
use crawl_core::{Error, Kind, Record, Result, Timestamp};
use record_converter::parquet::{Reader, Rows, WriteOptions, Writer};
use serde::{Deserialize, Serialize};

use super::asked::{Asked, Sets};
use super::columns::{columns, facts};
use super::row::{Key, Row};
use super::run::Run;
use super::time::Micros;
use crate::Repos;

/// The pair of the file's own metadata that tells what it is.
const KEY: &str = "gleaner.catalogue";
/// The version of that pair's form.
const VERSION: u32 = 1;

/// What a catalogue tells of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Footer {
    pub(super) version: u32,
    /// What it is a catalogue of, such as `hf/models`.
    pub(super) listing: String,
    /// The Hub that it is of.
    pub(super) endpoint: String,
    pub(super) rows: u64,
    /// How many of them are gone.
    pub(super) gone: u64,
    /// The sets of fields that were asked for, by name.
    pub(super) fields: std::collections::BTreeMap<String, Vec<String>>,
    /// The runs that it was folded from, in order of their beginning.
    pub(super) runs: Vec<Run>,
}

/// A catalogue, open for reading.
pub struct Catalogue {
    reader: Reader,
    footer: Footer,
    sets: Sets,
    shown: String,
}

impl std::fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Catalogue").field("file", &self.shown).finish_non_exhaustive()
    }
}

impl Footer {
    pub(super) fn sets(&self) -> Sets {
        let sets = self.fields.values().map(|fields| Arc::new(Asked::new(fields.iter().cloned())));
        sets.map(|asked| (asked.name.clone(), asked)).collect()
    }
}

impl Catalogue {
    /// Opens a catalogue.
    ///
    /// # Errors
    /// [`Kind::Config`] if the file is not there or is no catalogue; [`Kind::Shape`] if it is damaged.
    pub fn open(path: &Path) -> Result<Self> {
        let shown = path.display().to_string();
        let reader = Reader::open(path)?;
        let text = reader.metadata(KEY).ok_or_else(|| {
            Error::new(Kind::Config, "this Parquet file is no catalogue: its footer does not tell of runs")
                .at(&shown)
                .advise("name a file that `hf-crawler catalogue` wrote")
        })?;
        let bad = |cause: String| {
            Error::new(Kind::Shape, "the footer of the catalogue cannot be read").at(&shown).because(cause)
        };
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let found: Version = serde_json::from_str(text).map_err(|cause| bad(cause.to_string()))?;
        if found.version != VERSION {
            let what = format!("the catalogue has version {}, this program knows {VERSION}", found.version);
            return Err(Error::new(Kind::Config, what)
                .at(&shown)
                .advise("use the program that wrote it, or make it anew from the runs"));
        }
        let footer: Footer = serde_json::from_str(text).map_err(|cause| bad(cause.to_string()))?;
        Ok(Catalogue { sets: footer.sets(), reader, footer, shown })
    }

    /// How many rows it has, those that are gone too.
    pub fn len(&self) -> u64 {
        self.footer.rows
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What it is a catalogue of, such as `hf/models`.
    pub fn listing(&self) -> &str {
        &self.footer.listing
    }

    /// The runs that it was folded from, in order of their beginning.
    pub fn runs(&self) -> &[Run] {
        &self.footer.runs
    }

    /// Refuses a catalogue of anything else than models.
    pub(super) fn of_models(&self) -> Result<()> {
        if self.listing() == Repos::Models.listing() {
            return Ok(());
        }
        Err(Error::new(Kind::Config, format!("it is a catalogue of {}, not of models", self.listing()))
            .at(&self.shown)
            .advise("make one with `hf-crawler catalogue RUN... --to models.parquet`"))
    }

    pub(super) fn columns(&self) -> &[Column] {
        self.reader.columns()
    }

    /// The rows with the values of these columns.
    pub(super) fn chosen(&self, names: &[&str]) -> Result<Rows<'_>> {
        self.reader.rows(names)
    }

    pub(super) fn footer(&self) -> &Footer {
        &self.footer
    }

    pub(super) fn sets(&self) -> &Sets {
        &self.sets
    }

    /// The rows in the order of their keys. Each is read as it is asked for.
    ///
    /// # Errors
    /// Those of [`Reader::rows`].
    pub fn rows(&self) -> Result<impl Iterator<Item = Result<Row>> + '_> {
        let rows = self.reader.rows(&["_id", "id", "raw", "fields_at", "first_seen", "last_seen"])?;
        Ok(Kept { rows, shown: &self.shown, last: None })
    }
}

struct Kept<'a> {
    rows: Rows<'a>,
    shown: &'a str,
    last: Option<Key>,
}

impl Iterator for Kept<'_> {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        let values = match self.rows.next()? {
            Ok(values) => values,
            Err(error) => return Some(Err(error)),
        };
        let row = row(values).filter(|row| self.last.as_ref().is_none_or(|last| *last < row.key));
        self.last = row.as_ref().map(|row| row.key.clone());
        Some(row.ok_or_else(|| {
            Error::new(Kind::Shape, "the catalogue has a row that cannot be, or is not in order")
                .at(self.shown)
                .advise("make it anew from the runs")
        }))
    }
}

fn row(values: Vec<Value<'static>>) -> Option<Row> {
    let [object_id, id, raw, fields_at, first, last] = <[Value<'_>; 6]>::try_from(values).ok()?;
    let text = |value: Value<'static>| match value {
        Value::Text(text) => Some(text.into_owned()),
        _ => None,
    };
    let time = |value: &Value<'_>| match value {
        Value::Time(time) => Some(Micros::from(*time)),
        _ => None,
    };
    let (first, last) = (time(&first), time(&last));
    let key = Key::new(text(object_id).as_deref(), text(id).as_deref())?;
    Some(Row { key, record: Record::parse(text(raw)?).ok()?, fields_at: text(fields_at)?, first, last })
}

impl Row {
    /// When a listing first had it, and last.
    pub fn seen(&self) -> Option<(Timestamp, Timestamp)> {
        self.first.zip(self.last).map(|(first, last)| (first.time(), last.time()))
    }
}

/// Writes a catalogue row by row, in the order of their keys.
pub(super) struct Writing<W: Write + Send> {
    to: Writer<W>,
    repos: Repos,
    rows: u64,
    gone: u64,
}

impl<W: Write + Send> Writing<W> {
    pub(super) fn new(
        to: W,
        repos: Repos,
        compression: Option<record_converter::Compression>,
    ) -> Result<Self> {
        let options = WriteOptions {
            compression,
            bloom: vec!["_id".to_owned(), "id".to_owned()],
            sorted_by: Some("_id".to_owned()),
            raw: Some("raw".to_owned()),
            // What is derived, and when it was seen, is in no record.
            raw_beside: true,
            ..WriteOptions::default()
        };
        Ok(Writing { to: Writer::new(to, &columns(repos), &options)?, repos, rows: 0, gone: 0 })
    }

    pub(super) fn push(&mut self, row: &Row, gone_at: Option<Micros>) -> Result<()> {
        let mut values = facts(self.repos, &row.record, row.fetched_at()?);
        // What the rows are sorted by: null where the server gave no `_id` that is one.
        values[0] = row.key.object_id().map_or(Value::Null, Value::Text);
        let time = |time: Option<Micros>| time.map_or(Value::Null, |time| Value::Time(time.time()));
        values.extend([time(row.first), time(row.last), time(gone_at)]);
        values.push(Value::Text(Cow::Borrowed(&row.fields_at)));
        values.push(Value::Text(Cow::Borrowed(row.record.raw().text())));
        self.to.push(&values)?;
        self.rows += 1;
        self.gone += u64::from(gone_at.is_some());
        Ok(())
    }

    /// Ends the file with what it tells of itself; gives it, how many rows it has, and how many are gone.
    pub(super) fn finish(mut self, footer: Footer) -> Result<(W, u64, u64)> {
        let footer = Footer { rows: self.rows, gone: self.gone, ..footer };
        let text = Record::write(&footer)?;
        self.to.note(KEY, String::from_utf8_lossy(text.bytes()));
        Ok((self.to.finish()?, footer.rows, footer.gone))
    }
}

impl Footer {
    pub(super) fn new(listing: &str, endpoint: &str, sets: &Sets, runs: Vec<Run>) -> Self {
        let fields = sets.iter().map(|(name, set)| (name.to_string(), set.fields().to_vec())).collect();
        let (listing, endpoint) = (listing.to_owned(), endpoint.to_owned());
        Footer { version: VERSION, listing, endpoint, rows: 0, gone: 0, fields, runs }
    }
}
