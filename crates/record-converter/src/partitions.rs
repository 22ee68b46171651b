//! Hive partitions: a folder of Parquet files, one for each value of a column.
//!
//! Each record goes into a temporary file of its partition first, and the partitions become Parquet one after the other:
//! so one Parquet file is open at a time, and none is in pieces.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crawl_core::json::Raw;
use crawl_core::{Error, Kind, Result, Staged};

use crate::columns::Columns;
use crate::losses::visible;
use crate::output::Table;
use crate::request::{Options, Output};
use crate::staged::create;
use crate::summary::Summary;
use crate::supply::Supply;

/// The most partitions.
const MOST: usize = 10_000;
/// So many temporary files are open at a time.
const OPEN: usize = 64;
/// What stands for null, and as in Hive for an empty text.
const NOTHING: &str = "__HIVE_DEFAULT_PARTITION__";
const LONGEST_NAME: usize = 255;

/// The records, sorted into a temporary file for each partition.
pub(crate) struct Partitions {
    by: String,
    /// Whether the records have their value still, whatever the name of the folder is.
    raw: bool,
    folder: tempfile::TempDir,
    /// The number of each partition, by the name of its folder; and what its first value is.
    numbers: BTreeMap<String, (usize, Kinds)>,
    /// The files that are open, the one that was used last at the end.
    open: Vec<(usize, BufWriter<File>)>,
}

impl Partitions {
    /// Begins, with temporary files beside `to`.
    ///
    /// # Errors
    /// [`Kind::Config`] if `to` is there already; [`Kind::Storage`] if the disk refuses.
    pub(crate) fn new(to: &Path, by: &str, raw: bool) -> Result<Self> {
        if fs::symlink_metadata(to).is_ok() {
            return Err(Error::new(Kind::Config, "the output exists already")
                .at(to.display().to_string())
                .advise("name another folder; a folder of partitions is never replaced"));
        }
        let beside = Staged::folder(to);
        let made = tempfile::Builder::new().prefix(".partitions-").tempdir_in(beside);
        let made = made.map_err(|cause| Error::io("cannot make a temporary folder", beside, cause))?;
        Ok(Partitions { by: by.to_owned(), raw, folder: made, numbers: BTreeMap::new(), open: Vec::new() })
    }

    /// Adds a record to its partition.
    ///
    /// # Errors
    /// [`Kind::Config`] if its value names no folder or there are too many; [`Kind::Storage`] if the disk refuses.
    pub(crate) fn push(&mut self, record: Raw<'_>, summary: &mut Summary) -> Result<()> {
        let value = record.members().into_iter().flatten().filter(|(key, _)| key.is(&self.by)).last();
        let value = value.map(|(_, value)| value).filter(|value| !value.is_null());
        let name = name(&self.by, value)?;
        let kind = Kinds::of(value);
        let next = self.numbers.len();
        let number = match self.numbers.get(&name) {
            Some((number, first)) => {
                if *first != kind && !self.raw {
                    let why =
                        "values of several types are in one folder, whose name does not tell them apart";
                    summary.note_lost(|| (name.clone(), why.into()));
                }
                *number
            }
            None if next == MOST => {
                return Err(Error::new(
                    Kind::Config,
                    format!("`{}` has more than {MOST} values", visible(&self.by)),
                )
                .advise("partition by a column with fewer"));
            }
            None => {
                self.numbers.insert(name, (next, kind));
                next
            }
        };
        let at = match self.open.iter().position(|(open, _)| *open == number) {
            Some(at) => at,
            None => self.reopen(number)?,
        };
        let path = self.path(number);
        let mut file = self.open.remove(at);
        let text = record.text();
        let done = file.1.write_all(text.as_bytes()).and_then(|()| file.1.write_all(b"\n"));
        self.open.push(file);
        done.map_err(|cause| Error::io("cannot write a temporary file", &path, cause))
    }

