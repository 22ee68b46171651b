//! What describes a folder of tables: `croissant.json` (Croissant 1.1) for programs and `README.md`, a dataset card, for people
//! and hubs. Both tell the columns and what the tables were made from, so that the folder can be handed on as it is.

mod croissant;
mod readme;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crawl_core::table::Column;
use crawl_core::{Error, Input, Kind, Result, Staged, Timestamp};
use sha2::{Digest, Sha256};

use crate::staged::refuse_existing;

/// The files that [`Card::write`] makes.
const FILES: [&str; 2] = ["croissant.json", "README.md"];

/// How the records of a table lie in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Parquet.
    Parquet,
    /// CSV with a header.
    Csv,
}

/// A table in the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The name of its file.
    pub file: String,
    /// How its records lie there.
    pub form: Form,
    /// Its columns, in order.
    pub columns: Vec<Column>,
    /// How many rows it has.
    pub rows: u64,
    /// The size of the file.
    pub bytes: u64,
    /// The SHA-256 of the file, in hex.
    pub sha256: String,
}

/// What tables were made from: a listing, and the state that it was in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The listing, as `hf/datasets`; or the name of a file.
    pub name: String,
    /// The SHA-256 of its manifest, in hex: the manifest has the digest of every page. Of a file its own.
    pub sha256: String,
    /// How many records it has; `None`: not known.
    pub records: Option<u64>,
}

/// What is told about a folder of tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// How the data is called.
    pub name: String,
    /// What it is, in a sentence or two.
    pub about: String,
    /// The tables.
    pub tables: Vec<Table>,
    /// What they were made from.
    pub origins: Vec<Origin>,
    /// When.
    pub made: Timestamp,
}

impl Table {
    /// The table in the file `path`, which is read once for its digest.
    ///
    /// # Errors
    /// [`Kind::Storage`] if it cannot be read; [`Kind::Config`] if its name is no text.
    pub fn of(path: &Path, form: Form, columns: Vec<Column>, rows: u64) -> Result<Self> {
        let file = path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
        let file = file.ok_or_else(|| {
            Error::new(Kind::Config, "the name of the table is no text").at(path.display().to_string())
        })?;
        let (bytes, sha256) = digest(path)?;
        Ok(Table { file, form, columns, rows, bytes, sha256 })
    }
}

impl Origin {
    /// The listings of an input, each with the digest of its manifest.
    ///
    /// # Errors
    /// [`Kind::Storage`] if a manifest cannot be read.
    pub fn of(input: &Input) -> Result<Vec<Self>> {
        let origin = |stored: &crawl_core::Stored| {
            let digest = Sha256::digest(stored.manifest_bytes(0)?);
            Ok(Origin {
                name: stored.id().to_string(),
                sha256: data_encoding::HEXLOWER.encode(&digest),
                records: Some(stored.checkpoint().totals.records),
            })
        };
        input.listings().map(origin).collect()
    }

    /// A file, with its own digest.
    ///
    /// # Errors
    /// [`Kind::Storage`] if it cannot be read.
    pub fn of_file(path: &Path) -> Result<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Origin { name, sha256: digest(path)?.1, records: None })
    }
}

impl Card {
    /// Writes `croissant.json` and `README.md` into `folder`.
    ///
    /// # Errors
    /// [`Kind::Config`] if one is there and `force` is not set; [`Kind::Storage`] if the disk refuses.
    pub fn write(&self, folder: &Path, force: bool) -> Result<()> {
        Card::refuse_existing(folder, force)?;
        let [croissant, readme] = Card::paths(folder);
        Staged::put(&croissant, croissant::text(self).as_bytes())?;
        Staged::put(&readme, readme::text(self).as_bytes())
    }

    /// Refuses to write over what is there. Called before any work is done.
    pub(crate) fn refuse_existing(folder: &Path, force: bool) -> Result<()> {
        Card::paths(folder).iter().try_for_each(|path| refuse_existing(path, force))
    }

    fn paths(folder: &Path) -> [PathBuf; 2] {
        FILES.map(|name| folder.join(name))
    }
}

/// The size and the SHA-256 of a file.
fn digest(path: &Path) -> Result<(u64, String)> {
    let fault = |cause| Error::io("cannot read the file", path, cause);
    let mut file = File::open(path).map_err(fault)?;
    let mut digest = Sha256::new();
    let (mut bytes, mut buffer) = (0, vec![0; 256 << 10]);
    loop {
        match file.read(&mut buffer).map_err(fault)? {
            0 => return Ok((bytes, data_encoding::HEXLOWER.encode(&digest.finalize()))),
            read => {
                digest.update(&buffer[..read]);
                bytes += read as u64;
            }
        }
    }
}
