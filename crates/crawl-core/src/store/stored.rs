//! Reading what a store keeps: only pages below the checkpoint.

use std::fs;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::{Compression, MARK_BYTES, Manifest, files_name, hex, missing_name, page_name};
use crate::{Checkpoint, Error, FileLine, Kind, Mark, Missing, Record, Result, SourceId};
use crate::{files, round};

const RESTORE: &str = "if --upload moved it, fetch it with `s3-uploader get s3://BUCKET/PREFIX/ ROOT --skip-existing`; else restore it \
     from a copy or crawl into a new root; `status --verify` names what is not here or damaged";

/// So much of the end of a manifest is read to find its last line.
const END: u64 = 16 * 1024;

/// A stored listing, open for reading. Pages that are committed later are not seen.
#[derive(Clone, Debug)]
pub struct Stored {
    folder: PathBuf,
    id: SourceId,
    checkpoint: Checkpoint,
    brief: Arc<OnceLock<Vec<Brief>>>,
}

/// What reading a page needs of its line in the manifest; all of them are in memory, so they are small.
#[derive(Clone, Debug)]
pub(crate) struct Brief {
    pub(crate) records: u64,
    pub(crate) sha256: [u8; 32],
}

/// What became of the files of committed pages, by page number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Pages whose files are here and are not what was written.
    pub differ: Vec<u64>,
    /// Pages whose file is not here: lost, or moved to a bucket.
    pub absent: Vec<u64>,
}

impl Stored {
    /// Opens the listing `id` under `root`.
    ///
    /// # Errors
    /// [`Kind::Config`] if there is none; [`Kind::Storage`] if its checkpoint cannot be read.
    pub fn open(root: &Path, id: &SourceId) -> Result<Self> {
        let folder = root.join(id.as_str());
        if !folder.join("checkpoint.json").is_file() {
            let sources: Vec<_> = Stored::sources(root)?.iter().map(ToString::to_string).collect();
            let found = if sources.is_empty() { "none".to_owned() } else { sources.join(", ") };
            return Err(Error::new(Kind::Config, format!("no committed pages of `{id}`"))
                .at(root.display().to_string())
                .advise(format!("name the root of a crawl; listings found there: {found}")));
        }
        let checkpoint = checkpoint(&folder)?;
        Ok(Stored { folder, id: id.clone(), checkpoint, brief: Arc::default() })
    }

    /// The committed pages in brief, in order.
    pub(crate) fn briefs(&self) -> Result<&[Brief]> {
        if let Some(brief) = self.brief.get() {
            return Ok(brief);
        }
        let brief = |line: Manifest| {
            let sha256 = data_encoding::HEXLOWER_PERMISSIVE.decode(line.sha256.as_bytes()).ok();
            let sha256 = sha256.and_then(|bytes| bytes.try_into().ok());
            let none = || self.damaged(format!("the manifest has no SHA-256 of page {}", line.number));
            Ok(Brief { records: line.records, sha256: sha256.ok_or_else(none)? })
        };
        let lines = self.manifest()?.into_iter().map(brief).collect::<Result<_>>()?;
        Ok(self.brief.get_or_init(|| lines))
    }

    fn damaged(&self, what: String) -> Error {
        Error::new(Kind::Storage, what).at(self.folder.display().to_string()).advise(RESTORE)
    }

    /// The listings under a root that can be read by themselves, in order of name: without shares, and without rounds
    /// of asking again, which are read with the listing that they belong to.
    ///
    /// # Errors
    /// [`Kind::Config`] if the root is not there; [`Kind::Storage`] if it cannot be read.
    pub fn sources(root: &Path) -> Result<Vec<SourceId>> {
        let mut found = Stored::everything(root)?;
        found.retain(|id| !round::belongs_to_another(id));
        Ok(found)
    }

