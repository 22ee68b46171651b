//! Stores: page files under a root, and the checkpoint that makes them visible.

mod format;
mod stored;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use format::Compression;
pub use stored::{Stored, StoredPage, Verified};

use crate::{Checkpoint, Cursor, Disk, Error, Kind, Page, Result, Sink, SourceId, Tally};

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
}

/// Page files under a root folder: see ARCHITECTURE.md for the layout. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
    compression: Compression,
    disk: Disk,
}

impl Store {
    /// A store under `root`, which is made when the first page is written.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Store { root: root.into(), compression: Compression::None, disk: Disk::default() }
    }

    /// Compresses the pages that are written from now on.
    pub fn with_compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// Writes through this disk.
    pub fn with_disk(mut self, disk: Disk) -> Self {
        self.disk = disk;
        self
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
    pub fn adopt(&self, id: &SourceId, manifest: &[u8], checkpoint: &Checkpoint) -> Result<()> {
        let folder = self.folder(id);
        self.disk.make_folder(&folder)?;
        // A page that was written and not committed is none of that listing.
        let next = stored::checkpoint(&folder)?.pages + 1;
        remove_leftover(&folder.join(missing_name(next)))?;
        for compression in Compression::ALL {
            remove_leftover(&folder.join(page_name(next, compression)))?;
        }
        self.disk.put(&folder.join("manifest.jsonl"), manifest)?;
        self.write_checkpoint(id, checkpoint)
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
        let missing_whole = match &line.missing_sha256 {
            Some(sha256) => whole(&folder.join(missing_name(line.number)), sha256),
            None => true,
        };
        (whole(&found, &line.sha256) && missing_whole).then(|| at.after(&line, line_bytes))
    }

    fn write_page(&self, id: &SourceId, at: &Checkpoint, page: &Page) -> Result<Checkpoint> {
        let (Some(cursor), Some(_)) = (at.next.clone(), &at.settings) else {
            return Err(
                Error::new(Kind::Storage, "this listing has ended or was never begun").at(id.as_str())
            );
        };
        let folder = self.folder(id);
        self.disk.make_folder(&folder)?;
        let number = at.pages + 1;
        let bytes = self.compression.encode(&page.records)?;
        for other in Compression::ALL.into_iter().filter(|other| *other != self.compression) {
            remove_leftover(&folder.join(page_name(number, other)))?;
        }
        self.disk.put(&folder.join(page_name(number, self.compression)), &bytes)?;
        let missing_sha256 = self.write_missing(&folder, number, page)?;
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
        };
        let mut text = encode(&line);
        text.push('\n');
        self.disk.append_at(&folder.join("manifest.jsonl"), at.manifest_bytes, text.as_bytes())?;
        self.disk.sync_folder(&folder)?;
        Ok(at.after(&line, text.len() as u64))
    }

    fn write_missing(&self, folder: &Path, number: u64, page: &Page) -> Result<Option<String>> {
        let path = folder.join(missing_name(number));
        if page.missing.is_empty() {
            return remove_leftover(&path).map(|()| None);
        }
        let mut text = String::new();
        for missing in &page.missing {
            text.push_str(&encode(missing));
            text.push('\n');
        }
        self.disk.put(&path, text.as_bytes())?;
        Ok(Some(hex(&Sha256::digest(text.as_bytes()))))
    }

    fn write_checkpoint(&self, id: &SourceId, to: &Checkpoint) -> Result<()> {
        let folder = self.folder(id);
        self.disk.make_folder(&folder)?;
        let mut text = encode(to);
        text.push('\n');
        self.disk.put(&folder.join("checkpoint.json"), text.as_bytes())?;
        self.disk.sync_folder(&folder)
    }
}

impl Sink for Store {
    async fn checkpoint(&self, id: &SourceId) -> Result<Checkpoint> {
        self.read_checkpoint(id)
    }

    async fn write(&self, id: &SourceId, at: &Checkpoint, page: Page) -> Result<Checkpoint> {
        let (store, id, at) = (self.clone(), id.clone(), at.clone());
        off_the_loop(move || store.write_page(&id, &at, &page)).await
    }

    async fn commit(&self, id: &SourceId, to: &Checkpoint) -> Result<()> {
        let (store, id, to) = (self.clone(), id.clone(), to.clone());
        off_the_loop(move || store.write_checkpoint(&id, &to)).await
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

/// Removes what an earlier try at the same page may have left under another name.
fn remove_leftover(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::io("cannot remove", path, cause))
        }
        _ => Ok(()),
    }
}

fn encode(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("our own types have string keys and no failing parts")
}

fn page_name(number: u64, compression: Compression) -> String {
    format!("page_{number:05}.jsonl{}", compression.suffix())
}

fn missing_name(number: u64) -> String {
    format!("page_{number:05}.missing.jsonl")
}

/// Bytes as lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
