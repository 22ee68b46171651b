//! Reading one table: rows as a stream, columns by their names.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crawl_core::{Error, Kind, Result, Stop, Timestamp};
use csv::{ByteRecord, ReaderBuilder};

/// A row that is longer is none: a quote was not closed, or it is an attack.
const LONGEST: u64 = 256 << 20;
/// So often it is asked whether somebody wishes to stop.
const OFTEN: u64 = 4096;

/// A folder of Meta Kaggle's tables, as CSV files.
#[derive(Clone, Debug)]
pub struct Tables {
    folder: PathBuf,
    stop: Stop,
}

/// One row: the columns that were asked for, in that order.
#[derive(Clone, Copy)]
pub(crate) struct Row<'r> {
    record: &'r ByteRecord,
    places: &'r [Option<usize>],
}

impl Tables {
    /// Those in `folder`; reading them ends when `stop` is cancelled.
    ///
    /// # Errors
    /// [`Kind::Config`] if there is no such folder.
    pub fn open(folder: &Path, stop: Stop) -> Result<Self> {
        if folder.is_dir() {
            return Ok(Tables { folder: folder.to_owned(), stop });
        }
        Err(Error::new(Kind::Config, "there is no such folder of tables").at(folder.display().to_string()))
    }

    /// An error if somebody wishes to stop.
    pub(crate) fn go_on(&self) -> Result<()> {
        match self.stop.is_cancelled() {
            true => Err(Error::new(Kind::Stopped, "stopped while the tables were read")
                .at(self.folder.display().to_string())
                .advise("run the same command again; it reads the tables from the beginning")),
            false => Ok(()),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.csv"))
    }

    /// What tells these tables, as they are now, from others: a line each.
    pub(crate) fn stamp(&self, names: &[&str]) -> String {
        let line = |name: &&str| {
            let told = std::fs::metadata(self.path(name)).ok().map(|told| {
                let changed = told.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
                (told.len(), changed.map_or(0, |at| at.as_nanos()))
            });
            match told {
                Some((size, changed)) => format!("{name} {size} {changed}\n"),
                None => format!("{name} none\n"),
            }
        };
        names.iter().map(line).collect()
    }

    /// When a table was changed last.
    pub(crate) fn changed(&self, name: &str) -> Option<Timestamp> {
        std::fs::metadata(self.path(name)).ok()?.modified().ok()?.try_into().ok()
    }

    /// As [`Tables::read`], of a table that must be there.
    pub(crate) fn must_read(
        &self,
        name: &str,
        columns: &[&str],
        each: impl FnMut(Row<'_>) -> Result<()>,
    ) -> Result<()> {
        let path = self.path(name);
        if !path.is_file() {
            let zipped = path.with_extension("csv.zip").is_file();
            let advice = match zipped {
                true => "unpack the .csv.zip beside it".to_owned(),
                false => format!(
                    "fetch it: kaggle-crawler datasets kaggle/meta-kaggle --usability 0 --files {name}.csv --root DIR"
                ),
            };
            return Err(Error::new(Kind::Config, "a table of Meta Kaggle is not there")
                .at(path.display().to_string())
                .advise(advice));
        }
        self.read(name, columns, each)
    }

    /// Gives each row of a table, its columns found by name. A table or a column that is not there is unknown, and
    /// one warning says so; columns that nobody asks for are passed over.
    ///
    /// # Errors
    /// Those of reading, those of `each`, and [`Kind::Stopped`].
    pub(crate) fn read(
        &self,
        name: &str,
        columns: &[&str],
        mut each: impl FnMut(Row<'_>) -> Result<()>,
    ) -> Result<()> {
        let path = self.path(name);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                tracing::warn!("the table {name} is not there: what only it tells is unknown");
                return Ok(());
            }
            Err(cause) => return Err(Error::io("cannot read the table", &path, cause)),
        };
        tracing::info!("reading {name}");
        let bad = |cause: csv::Error| {
            Error::new(Kind::Storage, "the table cannot be read")
                .at(path.display().to_string())
                .advise("fetch the table again")
                .because(cause)
        };
        let bounded = Bounded { file, left: LONGEST };
        let mut reader = ReaderBuilder::new().flexible(true).buffer_capacity(1 << 17).from_reader(bounded);
        let header = reader.byte_headers().map_err(bad)?;
        let plain = |field: &[u8]| {
            String::from_utf8_lossy(field).trim_start_matches('\u{feff}').trim_matches('"').to_owned()
        };
        let header: Vec<String> = header.iter().map(plain).collect();
        let places: Vec<_> =
            columns.iter().map(|column| header.iter().position(|known| known == column)).collect();
        for (column, _) in columns.iter().zip(&places).filter(|(_, place)| place.is_none()) {
            tracing::warn!("the table {name} has no column {column}: what it tells is unknown");
        }
        let mut record = ByteRecord::new();
        let mut rows = 0u64;
        while reader.read_byte_record(&mut record).map_err(bad)? {
            reader.get_mut().left = LONGEST;
            each(Row { record: &record, places: &places })?;
            rows += 1;
            if rows.is_multiple_of(OFTEN) {
                self.go_on()?;
            }
        }
        Ok(())
    }
}

impl<'r> Row<'r> {
    /// A field; empty is null.
    pub(crate) fn text(self, column: usize) -> Option<Cow<'r, str>> {
        let field = self.record.get((*self.places.get(column)?)?)?;
        (!field.is_empty()).then(|| String::from_utf8_lossy(field))
    }

