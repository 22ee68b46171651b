//! Stores: page files under a root, and the checkpoint that makes them visible.

mod format;
mod gather;
mod lock;
mod stored;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use format::Compression;
pub use gather::{Gathered, gather};
pub use stored::{Stored, Verified};

use crate::files::Files;
use crate::{Checkpoint, Cursor, Disk, Error, Kind, Mark, Page, Result, Sink, SourceId, Tally};

/// The line about a page in `manifest.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The page's number, from 1.
    pub number: u64,
    /// The cursor it was fetched at.
    pub cursor: Cursor,
    /// The cursor after it; `None` on the last page.
    pub next: Option<Cursor>,
    /// The address it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// When it was fetched.
    pub fetched_at: Timestamp,
    /// How many records it holds.
    pub records: u64,
    /// How many records could not be had; they are in the page's `.missing.jsonl`.
    pub missing: u64,
    /// How many were left out on purpose, by reason.
    #[serde(default, skip_serializing_if = "Tally::is_empty")]
    pub dropped: Tally,
    /// The size of the page file.
    pub bytes: u64,
    /// The SHA-256 of the page file, in hex.
    pub sha256: String,
    /// The SHA-256 of the `.missing.jsonl` file; `None` if nothing is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_sha256: Option<String>,
    /// How many files its records name; they are in the page's `.files.jsonl`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub files: u64,
    /// Bytes of those files.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub file_bytes: u64,
    /// The SHA-256 of the `.files.jsonl` file; `None` if the page names no file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files_sha256: Option<String>,
    /// How many marks of `seen.bin` are its records', where the order of the listing moves.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub marks: u64,
    /// Why the page may not be all that the service had there; see [`Page::doubt`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<String>,
}

impl Manifest {
    /// How many rows came in: `records + missing + dropped`.
    pub fn listed(&self) -> u64 {
        self.records + self.missing + self.dropped.values().sum::<u64>()
    }
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// What the records of the committed pages are known by, 16 bytes each, where the order of the listing moves.
const MARKS: &str = "seen.bin";
const MARK_BYTES: u64 = size_of::<Mark>() as u64;

/// Page files under a root folder: see ARCHITECTURE.md for the layout. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
    compression: Compression,
    disk: Disk,
    files: Files,
    held: Arc<Mutex<HashMap<SourceId, Held>>>,
}

/// The lock of a listing that this store writes, and whose turn it is: a step goes on although its future was
/// dropped, and the next one waits for it.
type Held = Arc<tokio::sync::Mutex<Option<lock::Lock>>>;