    /// Writes all partitions under `to`, which appears when all are whole.
    ///
    /// # Errors
    /// [`Kind::Storage`] if the disk refuses.
    pub(crate) fn finish(
        mut self,
        to: &Path,
        columns: &Columns,
        options: &Options,
        summary: &mut Summary,
    ) -> Result<()> {
        let whole = self.folder.path().join("whole");
        for (at, mut file) in self.open.drain(..) {
            let path = self.folder.path().join(at.to_string());
            file.flush().map_err(|cause| Error::io("cannot write a temporary file", &path, cause))?;
        }
        let fault = |path: &Path, cause| Error::io("cannot make the folder", path, cause);
        fs::create_dir(&whole).map_err(|cause| fault(&whole, cause))?;
        for (name, (number, _)) in &self.numbers {
            let inside = whole.join(name);
            fs::create_dir(&inside).map_err(|cause| fault(&inside, cause))?;
            let path = inside.join("part-00000.parquet");
            let mut file = create(&path, false)?;
            let mut table = Table::new(&mut file, &path, &Output::Parquet(path.clone()), columns, options)?;
            let records = self.path(*number);
            Supply::File(records.clone()).read(&mut Summary::default(), |record| {
                summary.records_written += 1;
                table.push(record, columns)
            })?;
            table.finish()?;
            summary.bytes += file.finish()?;
            fs::remove_file(&records).map_err(|cause| fault(&records, cause))?;
        }
        fs::rename(&whole, to).map_err(|cause| fault(to, cause))
    }

    fn path(&self, number: usize) -> PathBuf {
        self.folder.path().join(number.to_string())
    }

    /// Opens a file to go on with it, in place of the one that was not used for longest.
    fn reopen(&mut self, number: usize) -> Result<usize> {
        if self.open.len() == OPEN {
            let (other, mut file) = self.open.remove(0);
            let path = self.path(other);
            file.flush().map_err(|cause| Error::io("cannot write a temporary file", &path, cause))?;
        }
        let path = self.path(number);
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let file = file.map_err(|cause| Error::io("cannot make a temporary file", &path, cause))?;
        self.open.push((number, BufWriter::new(file)));
        Ok(self.open.len() - 1)
    }
}

/// What a value is, of those that may have a folder of one name.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kinds {
    Nothing,
    Text,
    Other,
}

impl Kinds {
    fn of(value: Option<Raw<'_>>) -> Self {
        match value {
            None => Kinds::Nothing,
            Some(value) if value.is_str() => Kinds::Text,
            Some(_) => Kinds::Other,
        }
    }
}

/// The folder of a value that is not null: `column=value`, escaped as Hive and Spark do, so that it is one folder whatever the value is.
fn name(by: &str, value: Option<Raw<'_>>) -> Result<String> {
    let mut name = String::new();
    escape(&mut name, by);
    name.push('=');
    let refused = |what: &str| {
        Err(Error::new(Kind::Config, format!("a value of `{}` {what}", visible(by)))
            .advise("partition by another column"))
    };
    let before = name.len();
    match value {
        None => {}
        Some(value) => match value.str() {
            Some(text) => escape(&mut name, &text),
            None if value.bool().is_some() || value.f64().is_some() => name.push_str(value.text()),
            None => return refused("is a list or an object, and cannot name a folder"),
        },
    }
    if name.len() == before {
        name.push_str(NOTHING);
    }
    if name.len() > LONGEST_NAME {
        return refused("is too long to name a folder");
    }
    Ok(name)
}

fn escape(to: &mut String, text: &str) {
    for letter in text.chars() {
        let special = letter.is_ascii_control() || r##""#%'*/:=?\{[]^"##.contains(letter);
        if special {
            to.push_str(&format!("%{:02X}", u32::from(letter)));
        } else {
            to.push(letter);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_names_one_folder() {
        let shown = |json: &str| name("a/b", Some(Raw::parse(json.as_bytes()).unwrap()));
        for (json, expected) in [
            (r#""en""#, "a%2Fb=en"),
            (r#""../../etc/passwd""#, "a%2Fb=..%2F..%2Fetc%2Fpasswd"),
            (r#""..""#, "a%2Fb=.."),
            (r#""a b\u0000\n%é=""#, "a%2Fb=a b%00%0A%25é%3D"),
            ("1.5", "a%2Fb=1.5"),
            ("true", "a%2Fb=true"),
            (r#""""#, "a%2Fb=__HIVE_DEFAULT_PARTITION__"),
        ] {
            assert_eq!(shown(json).unwrap(), expected);
        }
        assert!(shown("[]").is_err() && shown("{}").is_err());
        assert!(shown(&format!("\"{}\"", "x".repeat(300))).is_err());
    }
}
