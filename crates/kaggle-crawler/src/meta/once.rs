//! What is made of the tables once, and used again until they change: `rows.jsonl` in a folder of the root, which
//! nobody sees half made.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crawl_core::{Error, Kind, Record, Result};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{durable, settle};

/// Counts by name: rows that were there, and what was found to be odd.
pub(crate) type Counts = BTreeMap<String, u64>;

/// What was made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Made {
    /// Of which tables, and how: a digest.
    pub(crate) of: String,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) counts: Counts,
}

/// Takes the rows that are made.
pub(crate) struct Out {
    file: BufWriter<File>,
    path: PathBuf,
    rows: u64,
    bytes: u64,
}

impl Out {
    pub(crate) fn put(&mut self, row: &Record) -> Result<()> {
        let bytes = row.bytes();
        let wrote = self.file.write_all(bytes).and_then(|()| self.file.write_all(b"\n"));
        wrote.map_err(|cause| Error::io("cannot write the file", &self.path, cause))?;
        self.rows += 1;
        self.bytes += bytes.len() as u64 + 1;
        Ok(())
    }
}

/// Where the rows of `folder` lie.
pub(crate) fn rows(folder: &Path) -> PathBuf {
    folder.join("rows.jsonl")
}

/// What was made in `folder`, if it is whole.
pub(crate) fn found(folder: &Path) -> Option<Made> {
    let made: Made = serde_json::from_slice(&fs::read(folder.join("made.json")).ok()?).ok()?;
    (fs::metadata(rows(folder)).ok()?.len() == made.bytes).then_some(made)
}

/// What is made of `stamp` in `folder`: what is there, or else what `make` gives, which has a folder of its own for
/// what it needs meanwhile.
pub(crate) fn once(
    folder: &Path,
    stamp: &str,
    make: impl FnOnce(&Path, &mut Out) -> Result<Counts>,
) -> Result<Made> {
    let of = HEXLOWER.encode(&Sha256::digest(stamp));
    fs::create_dir_all(folder).map_err(|cause| Error::io("cannot make the folder", folder, cause))?;
    let lock = folder.join("lock");
    let held = File::create(&lock).map_err(|cause| Error::io("cannot make the file", &lock, cause))?;
    if let Err(fs::TryLockError::WouldBlock) = held.try_lock() {
        return Err(Error::new(Kind::Config, "another run reads the tables into this root")
            .at(folder.display().to_string())
            .advise("wait for it, or use another root"));
    }
    if let Some(made) = found(folder).filter(|made| made.of == of) {
        return Ok(made);
    }
    let scratch = folder.join("scratch");
    remove(&folder.join("made.json"), |path| fs::remove_file(path))?;
    remove(&scratch, |path| fs::remove_dir_all(path))?;
    fs::create_dir_all(&scratch).map_err(|cause| Error::io("cannot make the folder", &scratch, cause))?;
    let path = scratch.join("rows");
    let file = File::create(&path).map_err(|cause| Error::io("cannot make the file", &path, cause))?;
    let mut out =
        Out { file: BufWriter::with_capacity(1 << 18, file), path: path.clone(), rows: 0, bytes: 0 };
    let counts = make(&scratch, &mut out)?;
    let synced = out.file.flush().and_then(|()| out.file.get_ref().sync_all());
    synced.map_err(|cause| Error::io("cannot write the file", &path, cause))?;
    settle(&path, &rows(folder))?;
    let made = Made { of, rows: out.rows, bytes: out.bytes, counts };
    let text = serde_json::to_vec_pretty(&made)
        .map_err(|cause| Error::new(Kind::Storage, "cannot be written as JSON").because(cause))?;
    durable(&folder.join("made.json"), &text, false)?;
    remove(&scratch, |path| fs::remove_dir_all(path))?;
    Ok(made)
}

fn remove(path: &Path, how: impl FnOnce(&Path) -> std::io::Result<()>) -> Result<()> {
    match how(path) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::io("cannot remove what a run before left", path, cause))
        }
        _ => Ok(()),
    }
}
