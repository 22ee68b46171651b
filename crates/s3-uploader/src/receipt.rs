//! Receipts: a durable line about each object that was proven, written before the local file goes.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use crawl_core::{Error, Kind, Result, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::proof::{Proof, Proven};
use crate::sums::Sums;

/// What anyone needs to audit an object later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The version of this line's form.
    pub v: u32,
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// Where the local file was.
    pub file: String,
    /// Size and hashes of what was sent, worked out here.
    #[serde(flatten)]
    pub sums: Sums,
    /// The server's CRC64NVME, if it gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_crc64nvme: Option<String>,
    /// The server's ETag, if it gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_etag: Option<String>,
    /// The version of the object, in a bucket that keeps versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    /// How it was proven.
    pub proof: Proof,
    /// When it was proven.
    pub at: Timestamp,
}

impl Receipt {
    pub(crate) fn new(bucket: &str, key: &str, file: &Path, sums: Sums, proven: Proven) -> Self {
        Receipt {
            v: 1,
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            file: file.to_string_lossy().into_owned(),
            sums,
            remote_crc64nvme: proven.checksum,
            remote_etag: proven.etag,
            version_id: proven.version,
            proof: proven.proof,
            at: Timestamp::now(),
        }
    }
}

/// Reads receipts; a line that a crash cut short at the end is left out.
///
/// # Errors
/// [`Kind::Storage`] if the file cannot be read, [`Kind::Config`] for a line that is no receipt.
pub fn read(path: &Path) -> Result<Vec<Receipt>> {
    let mut found = Vec::new();
    each_line(path, |_, line| {
        found.push(serde_json::from_slice(line)?);
        Ok(())
    })?;
    Ok(found)
}

/// Shows each whole line and where it begins.
fn each_line(path: &Path, mut show: impl FnMut(u64, &[u8]) -> serde_json::Result<()>) -> Result<()> {
    let file = File::open(path).map_err(|cause| crate::local::cannot("read", path, cause))?;
    let mut lines = BufReader::new(file);
    let (mut number, mut begin, mut line) = (0, 0, Vec::new());
    loop {
        line.clear();
        let read = lines.read_until(b'\n', &mut line);
        let length = read.map_err(|cause| Error::io("cannot read the receipts", path, cause))?;
        if length == 0 || line.last() != Some(&b'\n') {
            return Ok(());
        }
        number += 1;
        show(begin, &line).map_err(|cause| {
            Error::new(Kind::Config, format!("line {number} is no receipt"))
                .at(path.display().to_string())
                .because(cause)
                .advise("name a file that --receipts or --upload wrote")
        })?;
        begin += length as u64;
    }
}

/// Where the last receipt of each key begins: 16 bytes a key, however long the lines are.
type Index = HashMap<u64, u64>;

fn name_hash(bucket: &str, key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (bucket, key).hash(&mut hasher);
    hasher.finish()
}

fn index(path: &Path) -> Result<Index> {
    #[derive(Deserialize)]
    struct Name<'a> {
        #[serde(borrow)]
        bucket: Cow<'a, str>,
        #[serde(borrow)]
        key: Cow<'a, str>,
    }
    let mut index = Index::new();
    each_line(path, |begin, line| {
        let name: Name<'_> = serde_json::from_slice(line)?;
        index.insert(name_hash(&name.bucket, &name.key), begin);
        Ok(())
    })?;
    Ok(index)
}

/// A line, the hash of its bucket and key, and who waits for it to be on the disk.
type Waiting = (String, u64, oneshot::Sender<Result<()>>);

/// A file of receipts, open for more. One process at a time; cheap to clone.
#[derive(Clone, Debug)]
pub struct Receipts {
    shared: Arc<Queue>,
}

#[derive(Debug)]
struct Queue {
    path: PathBuf,
    index: Arc<Mutex<Index>>,
    lines: Option<mpsc::Sender<Waiting>>,
    writer: Option<JoinHandle<()>>,
}

impl Drop for Queue {
    /// The lock is free when the last clone is gone.
    fn drop(&mut self) {
        drop(self.lines.take());
        if let Some(writer) = self.writer.take() {
            // A panic there was reported there.
            let _ = writer.join();
        }
    }
}