impl Store {
    /// A store under `root`, which is made when the first page is written.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        let files = Files::new(&root);
        Store { root, compression: Compression::None, disk: Disk::default(), files, held: Arc::default() }
    }

    /// Compresses the pages that are written from now on.
    pub fn with_compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// Writes through this disk.
    pub fn with_disk(mut self, disk: Disk) -> Self {
        self.files = self.files.with_disk(disk.clone());
        self.disk = disk;
        self
    }

    /// Keeps the files that records name in this way.
    pub fn with_files(mut self, files: Files) -> Self {
        self.files = files;
        self
    }

    /// Leaves a note for `status` beside the lock of a listing that this store writes.
    pub async fn note(&self, id: &SourceId, text: &str) {
        if let Some(lock) = self.held(id).lock().await.as_mut() {
            lock.note(text);
        }
    }

    /// Takes the listing for writing, until the last clone of this store is dropped.
    ///
    /// # Errors
    /// [`Kind::Config`] if another writer has it; [`Kind::Storage`] if the disk refused.
    pub async fn hold(&self, id: &SourceId) -> Result<()> {
        self.step(id, |_| Ok(())).await
    }

    fn held(&self, id: &SourceId) -> Held {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).entry(id.clone()).or_default().clone()
    }

    /// Does something to a listing where it holds up nobody, as its only writer.
    async fn step<T: Send + 'static>(
        &self,
        id: &SourceId,
        work: impl FnOnce(&Store) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (store, id, mut held) = (self.clone(), id.clone(), self.held(id).lock_owned().await);
        off_the_loop(move || {
            if held.is_none() {
                *held = Some(lock::Lock::take(&store.disk, &store.root, &id)?);
            }
            work(&store)
        })
        .await
    }

    /// The root folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Takes the listing of another place, such as a bucket, as far as it has come there: from here on this store
    /// goes on behind those pages. Their files need not be here.
    ///
    /// # Errors
    /// [`Kind::Storage`] if the disk refused.
    pub async fn adopt(
        &self,
        id: &SourceId,
        manifest: Vec<u8>,
        marks: Vec<u8>,
        checkpoint: &Checkpoint,
    ) -> Result<()> {
        let (listing, checkpoint) = (id.clone(), checkpoint.clone());
        self.step(id, move |store| {
            let folder = store.folder(&listing);
            // A page that was written and not committed is none of that listing.
            let next = stored::checkpoint(&folder)?.pages + 1;
            store.remove_page(&folder, next)?;
            store.disk.put(&folder.join("manifest.jsonl"), &manifest)?;
            if checkpoint.marks > 0 {
                store.disk.put(&folder.join(MARKS), &marks)?;
            }
            store.write_checkpoint(&listing, &checkpoint)
        })
        .await
    }

    fn remove_page(&self, folder: &Path, number: u64) -> Result<()> {
        self.disk.remove(&folder.join(missing_name(number)))?;
        self.disk.remove(&folder.join(files_name(number)))?;
        Compression::ALL
            .into_iter()
            .try_for_each(|compression| self.disk.remove(&folder.join(page_name(number, compression))))
    }

    fn folder(&self, id: &SourceId) -> PathBuf {
        self.root.join(id.as_str())
    }

    /// Reads the checkpoint and takes in a page that was written whole but not yet committed: a crash between
    /// the two steps then costs nothing, and the page is not fetched again.
    fn read_checkpoint(&self, id: &SourceId) -> Result<Checkpoint> {
        let folder = self.folder(id);
        let at = stored::checkpoint(&folder)?;
        let Some(further) = self.written_after(&folder, &at) else { return Ok(at) };
        self.write_checkpoint(id, &further)?;
        Ok(further)
    }

    fn written_after(&self, folder: &Path, at: &Checkpoint) -> Option<Checkpoint> {
        at.settings.as_ref()?;
        let text = stored::manifest_after(folder, at.manifest_bytes).ok()?;
        let (line, _) = text.split_once('\n')?;
        let line_bytes = line.len() as u64 + 1;
        let line: Manifest = serde_json::from_str(line).ok()?;
        if line.number != at.pages + 1 || Some(&line.cursor) != at.next.as_ref() {
            return None;
        }
        let found = stored::find_page(folder, line.number)?;
        let whole = |path: &Path, sha256: &str| {
            std::fs::read(path).is_ok_and(|bytes| hex(&Sha256::digest(bytes)) == sha256)
        };
        let beside = |sha256: &Option<String>, name: String| {
            sha256.as_ref().is_none_or(|sha256| whole(&folder.join(name), sha256))
        };
        let marks = (at.marks + line.marks) * MARK_BYTES;
        let is_whole = whole(&found, &line.sha256)
            && beside(&line.missing_sha256, missing_name(line.number))
            && beside(&line.files_sha256, files_name(line.number))
            && (marks == 0 || folder.join(MARKS).metadata().is_ok_and(|meta| meta.len() >= marks));
        is_whole.then(|| at.after(&line, line_bytes))
    }

    fn write_page(&self, id: &SourceId, at: &Checkpoint, page: &Page) -> Result<Checkpoint> {
        let (Some(cursor), Some(_)) = (at.next.clone(), &at.settings) else {
            return Err(
                Error::new(Kind::Storage, "this listing has ended or was never begun").at(id.as_str())
            );
        };
        let folder = self.folder(id);
        let number = at.pages + 1;
        let bytes = self.compression.encode(&page.records)?;
        for other in Compression::ALL.into_iter().filter(|other| *other != self.compression) {
            self.disk.remove(&folder.join(page_name(number, other)))?;
        }
        self.disk.put(&folder.join(page_name(number, self.compression)), &bytes)?;
        let missing_sha256 = self.write_lines(&folder.join(missing_name(number)), &page.missing)?;
        let files_sha256 = self.write_lines(&folder.join(files_name(number)), &page.files)?;
        if !page.marks.is_empty() {
            self.disk.append_at(&folder.join(MARKS), at.marks * MARK_BYTES, page.marks.as_flattened())?;
        }
        let line = Manifest {
            number,
            cursor,
            next: page.next.clone(),
            url: page.url.as_ref().map(crate::shown),
            fetched_at: page.fetched_at,
            records: page.records.len() as u64,
            missing: page.missing.len() as u64,
            dropped: page.dropped.clone(),
            bytes: bytes.len() as u64,
            sha256: hex(&Sha256::digest(&bytes)),
            missing_sha256,
            files: page.files.len() as u64,
            file_bytes: page.files.iter().map(|file| file.size).sum(),
            files_sha256,
            marks: page.marks.len() as u64,
            doubt: page.doubt.clone(),
        };
        self.write_line(&folder, at, &line)
    }

    /// Puts a line behind the manifest of the committed pages. Gives the checkpoint to commit.
    fn write_line(&self, folder: &Path, at: &Checkpoint, line: &Manifest) -> Result<Checkpoint> {
        let mut text = encode(line);
        text.push('\n');
        self.disk.append_at(&folder.join("manifest.jsonl"), at.manifest_bytes, text.as_bytes())?;
        self.disk.sync_folder(folder)?;
        Ok(at.after(line, text.len() as u64))
    }

    /// Writes what belongs to a page, a line each; `None` if there is nothing.
    fn write_lines(&self, path: &Path, lines: &[impl Serialize]) -> Result<Option<String>> {
        if lines.is_empty() {
            return self.disk.remove(path).map(|()| None);
        }
        let mut text = String::new();
        for line in lines {
            text.push_str(&encode(line));
            text.push('\n');
        }
        self.disk.put(path, text.as_bytes())?;
        Ok(Some(hex(&Sha256::digest(text.as_bytes()))))
    }

    fn write_checkpoint(&self, id: &SourceId, to: &Checkpoint) -> Result<()> {
        let folder = self.folder(id);
        let mut text = encode(to);
        text.push('\n');
        self.disk.put(&folder.join("checkpoint.json"), text.as_bytes())?;
        self.disk.sync_folder(&folder)
    }
}