    /// The listings under a root in order of name, shares and rounds too.
    ///
    /// # Errors
    /// As [`Stored::sources`].
    pub fn everything(root: &Path) -> Result<Vec<SourceId>> {
        if !root.is_dir() {
            return Err(Error::new(Kind::Config, "there is no such folder")
                .at(root.display().to_string())
                .advise("name the root of a crawl"));
        }
        let mut found = Vec::new();
        let mut folders = vec![root.to_path_buf()];
        while let Some(folder) = folders.pop() {
            if folder.join("checkpoint.json").is_file() {
                let name = folder.strip_prefix(root).ok().and_then(Path::to_str);
                found.extend(name.and_then(|name| SourceId::new(name).ok()));
                // What lies below a listing is its own.
                continue;
            }
            if folder.join(files::MARK).exists() {
                continue;
            }
            let entries =
                fs::read_dir(&folder).map_err(|cause| Error::io("cannot read the folder", &folder, cause))?;
            let below = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
            folders.extend(below.map(|entry| entry.path()));
        }
        found.sort();
        Ok(found)
    }

    /// The name of the listing.
    pub fn id(&self) -> &SourceId {
        &self.id
    }

    /// The folder of its pages.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The checkpoint as it was when this was opened.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The manifest lines of the committed pages, in order.
    ///
    /// # Errors
    /// [`Kind::Storage`] if the manifest cannot be read or does not fit the checkpoint.
    pub fn manifest(&self) -> Result<Vec<Manifest>> {
        let lines: Vec<_> = self.manifest_from(0)?.into_iter().map(|(line, _)| line).collect();
        if lines.len() as u64 != self.checkpoint.pages {
            let what =
                format!("the manifest has {} pages, the checkpoint {}", lines.len(), self.checkpoint.pages);
            let path = self.folder.join("manifest.jsonl");
            return Err(Error::new(Kind::Storage, what).at(path.display().to_string()));
        }
        Ok(lines)
    }

    /// The manifest lines of the committed pages from a byte of the manifest on, each with its length in bytes.
    ///
    /// # Errors
    /// [`Kind::Storage`] if the manifest cannot be read.
    pub fn manifest_from(&self, from: u64) -> Result<Vec<(Manifest, u64)>> {
        let path = self.folder.join("manifest.jsonl");
        let bytes = self.manifest_bytes(from)?;
        let lines = bytes.split_inclusive(|byte| *byte == b'\n');
        let parsed = |line: &[u8]| serde_json::from_slice(line).map(|parsed| (parsed, line.len() as u64));
        lines.map(|line| parsed(line).map_err(|cause| bad_line(&path, cause))).collect()
    }

    /// The manifest lines of the first and of the last committed page, if there are any; what is between is not read.
    ///
    /// # Errors
    /// [`Kind::Storage`] if the manifest cannot be read.
    pub fn ends(&self) -> Result<Option<(Manifest, Manifest)>> {
        let length = self.checkpoint.manifest_bytes;
        if length == 0 {
            return Ok(None);
        }
        let path = self.folder.join("manifest.jsonl");
        let mut first = Vec::new();
        fs::File::open(&path)
            .and_then(|file| BufReader::new(file.take(length)).read_until(b'\n', &mut first))
            .map_err(|cause| Error::io("cannot read the manifest", &path, cause))?;
        let mut from = length.saturating_sub(END);
        let last = loop {
            let mut end = self.manifest_bytes(from)?;
            end.truncate(end.trim_ascii_end().len());
            match memchr::memrchr(b'\n', &end) {
                Some(at) => break end.split_off(at + 1),
                None if from == 0 => break end,
                // A longer line than is read at first.
                None => from = length.saturating_sub((length - from) * 4),
            }
        };
        let line = |bytes: &[u8]| serde_json::from_slice(bytes).map_err(|cause| bad_line(&path, cause));
        Ok(Some((line(&first)?, line(&last)?)))
    }

    /// The manifest of the committed pages from a byte on, as it lies on the disk.
    ///
    /// # Errors
    /// [`Kind::Storage`] if it cannot be read.
    pub fn manifest_bytes(&self, from: u64) -> Result<Vec<u8>> {
        let length = self.checkpoint.manifest_bytes.saturating_sub(from);
        if length == 0 {
            return Ok(Vec::new());
        }
        let path = self.folder.join("manifest.jsonl");
        let mut bytes = Vec::new();
        fs::File::open(&path)
            .and_then(|mut file| {
                file.seek(SeekFrom::Start(from))?;
                file.take(length).read_to_end(&mut bytes)
            })
            .map_err(|cause| Error::io("cannot read the manifest", &path, cause))?;
        Ok(bytes)
    }