    pub(crate) fn owned(self, column: usize) -> Option<String> {
        self.text(column).map(Cow::into_owned)
    }

    /// A whole number; some programs write it with `.0`.
    pub(crate) fn number(self, column: usize) -> Option<u64> {
        let text = self.text(column)?;
        text.strip_suffix(".0").unwrap_or(&text).parse().ok()
    }

    pub(crate) fn signed(self, column: usize) -> Option<i64> {
        let text = self.text(column)?;
        text.strip_suffix(".0").unwrap_or(&text).parse().ok()
    }

    pub(crate) fn flag(self, column: usize) -> Option<bool> {
        match &*self.text(column)? {
            "True" | "true" => Some(true),
            "False" | "false" => Some(false),
            _ => None,
        }
    }

    pub(crate) fn date(self, column: usize) -> Option<String> {
        date(&self.text(column)?)
    }
}

/// `MM/DD/YYYY HH:MM:SS`, which is UTC, as RFC 3339; `MM/DD/YYYY` as a day without a time.
pub(crate) fn date(text: &str) -> Option<String> {
    let (day, time) = match text.split_once(' ') {
        Some((day, time)) => (day, Some(time)),
        None => (text, None),
    };
    let mut parts = day.split('/');
    let (month, day, year) = (parts.next()?, parts.next()?, parts.next()?);
    let day = format!("{year}-{month}-{day}");
    let whole = format!("{day}T{}Z", time.unwrap_or("00:00:00"));
    let right = parts.next().is_none() && whole.len() == 20 && whole.parse::<Timestamp>().is_ok();
    right.then_some(if time.is_some() { whole } else { day })
}

/// A file of which only so much is read until somebody says that it may go on.
struct Bounded {
    file: File,
    left: u64,
}

impl Read for Bounded {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(into)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, format!("a row is longer than {LONGEST} bytes"))
        })?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_the_tables_become_those_of_everybody_and_others_are_unknown() {
        assert_eq!(date("02/29/2024 23:59:01").as_deref(), Some("2024-02-29T23:59:01Z"));
        assert_eq!(date("12/01/2015").as_deref(), Some("2015-12-01"));
        for odd in [
            "02/30/2024",
            "2024-01-01",
            "1/2/2024",
            "13/01/2024 00:00:00",
            "01/01/2024 25:00:00",
            "",
            "x/y/z",
        ] {
            assert_eq!(date(odd), None, "{odd}");
        }
    }

    #[test]
    fn columns_are_found_by_name_and_what_is_not_there_is_unknown() {
        let folder = tempfile::tempdir().unwrap();
        let text = "\u{feff}\"B\",\"New\",\"A\"\n\"line\nbreak \"\"q\"\"\",\"x\",\"7.0\"\n\"\",\"y\"\n";
        std::fs::write(folder.path().join("T.csv"), text).unwrap();
        std::fs::write(folder.path().join("Empty.csv"), "").unwrap();
        let tables = Tables::open(folder.path(), Stop::new()).unwrap();
        let mut rows = Vec::new();
        let mut read = |row: Row<'_>| {
            rows.push((row.number(0), row.owned(1), row.text(2).is_some()));
            Ok(())
        };
        tables.read("T", &["A", "B", "Gone"], &mut read).unwrap();
        tables.read("Empty", &["A"], &mut read).unwrap();
        tables.read("None", &["A"], &mut read).unwrap();
        assert_eq!(rows, [(Some(7), Some("line\nbreak \"q\"".into()), false), (None, None, false)]);
        assert_eq!(tables.must_read("None", &[], |_| Ok(())).unwrap_err().kind(), Kind::Config);
        let stopped = Stop::new();
        stopped.cancel();
        let many = "A\n".to_owned() + &"1\n".repeat(5000);
        std::fs::write(folder.path().join("Many.csv"), many).unwrap();
        let error =
            Tables::open(folder.path(), stopped).unwrap().read("Many", &["A"], |_| Ok(())).unwrap_err();
        assert_eq!(error.kind(), Kind::Stopped);
    }
}
