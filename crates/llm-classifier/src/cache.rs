//! The response cache: a journal of every answer that was paid for, a line each, appended the moment it arrives.
//!
//! The journal is the truth. Beside it lies an index, so that memory does not grow with the number of answers; where the
//! index lags behind or is broken, it is mended from the journal.

mod index;
mod tend;

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crawl_core::{Error, Kind, Result, Timestamp};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use crate::Reply;
use index::Index;
pub use tend::{History, Prune, Pruned, Sums, prune};

/// How long an answer may wait to be safe from a power cut. A killed process loses nothing that was written.
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// The SHA-256 of an address and a request body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key([u8; 32]);

impl Key {
    pub(crate) fn new(digest: [u8; 32]) -> Self {
        Key(digest)
    }

    /// The key of a vote; the first has the key of the question.
    pub(crate) fn vote(self, vote: u32) -> Self {
        if vote <= 1 {
            return self;
        }
        use sha2::{Digest, Sha256};
        let digest =
            Sha256::new().chain_update(self.0).chain_update(b"vote").chain_update(vote.to_be_bytes());
        Key(digest.finalize().into())
    }

    /// What the index holds: half of it. The whole is compared with the line.
    fn short(self) -> u128 {
        let mut half = [0; 16];
        half.copy_from_slice(&self.0[..16]);
        u128::from_be_bytes(half)
    }

    pub(crate) fn hex(self) -> String {
        HEXLOWER.encode(&self.0)
    }

    /// The key of its hex.
    pub(crate) fn from_hex(text: &str) -> Option<Self> {
        let mut key = [0; 32];
        let fits = HEXLOWER.decode_len(text.len()) == Ok(key.len());
        (fits && HEXLOWER.decode_mut(text.as_bytes(), &mut key).is_ok()).then_some(Key(key))
    }
}

/// A line of the journal. Lines are for people too: `jq` reads them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// The SHA-256 of the address and the request body, in hex.
    pub key: String,
    /// When the answer was whole.
    pub at: Timestamp,
    /// The address that was asked.
    pub endpoint: String,
    /// The model that was asked.
    pub model: String,
    /// The task.
    pub task: String,
    /// The digest of all that was said beside the record.
    pub prompt: String,
    /// The parameters of the model.
    pub parameters: serde_json::Map<String, serde_json::Value>,
    /// The record's id.
    pub record: String,
    /// 1, or 2 for the answer after the model was shown its error.
    pub round: u8,
    /// How long it took from sending to the whole body, with all waits and tries.
    pub latency_ms: u64,
    /// What it cost; `null` if the price was not known when it was paid, or the endpoint did not count.
    #[serde(default)]
    pub cost_usd: Option<f64>,
    /// The most that it can have cost, where the endpoint did not count: so much was booked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presumed_usd: Option<f64>,
    /// What was said.
    #[serde(flatten)]
    pub reply: Reply,
}

/// What was found when the journal was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// Different questions with an answer.
    pub answers: u64,
    /// Bytes of a torn last line, which were cut off.
    pub torn_bytes: u64,
    /// Lines that are none of ours, of those that were not in the index yet; they stay where they are.
    pub unreadable: u64,
}

/// The journal, open for one process.
#[derive(Debug)]
pub struct Cache {
    path: PathBuf,
    opened: Opened,
    syncing: Arc<File>,
    journal: Mutex<Journal>,
}

#[derive(Debug)]
struct Journal {
    file: File,
    end: u64,
    index: Index,
    synced_at: Instant,
}