    /// The first `wanted` marks of what was seen, as they lie on the disk.
    ///
    /// # Errors
    /// [`Kind::Storage`] if there are fewer.
    pub fn mark_bytes(&self, wanted: u64) -> Result<Vec<u8>> {
        Ok(read_marks(&self.folder.join(super::MARKS), wanted)?.into_flattened())
    }

    /// Where the file of page `number` may lie: a path for each compression.
    pub fn page_paths(&self, number: u64) -> [PathBuf; 3] {
        Compression::ALL.map(|compression| self.folder.join(page_name(number, compression)))
    }

    /// Where the names of the files lie that page `number` names, if there are any.
    pub fn files_path(&self, number: u64) -> PathBuf {
        self.folder.join(files_name(number))
    }

    /// The root that this listing lies under.
    pub fn root(&self) -> &Path {
        let depth = self.id.as_str().split('/').count();
        self.folder.ancestors().nth(depth).unwrap_or(Path::new(""))
    }

    /// Where the records lie that are missing from page `number`, if there are any.
    pub fn missing_path(&self, number: u64) -> PathBuf {
        self.folder.join(missing_name(number))
    }

    /// The lines of page `number` (from 1), one JSON object a line.
    ///
    /// # Errors
    /// [`Kind::Storage`] if the page is not committed, if its file cannot be read, or if it is not what was written.
    pub fn lines(&self, number: u64) -> Result<Bytes> {
        if number == 0 || number > self.checkpoint.pages {
            let what = format!("page {number} is not committed ({} are)", self.checkpoint.pages);
            return Err(Error::new(Kind::Storage, what).at(self.folder.display().to_string()));
        }
        let gone = || {
            let path = self.folder.join(page_name(number, Compression::None));
            Error::new(Kind::Storage, "a committed page is not there")
                .at(path.display().to_string())
                .advise(RESTORE)
        };
        let path = find_page(&self.folder, number).ok_or_else(gone)?;
        let failed = |cause| Error::io("cannot read the page", &path, cause);
        let bytes = fs::read(&path).map_err(failed)?;
        let brief = usize::try_from(number - 1).ok().and_then(|index| self.briefs().ok()?.get(index));
        let written = match brief {
            Some(brief) => brief,
            None => return Err(self.briefs().err().unwrap_or_else(gone)),
        };
        if *Sha256::digest(&bytes) != written.sha256 {
            let what = format!("page {number} is not what was written");
            return Err(Error::new(Kind::Storage, what).at(path.display().to_string()).advise(RESTORE));
        }
        compression_of(&path).decode(bytes).map_err(failed)
    }

    /// The records of page `number` (from 1).
    ///
    /// # Errors
    /// As [`Stored::lines`].
    pub fn records(&self, number: u64) -> Result<Vec<Record>> {
        let lines = self.lines(number)?;
        let mut records = Vec::new();
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', &lines) {
            records.push(Record::known(lines.slice(start..end)));
            start = end + 1;
        }
        if start < lines.len() {
            let path = self.folder.join(page_name(number, Compression::None));
            return Err(
                Error::new(Kind::Storage, "the page's last line is cut").at(path.display().to_string())
            );
        }
        Ok(records)
    }

    /// What is missing from page `number` (from 1).
    ///
    /// # Errors
    /// [`Kind::Storage`] if the file is there but cannot be read.
    pub fn missing(&self, number: u64) -> Result<Vec<Missing>> {
        lines_of(&self.missing_path(number))
    }

    /// The files that page `number` (from 1) names.
    ///
    /// # Errors
    /// [`Kind::Storage`] if the list is there but cannot be read.
    pub fn files(&self, number: u64) -> Result<Vec<FileLine>> {
        lines_of(&self.files_path(number))
    }

    /// Compares each committed page, and the files that it names, with what was written.
    ///
    /// # Errors
    /// As [`Stored::manifest`].
    pub fn verify(&self) -> Result<Verified> {
        let mut verified = Verified::default();
        for line in self.manifest()? {
            let is = |path: &Path, sha256: &str| sha256_of(path).is_ok_and(|found| found == sha256);
            let mut files = vec![(find_page(&self.folder, line.number), line.sha256.clone())];
            let mut also = |path: PathBuf, sha256: Option<String>| {
                files.extend(sha256.map(|sha256| (path.is_file().then_some(path), sha256)));
            };
            also(self.missing_path(line.number), line.missing_sha256);
            also(self.files_path(line.number), line.files_sha256);
            for file in self.files(line.number).unwrap_or_default() {
                also(self.root().join(&file.path), Some(file.sha256));
            }
            if files.iter().any(|(path, sha256)| path.as_ref().is_some_and(|path| !is(path, sha256))) {
                verified.differ.push(line.number);
            } else if files.iter().any(|(path, _)| path.is_none()) {
                verified.absent.push(line.number);
            }
        }
        Ok(verified)
    }
}