impl Receipts {
    /// Opens or makes the file, and cuts a line that a crash left half written.
    ///
    /// # Errors
    /// [`Kind::Storage`] if it cannot be written, [`Kind::Config`] if another process has it open.
    pub fn open(path: &Path) -> Result<Self> {
        let failed = |cause| Error::io("cannot open the receipts", path, cause);
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::Error(cause)) => return Err(failed(cause)),
            Err(std::fs::TryLockError::WouldBlock) => {
                return Err(Error::new(Kind::Config, "another process writes these receipts")
                    .at(path.display().to_string())
                    .advise("wait for it, or name another --receipts"));
            }
        }
        let end = whole_lines(&mut file).map_err(failed)?;
        file.set_len(end).and_then(|()| file.sync_all()).map_err(failed)?;
        // The file's name must last as long as its lines.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
        let index = Arc::new(Mutex::new(index(path)?));
        let (queue, lines) = mpsc::channel();
        let writer = Writer { file, end, path: path.to_owned(), index: index.clone() };
        let thread = std::thread::Builder::new().name("receipts".into());
        let writer = Some(thread.spawn(move || writer.run(&lines)).map_err(failed)?);
        Ok(Receipts { shared: Arc::new(Queue { path: path.to_owned(), index, lines: Some(queue), writer }) })
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// The last receipt of an object, from this run or an earlier one.
    ///
    /// # Errors
    /// [`Kind::Storage`] if the file cannot be read.
    pub fn find(&self, bucket: &str, key: &str) -> Result<Option<Receipt>> {
        let index = self.shared.index.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(begin) = index.get(&name_hash(bucket, key)).copied() else { return Ok(None) };
        drop(index);
        let failed = |cause| Error::io("cannot read the receipts", &self.shared.path, cause);
        let mut file = File::open(&self.shared.path).map_err(failed)?;
        file.seek(SeekFrom::Start(begin)).map_err(failed)?;
        let mut line = Vec::new();
        BufReader::new(file).read_until(b'\n', &mut line).map_err(failed)?;
        let receipt: Option<Receipt> = serde_json::from_slice(&line).ok();
        // Two keys may share a hash, though that is rarer than a disk that lies.
        Ok(receipt.filter(|receipt| receipt.bucket == bucket && receipt.key == key))
    }

    /// Writes a receipt and comes back when it is on the disk.
    ///
    /// # Errors
    /// [`Kind::Storage`] if the disk refused.
    pub async fn add(&self, receipt: &Receipt) -> Result<()> {
        let mut line = serde_json::to_string(receipt)
            .map_err(|cause| Error::new(Kind::Storage, "cannot spell a receipt").because(cause))?;
        line.push('\n');
        let gone = || {
            Error::new(Kind::Storage, "the receipts are closed").at(self.shared.path.display().to_string())
        };
        let (done, written) = oneshot::channel();
        let lines = self.shared.lines.as_ref().ok_or_else(gone)?;
        let name = name_hash(&receipt.bucket, &receipt.key);
        lines.send((line, name, done)).map_err(|_| gone())?;
        written.await.map_err(|_| gone())?
    }
}

/// The end of the last whole line.
fn whole_lines(file: &mut File) -> std::io::Result<u64> {
    let mut end = file.metadata()?.len();
    let mut piece = [0; 4096];
    while end > 0 {
        let begin = end.saturating_sub(piece.len() as u64);
        let piece = &mut piece[..(end - begin) as usize];
        file.seek(SeekFrom::Start(begin))?;
        file.read_exact(piece)?;
        if let Some(last) = piece.iter().rposition(|byte| *byte == b'\n') {
            return Ok(begin + last as u64 + 1);
        }
        end = begin;
    }
    Ok(0)
}

/// Receipts that come within this time share a sync: a disk that syncs faster would do little else.
const LINGER: Duration = Duration::from_millis(5);

/// Writes all receipts that wait in one go: one sync for many.
struct Writer {
    file: File,
    end: u64,
    path: PathBuf,
    index: Arc<Mutex<Index>>,
}

impl Writer {
    fn run(mut self, lines: &mpsc::Receiver<Waiting>) {
        while let Ok(first) = lines.recv() {
            std::thread::sleep(LINGER);
            let mut batch = vec![first];
            batch.extend(lines.try_iter().take(4096));
            let text: String = batch.iter().map(|(line, ..)| line.as_str()).collect();
            let mut begin = self.end;
            let result = self.write(text.as_bytes());
            for (line, name, done) in batch {
                if result.is_ok() {
                    self.index.lock().unwrap_or_else(PoisonError::into_inner).insert(name, begin);
                    begin += line.len() as u64;
                }
                let failed = |cause: &std::io::Error| {
                    let cause = std::io::Error::new(cause.kind(), cause.to_string());
                    Error::io("cannot write the receipts", &self.path, cause)
                };
                // Nobody waits any more: the run was broken off.
                let _ = done.send(result.as_ref().map(|_| ()).map_err(failed));
            }
        }
    }

    fn write(&mut self, text: &[u8]) -> std::io::Result<()> {
        self.file.seek(SeekFrom::Start(self.end))?;
        let written = self.file.write_all(text).and_then(|()| self.file.sync_data());
        match written {
            Ok(()) => self.end += text.len() as u64,
            // What did get onto the disk is no receipt.
            Err(_) => self.file.set_len(self.end)?,
        }
        written
    }
}
