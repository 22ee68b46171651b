//! A file as far as it has come: its bytes, their running hashes, and beside it what they are of.
//!
//! Beside `NAME.part` lies `NAME.part.jsonl`: a first line with what the answer that gave the bytes told of them, then
//! marks, each a size and the CRC-32C of so many first bytes. What a crash leaves behind the last mark that holds is
//! cut, so that nothing of it needs to be synced as it comes.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::digest::{Digest, Hashes, Sums, git_blob};
use super::names::SIDE;
use crate::disk::staged;
use crate::{Disk, Error, Kind, Result};

/// So many bytes behind the last mark are lost to a crash at most.
const MARK_EVERY: u64 = 1 << 20;
/// A download that was given up just now ends within this.
const LOCK_WITHIN: Duration = Duration::from_secs(5);

/// What an answer told of the bytes that it gave.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Of {
    /// The form of the line.
    v: u32,
    /// A strong ETag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) etag: Option<String>,
    /// A `Last-Modified` that is strong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) modified: Option<String>,
    /// The version that was wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
    /// The size of the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) total: Option<u64>,
    /// Digests of the whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) digests: Vec<Digest>,
}

impl Of {
    pub(super) fn new(etag: Option<String>, modified: Option<String>) -> Self {
        Of { v: 1, etag, modified, ..Of::default() }
    }

    /// What goes into `If-Range`.
    pub(super) fn validator(&self) -> Option<&str> {
        self.etag.as_deref().or(self.modified.as_deref())
    }

    /// Whether more bytes can be known to be of the same whole.
    fn binds(&self) -> bool {
        self.validator().is_some() || self.version.is_some()
    }

    /// Whether what another answer tells is of another whole.
    pub(super) fn differs(&self, other: &Of) -> bool {
        let differ = |one: &Option<String>, other: &Option<String>| match (one, other) {
            (Some(one), Some(other)) => one != other,
            _ => false,
        };
        let etags = self.etag.is_some() && other.etag.is_some();
        differ(&self.etag, &other.etag)
            || (!etags && differ(&self.modified, &other.modified))
            || matches!((self.total, other.total), (Some(one), Some(other)) if one != other)
            || self.digests.iter().any(|one| other.digests.iter().any(|other| one.contradicts(other)))
    }
}

/// That the first `size` bytes have this CRC-32C.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Mark {
    size: u64,
    crc32c: u32,
}

/// A file as far as it has come. All of its methods block.
pub(super) struct Part {
    disk: Disk,
    path: PathBuf,
    side_path: PathBuf,
    file: File,
    side: Option<File>,
    sums: Sums,
    marked: u64,
    of: Option<Of>,
    /// Whether a digest that was known beforehand tells in the end whether all bytes are of one whole.
    bound: bool,
    /// Whether bytes of it came from another answer than the last.
    pub(super) joined: bool,
}

impl Part {
    /// Opens the part of the file at `whole`, and keeps what of it can be gone on with: bytes that are known to be of
    /// this version by their validator, or any if a digest known beforehand is `bound` to tell in the end.
    pub(super) fn open(
        disk: &Disk,
        whole: &Path,
        version: Option<&str>,
        bound: bool,
        hashes: Hashes,
    ) -> Result<Self> {
        let (path, side_path) = (staged(whole), side_path(whole));
        let failed = |cause| Error::io("cannot open", &path, cause);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        lock(&file, &path)?;
        let size = file.metadata().map_err(failed)?.len();
        let disk = disk.clone();
        let (sums, joined) = (Sums::new(hashes), false);
        let mut part =
            Part { disk, path, side_path, file, side: None, sums, marked: 0, of: None, bound, joined };
        if size > 0 {
            part.recover(size, version, bound)?;
        }
        Ok(part)
    }

