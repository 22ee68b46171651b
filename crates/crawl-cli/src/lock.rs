//! One writer per root: a file lock, freed by the kernel when the process dies.

use std::fs::{File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use crawl_core::{Error, Kind, Timestamp};
use serde::{Deserialize, Serialize};

/// What the lock file tells `status`: who writes here, and how the last run ended.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Note {
    pub pid: u32,
    pub program: String,
    pub started_at: Option<Timestamp>,
    /// How many records are expected in all, where that is known.
    pub expects: Option<u64>,
    pub ended_at: Option<Timestamp>,
    pub last_error: Option<String>,
}

/// The right to write under a root, held until it is dropped.
#[derive(Debug)]
pub struct RootLock {
    file: File,
    note: Note,
}

impl RootLock {
    /// Takes the lock of `root`, which is made if it is not there.
    ///
    /// # Errors
    /// [`Kind::Config`] if another process has it.
    pub fn take(root: &Path, program: &str, expects: Option<u64>) -> Result<Self> {
        std::fs::create_dir_all(root).map_err(|cause| Error::io("cannot make the root", root, cause))?;
        let path = lock_path(root);
        let failed = |cause| Error::io("cannot lock the root", &path, cause);
        let file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::Error(cause)) => return Err(failed(cause).into()),
            Err(TryLockError::WouldBlock) => return Err(busy(root).into()),
        }
        let note = Note {
            pid: std::process::id(),
            program: program.to_owned(),
            started_at: Some(Timestamp::now()),
            expects,
            ..Note::default()
        };
        let mut lock = RootLock { file, note };
        lock.write();
        Ok(lock)
    }

    /// Whether the lock could be taken, for what must be known before a run has it.
    ///
    /// # Errors
    /// As [`RootLock::take`].
    pub fn check(root: &Path) -> Result<()> {
        if is_locked(root) { Err(busy(root).into()) } else { Ok(()) }
    }

    /// Notes how the run ended.
    pub(crate) fn end(mut self, error: Option<String>) {
        self.note.ended_at = Some(Timestamp::now());
        self.note.last_error = error;
        self.write();
    }

    /// The note is a convenience: failing to write it stops nothing.
    fn write(&mut self) {
        let text = serde_json::to_string(&self.note).unwrap_or_default();
        let _ = std::io::Seek::rewind(&mut self.file);
        let _ = self.file.set_len(0).and_then(|()| self.file.write_all(text.as_bytes()));
    }
}

fn busy(root: &Path) -> Error {
    let holder =
        read_note(root).map_or(String::new(), |note| format!(" ({}, process {})", note.program, note.pid));
    Error::new(Kind::Config, format!("another process is writing here{holder}"))
        .at(root.display().to_string())
        .advise("wait for it, stop it, or name another --root")
}

pub(crate) fn read_note(root: &Path) -> Option<Note> {
    serde_json::from_str(&std::fs::read_to_string(lock_path(root)).ok()?).ok()
}

/// Whether a process is writing under the root now.
pub fn is_locked(root: &Path) -> bool {
    let file = File::options().read(true).write(true).open(lock_path(root));
    file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

fn lock_path(root: &Path) -> PathBuf {
    root.join(".lock")
}
