//! One writer a listing: a file lock, freed by the kernel when the process dies.

use std::fs::{File, TryLockError};
use std::io::{Seek, Write};
use std::path::Path;

use super::Disk;
use crate::{Error, Kind, Result, SourceId, Stored};

/// The lock file, in the folder of its listing; in a root it is that of programs from before listings had their own.
const NAME: &str = ".lock";

/// The right to write one listing, held until it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    /// Keeps those out who lock a whole root, as older versions did.
    _root: Option<File>,
}

impl Lock {
    pub(super) fn take(disk: &Disk, root: &Path, id: &SourceId) -> Result<Self> {
        let folder = root.join(id.as_str());
        refuse_file(&folder)?;
        disk.make_folder(&folder)?;
        let old = root.join(NAME);
        let shared = open(&old)?;
        let held = lock(&old, shared.try_lock_shared())?;
        let path = folder.join(NAME);
        let file = open(&path)?;
        lock(&path, file.try_lock())?;
        Ok(Lock { file, _root: held.then_some(shared) })
    }

    /// Leaves a note for `status`. It is a convenience: failing to write it stops nothing.
    pub(super) fn note(&mut self, text: &str) {
        let _ = self.file.rewind();
        let _ = self.file.set_len(0).and_then(|()| self.file.write_all(text.as_bytes()));
    }
}

/// A file where a folder is wanted is a slip of the hand, not a fault of the disk.
fn refuse_file(folder: &Path) -> Result<()> {
    let is_file = |part: &&Path| part.metadata().is_ok_and(|found| !found.is_dir());
    match folder.ancestors().find(is_file) {
        None => Ok(()),
        Some(file) => Err(Error::new(Kind::Config, "this is a file, and a folder is wanted")
            .at(file.display().to_string())
            .advise("name a folder as --root; it is made if it is not there")),
    }
}

fn open(path: &Path) -> Result<File> {
    File::options()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(path)
        .map_err(|cause| Error::io("cannot open the lock", path, cause))
}

/// Whether the lock is held now; a file system without locks holds none.
fn lock(path: &Path, tried: std::result::Result<(), TryLockError>) -> Result<bool> {
    match tried {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Err(busy(path)),
        Err(TryLockError::Error(cause)) => {
            let path = path.display();
            tracing::warn!(%path, %cause, "this file system keeps no locks: let no other program write here");
            Ok(false)
        }
    }
}

fn busy(path: &Path) -> Error {
    let note = std::fs::read_to_string(path).ok().filter(|note| !note.is_empty());
    let holder = note.map_or(String::new(), |note| format!(" ({})", holder(&note)));
    let place = path.parent().unwrap_or(path).display().to_string();
    Error::new(Kind::Config, format!("another writer has this listing{holder}"))
        .at(place)
        .advise("wait for it, stop it, or name another --root; in one program, drop the other `Store` first")
}

/// The program and its process, as our programs note them; another note as it is.
fn holder(note: &str) -> String {
    let told: Option<serde_json::Value> = serde_json::from_str(note).ok();
    let told = told.as_ref().and_then(|told| Some((told["program"].as_str()?, told["pid"].as_u64()?)));
    told.map_or(note.trim().to_owned(), |(program, pid)| format!("{program}, process {pid}"))
}

impl Stored {
    /// Whether somebody is writing a listing under this root now.
    pub fn root_is_being_written(root: &Path) -> bool {
        // Whoever writes a listing holds the root's lock too, beside others.
        is_held(root)
    }

    /// Whether somebody is writing this listing now.
    pub fn is_being_written(&self) -> bool {
        is_held(self.folder())
    }

    /// What its last writer noted beside the lock, if anything.
    pub fn note(&self) -> Option<String> {
        std::fs::read_to_string(self.folder().join(NAME)).ok().filter(|note| !note.is_empty())
    }
}

fn is_held(folder: &Path) -> bool {
    let file = File::options().read(true).write(true).open(folder.join(NAME));
    file.is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}