fn bad_line(path: &Path, cause: serde_json::Error) -> Error {
    Error::new(Kind::Storage, "a bad line in the manifest").at(path.display().to_string()).because(cause)
}

/// The checkpoint in a folder; the beginning if there is none yet.
pub(super) fn checkpoint(folder: &Path) -> Result<Checkpoint> {
    let path = folder.join("checkpoint.json");
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Checkpoint::start()),
        Err(cause) => return Err(Error::io("cannot read the checkpoint", &path, cause)),
    };
    let bad = |what: String| Error::new(Kind::Storage, what).at(path.display().to_string());
    let found: Checkpoint = serde_json::from_slice(&text)
        .map_err(|cause| bad("the checkpoint is not readable".into()).because(cause).advise(RESTORE))?;
    if !(1..=2).contains(&found.version) {
        return Err(bad(format!("the checkpoint has version {}, this program knows 1 and 2", found.version))
            .advise("use the program that wrote it, or start a new root"));
    }
    Ok(found)
}

/// The SHA-256 of a file, in hex, whatever its size.
pub(super) fn sha256_of(path: &Path) -> std::io::Result<String> {
    let mut sha256 = Sha256::new();
    let mut file = fs::File::open(path)?;
    let mut buffer = vec![0; 1 << 17];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&sha256.finalize())),
            read => sha256.update(&buffer[..read]),
        }
    }
}

/// What lies in a file, a line each; nothing if it is not there.
fn lines_of<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(Error::io("cannot read", path, cause)),
    };
    let bad = |cause| Error::new(Kind::Storage, "a bad line").at(path.display().to_string()).because(cause);
    text.lines().map(|line| serde_json::from_str(line).map_err(bad)).collect()
}

/// The first `wanted` marks.
pub(super) fn read_marks(path: &Path, wanted: u64) -> Result<Vec<Mark>> {
    if wanted == 0 {
        return Ok(Vec::new());
    }
    let mut bytes = Vec::new();
    let length = wanted * MARK_BYTES;
    fs::File::open(path)
        .and_then(|file| file.take(length).read_to_end(&mut bytes))
        .map_err(|cause| Error::io("cannot read what was seen", path, cause))?;
    let (marks, _) = bytes.as_chunks();
    if marks.len() as u64 == wanted {
        return Ok(marks.to_vec());
    }
    let what = "it is known of fewer records that they were seen than the checkpoint says";
    Err(Error::new(Kind::Storage, what).at(path.display().to_string()).advise(RESTORE))
}

/// The text of the manifest from a byte on.
pub(super) fn manifest_after(folder: &Path, from: u64) -> std::io::Result<String> {
    let mut file = fs::File::open(folder.join("manifest.jsonl"))?;
    file.seek(SeekFrom::Start(from))?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(text)
}

/// The file of a page, whatever its compression.
pub(super) fn find_page(folder: &Path, number: u64) -> Option<PathBuf> {
    let path = |compression| folder.join(page_name(number, compression));
    Compression::ALL.into_iter().map(path).find(|path| path.is_file())
}

fn compression_of(path: &Path) -> Compression {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("gz") => Compression::Gzip,
        Some("zst") => Compression::Zstd,
        _ => Compression::None,
    }
}