impl Sink for Store {
    async fn checkpoint(&self, id: &SourceId) -> Result<Checkpoint> {
        let listing = id.clone();
        self.step(id, move |store| store.read_checkpoint(&listing)).await
    }

    async fn marks(&self, id: &SourceId, at: &Checkpoint) -> Result<Vec<Mark>> {
        let (path, wanted) = (self.folder(id).join(MARKS), at.marks);
        off_the_loop(move || stored::read_marks(&path, wanted)).await
    }

    fn files(&self) -> Files {
        self.files.clone()
    }

    async fn write(&self, id: &SourceId, at: &Checkpoint, page: Page) -> Result<Checkpoint> {
        let (listing, at) = (id.clone(), at.clone());
        self.step(id, move |store| store.write_page(&listing, &at, &page)).await
    }

    async fn commit(&self, id: &SourceId, to: &Checkpoint) -> Result<()> {
        let (listing, to) = (id.clone(), to.clone());
        self.step(id, move |store| store.write_checkpoint(&listing, &to)).await
    }
}

/// Runs blocking work where it holds up nobody.
pub(crate) async fn off_the_loop<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(cause) => Err(Error::new(Kind::Storage, "a write was broken off").because(cause)),
    }
}

fn encode(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("our own types have string keys and no failing parts")
}

fn page_name(number: u64, compression: Compression) -> String {
    format!("page_{number:05}.jsonl{}", compression.suffix())
}

fn files_name(number: u64) -> String {
    format!("page_{number:05}.files.jsonl")
}

fn missing_name(number: u64) -> String {
    format!("page_{number:05}.missing.jsonl")
}

/// Bytes as lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}