    fn recover(&mut self, size: u64, version: Option<&str>, bound: bool) -> Result<()> {
        let failed = |path: &Path, cause| Error::io("cannot read", path, cause);
        let text = std::fs::read(&self.side_path).unwrap_or_default();
        let mut lines = text.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"));
        let head = lines.next();
        let of: Option<Of> = head.and_then(|line| serde_json::from_slice(line).ok());
        let of = of.filter(|of| of.v == 1 && of.version.as_deref() == version);
        let mut good = (self.sums.clone(), 0);
        if let Some(of) = of.filter(|of| of.binds() || bound) {
            // Nothing is hashed yet.
            self.sums = Sums::new(self.sums.hashes().and(&of.digests));
            good.0 = self.sums.clone();
            let mut length = head.map_or(0, <[u8]>::len) as u64;
            for line in lines {
                let Ok(mark) = serde_json::from_slice::<Mark>(line) else { break };
                if mark.size > size || mark.size < self.sums.size {
                    break;
                }
                let more = mark.size - self.sums.size;
                self.sums.read(&self.file, more).map_err(|cause| failed(&self.path, cause))?;
                if self.sums.size != mark.size || self.sums.crc32c() != mark.crc32c {
                    break;
                }
                length += line.len() as u64;
                good = (self.sums.clone(), length);
            }
            self.of = Some(of);
        } else if bound && text.is_empty() {
            self.sums.read(&self.file, u64::MAX).map_err(|cause| failed(&self.path, cause))?;
            good = (self.sums.clone(), 0);
        }
        (self.sums, self.marked) = (good.0, 0);
        if self.sums.size == 0 {
            return self.restart(None);
        }
        self.joined = true;
        self.disk.cut(&self.file, &self.path, self.sums.size)?;
        if good.1 > 0 {
            let side = OpenOptions::new()
                .write(true)
                .open(&self.side_path)
                .map_err(|cause| failed(&self.side_path, cause))?;
            self.disk.cut(&side, &self.side_path, good.1)?;
            (self.side, self.marked) = (Some(side), self.sums.size);
        }
        Ok(())
    }

    /// How many bytes there are.
    pub(super) fn size(&self) -> u64 {
        self.sums.size
    }

    /// What they are of, if there are any and an answer has told.
    pub(super) fn of(&self) -> Option<&Of> {
        self.of.as_ref()
    }

    /// Whether more bytes can be known, now or in the end, to be of the same whole.
    pub(super) fn goes_on(&self) -> bool {
        self.size() > 0 && (self.bound || self.of.as_ref().is_some_and(Of::binds))
    }

    /// Throws the bytes away; those to come are of another whole.
    pub(super) fn restart(&mut self, of: Option<Of>) -> Result<()> {
        self.disk.cut(&self.file, &self.path, 0)?;
        self.side = None;
        self.disk.remove(&self.side_path)?;
        let hashes = self.sums.hashes().and(of.iter().flat_map(|of| &of.digests));
        (self.sums, self.marked, self.of, self.joined) = (Sums::new(hashes), 0, of, false);
        Ok(())
    }

    /// Gets ready for the bytes of an answer that begins at `starts`.
    pub(super) fn begin(&mut self, of: Of, starts: u64) -> Result<()> {
        if starts > 0 {
            self.joined = true;
            self.told(of)
        } else if self.size() > 0 || self.of.is_some() {
            self.restart(Some(of))
        } else {
            self.told(of)
        }
    }

    /// Takes in what a further answer tells of the same whole.
    fn told(&mut self, other: Of) -> Result<()> {
        let hashes = self.sums.hashes().and(&other.digests);
        match &mut self.of {
            Some(of) => {
                of.total = of.total.or(other.total);
                for digest in other.digests {
                    if !of.digests.contains(&digest) {
                        of.digests.push(digest);
                    }
                }
            }
            // A part that is bound by a digest: what gave its bytes is not known, nor noted then.
            none if self.sums.size == 0 => *none = Some(other),
            none => *none = Some(Of { etag: None, modified: None, ..other }),
        }
        if hashes != self.sums.hashes() {
            let failed = |cause| Error::io("cannot read", &self.path, cause);
            let mut sums = Sums::new(hashes);
            self.file.rewind().map_err(failed)?;
            sums.read(&self.file, self.sums.size).map_err(failed)?;
            self.file.seek(SeekFrom::Start(self.sums.size)).map_err(failed)?;
            self.sums = sums;
        }
        Ok(())
    }

    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<()> {
        self.disk.write_to(&self.file, &self.path, bytes)?;
        self.sums.take(bytes);
        if self.size() - self.marked >= MARK_EVERY { self.mark() } else { Ok(()) }
    }