impl Cache {
    /// Opens the journal at `path`, a `.jsonl` file or a folder for `answers.jsonl`; makes it if it is not there.
    ///
    /// # Errors
    /// [`Kind::Config`] if another process has it open; [`Kind::Storage`] if it cannot be read or made.
    pub fn open(path: &Path) -> Result<Self> {
        let path = file_of(path);
        let failed = |cause| Error::io("cannot open the response cache", &path, cause);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let open = || OpenOptions::new().create(true).read(true).append(true).open(&path);
        let mut file = open().map_err(failed)?;
        lock(&file, &path)?;
        // While this was opened `prune` may have put a new journal into its place: what is written here would be lost.
        while !is_at(&file, &path) {
            file = open().map_err(failed)?;
            lock(&file, &path)?;
        }
        let (index, end, opened) = Index::open(&mut file, &path)?;
        let syncing = Arc::new(file.try_clone().map_err(failed)?);
        let journal = Mutex::new(Journal { file, end, index, synced_at: Instant::now() });
        Ok(Cache { path, opened, syncing, journal })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What was found when it was opened.
    pub fn opened(&self) -> Opened {
        self.opened
    }

    /// How many different questions have an answer.
    pub fn answers(&self) -> u64 {
        self.lock().index.answers()
    }

    /// Whether a question has an answer, by the index alone.
    pub(crate) fn has(&self, key: Key) -> Result<bool> {
        Ok(self.lock().index.get(key.short())?.is_some())
    }

    /// The answer to a question.
    pub(crate) fn get(&self, key: Key) -> Result<Option<Kept>> {
        let mut journal = self.lock();
        let Some((start, length)) = journal.index.get(key.short())? else { return Ok(None) };
        let mut line = vec![0; length as usize];
        let read = journal.file.seek(SeekFrom::Start(start)).and_then(|_| journal.file.read_exact(&mut line));
        drop(journal);
        read.map_err(|cause| Error::io("cannot read the response cache", &self.path, cause))?;
        let kept: Option<Kept> = serde_json::from_slice(&line).ok();
        Ok(kept.filter(|kept| kept.key == key.hex()))
    }

    /// Keeps an answer with one write, and tells whether a [`Cache::sync`] is due.
    pub(crate) fn keep(&self, key: Key, kept: &Kept) -> Result<bool> {
        let failed = |cause| Error::io("cannot write the response cache", &self.path, cause);
        let mut line = Vec::with_capacity(1024);
        serde_json::to_writer(&mut line, kept).map_err(|cause| failed(cause.into()))?;
        line.push(b'\n');
        let mut journal = self.lock();
        if let Err(cause) = journal.file.write_all(&line) {
            // Half a line must not stand before the next one.
            let end = journal.end;
            let _ = journal.file.set_len(end);
            return Err(failed(cause));
        }
        let (start, length) = (journal.end, u32::try_from(line.len()).unwrap_or(0));
        journal.end += line.len() as u64;
        let end = journal.end;
        journal.index.put(key.short(), start, length, end)?;
        let due = journal.synced_at.elapsed() >= SYNC_EVERY;
        if due {
            journal.synced_at = Instant::now();
        }
        Ok(due)
    }

    /// Makes what was written safe from a power cut. Blocks.
    pub(crate) fn sync(&self) -> Result<()> {
        self.syncing
            .sync_data()
            .map_err(|cause| Error::io("cannot sync the response cache", &self.path, cause))
    }

    /// The file, for a sync that nobody waits for.
    pub(crate) fn syncing(&self) -> Arc<File> {
        self.syncing.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        // What is not in the index is found in the journal at the next start.
        let Journal { file, end, index, .. } = &mut *self.lock();
        let _ = index.flush_with_head(*end, file);
    }
}

impl Kept {
    /// The hex of a key, as lines have it.
    pub(crate) fn key(key: Key) -> String {
        key.hex()
    }
}

/// The journal that a path names: a `.jsonl` file, or `answers.jsonl` in a folder.
pub(crate) fn file_of(path: &Path) -> PathBuf {
    let is_file = path.extension().is_some_and(|extension| extension == "jsonl") && !path.is_dir();
    if is_file { path.to_owned() } else { path.join("answers.jsonl") }
}

/// Whether a file is the one that the path names.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let same = |one: &std::fs::Metadata, other: &std::fs::Metadata| {
        (one.dev(), one.ino()) == (other.dev(), other.ino())
    };
    matches!((file.metadata(), std::fs::metadata(path)), (Ok(one), Ok(other)) if same(&one, &other))
}

#[cfg(not(unix))]
fn is_at(_file: &File, _path: &Path) -> bool {
    // There an open file cannot be replaced.
    true
}

fn lock(file: &File, path: &Path) -> Result<()> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(std::fs::TryLockError::WouldBlock) => {
            Err(Error::new(Kind::Config, "another process uses this response cache")
                .at(path.display().to_string())
                .advise("wait until the other run ends, or name another file with --cache"))
        }
        Err(std::fs::TryLockError::Error(cause)) => {
            Err(Error::io("cannot lock the response cache", path, cause))
        }
    }
}