    /// Notes that the bytes so far are good, for a later run.
    pub(super) fn mark(&mut self) -> Result<()> {
        let Some(of) = self.of.as_ref().filter(|_| self.size() > self.marked) else { return Ok(()) };
        let mut lines = Vec::new();
        let mut line = |value: serde_json::Result<Vec<u8>>| {
            lines.extend(value.expect("what is noted of a part is JSON"));
            lines.push(b'\n');
        };
        let side = match self.side.take() {
            Some(side) => side,
            None => {
                line(serde_json::to_vec(of));
                File::create(&self.side_path)
                    .map_err(|cause| Error::io("cannot make", &self.side_path, cause))?
            }
        };
        line(serde_json::to_vec(&Mark { size: self.sums.size, crc32c: self.sums.crc32c() }));
        self.disk.write_to(&side, &self.side_path, &lines)?;
        (self.side, self.marked) = (Some(side), self.sums.size);
        Ok(())
    }

    /// Whether the bytes are what is known of them, with the first thing that is not.
    pub(super) fn check(&mut self, size: Option<u64>, digests: &[Digest]) -> Result<()> {
        let wrong = |what: String| Err(Error::new(Kind::Shape, what).at(self.path.display().to_string()));
        if let Some(size) = size.filter(|size| *size != self.size()) {
            return wrong(format!("the file has {} bytes, {size} were expected", self.size()));
        }
        let told = self.of.iter().flat_map(|of| &of.digests);
        for digest in digests.iter().chain(told) {
            let found = match self.sums.like(digest) {
                Some(found) => found,
                None => self.again(digest)?,
            };
            if found.contradicts(digest) {
                let expected = digest.hex().to_ascii_lowercase();
                return wrong(format!("the file has the digest {}, {expected} was expected", found.hex()));
            }
        }
        Ok(())
    }

    /// A digest that is worked out only when all bytes are there.
    fn again(&self, digest: &Digest) -> Result<Digest> {
        let mut file = &self.file;
        let read = || {
            file.rewind()?;
            match digest {
                Digest::GitBlob(_) => git_blob(file, self.size()),
                _ => {
                    let mut sums = Sums::new(Hashes::default().and([digest]));
                    sums.read(file, self.size())?;
                    Ok(sums.like(digest).expect("all but git's id are running hashes"))
                }
            }
        };
        let mut read = read;
        read().map_err(|cause| Error::io("cannot read", &self.path, cause))
    }

    /// Where the bytes are, and their hashes.
    pub(super) fn done(self) -> (PathBuf, Sums) {
        (self.path, self.sums)
    }

    /// Throws all of it away.
    pub(super) fn remove(self) -> Result<()> {
        let Part { disk, path, side_path, file, side, .. } = self;
        drop((file, side));
        disk.remove(&side_path)?;
        disk.remove(&path)
    }
}

/// Where it is noted what the part of the file at `whole` is of.
pub(super) fn side_path(whole: &Path) -> PathBuf {
    let mut name = whole.file_name().unwrap_or_default().to_owned();
    name.push(SIDE);
    whole.with_file_name(name)
}

/// Keeps other programs away from a part. Where the file system has no locks, nothing does.
fn lock(file: &File, path: &Path) -> Result<()> {
    let since = Instant::now();
    while let Err(TryLockError::WouldBlock) = file.try_lock() {
        if since.elapsed() > LOCK_WITHIN {
            return Err(Error::new(Kind::Storage, "another program downloads this file")
                .at(path.display().to_string())
                .advise("wait for the other program or stop it, then run again"));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
