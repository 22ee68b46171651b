//! Parts: each process that uses a cache at a time writes a journal of its own, and all read all.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crawl_core::{Error, Kind, Result};
use sha2::{Digest, Sha256};

/// So many processes use a cache at a time.
const MOST: u32 = 256;
/// So many bytes of a journal's beginning, and of what is before its known end, tell it from another.
const MARK: u64 = 512;

/// One journal of a cache.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) number: u32,
    pub(super) path: PathBuf,
    pub(super) file: File,
    /// So far it is in the index, be it in memory.
    pub(super) end: u64,
    /// So far the file of the index says that it is in it.
    pub(super) stored: u64,
    /// It has come into the place of another one: what the index knew of that stays in it until it is made anew, which whoever
    /// opens it next finds out by the mark.
    pub(super) anew: bool,
}

/// Where the journal of a number lies: the cache's own file, or `answers.part-1.jsonl` and so on beside it.
pub(super) fn place(base: &Path, number: u32) -> PathBuf {
    match number {
        0 => base.to_owned(),
        number => base.with_extension(format!("part-{number}.jsonl")),
    }
}

/// The numbers of the journals that are there.
pub(super) fn there(base: &Path) -> Result<Vec<u32>> {
    let folder = folder(base);
    let failed = |cause| Error::io("cannot read the folder of the response cache", folder, cause);
    let begin = format!("{}.part-", base.file_stem().unwrap_or_default().to_string_lossy());
    let mut numbers: Vec<u32> = base.is_file().then_some(0).into_iter().collect();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let number = name
            .to_string_lossy()
            .strip_prefix(&begin)
            .and_then(|rest| rest.strip_suffix(".jsonl")?.parse::<u32>().ok());
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Where the files of a cache lie.
pub(super) fn folder(base: &Path) -> &Path {
    base.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

impl Part {
    fn new(number: u32, path: PathBuf, file: File) -> Self {
        Part { number, path, file, end: 0, stored: 0, anew: false }
    }

    /// The first journal that no other process writes, locked, made if it is not there.
    pub(super) fn own(base: &Path) -> Result<Self> {
        for number in 0..MOST {
            if let Some(part) = Part::locked(base, number, true)? {
                return Ok(part);
            }
        }
        Err(Error::new(Kind::Config, "too many processes use this response cache")
            .at(base.display().to_string())
            .advise("wait until other runs end, or name another folder with --cache"))
    }

    /// A journal to write; `None` if another process does.
    pub(super) fn locked(base: &Path, number: u32, make: bool) -> Result<Option<Self>> {
        let path = place(base, number);
        let failed = |cause| Error::io("cannot open the response cache", &path, cause);
        let open = || OpenOptions::new().create(make).read(true).append(true).open(&path);
        loop {
            let file = open().map_err(failed)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(cause)) => {
                    return Err(Error::io("cannot lock the response cache", &path, cause));
                }
            }
            // While this was opened `prune` may have put a new journal into its place: what is written here would be lost.
            if is_at(&file, &path) {
                return Ok(Some(Part::new(number, path, file)));
            }
        }
    }

    /// A journal of another process, or of one that has ended, to read; `None` if it has gone.
    pub(super) fn other(base: &Path, number: u32) -> Result<Option<Self>> {
        let path = place(base, number);
        match File::open(&path) {
            Ok(file) => Ok(Some(Part::new(number, path, file))),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(Error::io("cannot open the response cache", &path, cause)),
        }
    }

    /// Takes away a journal beside the cache's own in which nothing was kept: `plan` leaves nothing behind.
    pub(super) fn tidy(&self) {
        if self.number > 0 && self.end == 0 {
            let _ = std::fs::remove_file(&self.path);
        }
    }

    pub(super) fn length(&self) -> Result<u64> {
        Ok(self.file.metadata().map_err(|cause| self.failed(cause))?.len())
    }

    /// So many bytes from there on; `None` if the journal is shorter since `prune` has put a new one into its place.
    pub(super) fn line(&mut self, start: u64, length: u32) -> Result<Option<Vec<u8>>> {
        let mut line = vec![0; length as usize];
        match self.file.seek(SeekFrom::Start(start)).and_then(|_| self.file.read_exact(&mut line)) {
            Ok(()) => Ok(Some(line)),
            Err(cause) if cause.kind() == std::io::ErrorKind::UnexpectedEof => Ok(None),
            Err(cause) => Err(self.failed(cause)),
        }
    }

    /// Whether this journal still has its name.
    pub(super) fn is_in_place(&self) -> bool {
        is_at(&self.file, &self.path)
    }

    /// Whether a living process writes it.
    pub(super) fn is_written(&self) -> Result<bool> {
        match self.file.try_lock_shared() {
            Ok(()) => self.file.unlock().map(|()| false).map_err(|cause| self.failed(cause)),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(cause)) => {
                Err(Error::io("cannot lock the response cache", &self.path, cause))
            }
        }
    }

    /// A digest of how it begins and of what is before `end`, by which it is known again.
    pub(super) fn mark(&mut self, end: u64) -> Result<u64> {
        let mut read = |from: u64| {
            let mut bytes = Vec::new();
            self.file.seek(SeekFrom::Start(from))?;
            (&self.file).take(MARK.min(end)).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let both = read(0).and_then(|head| Ok([head, read(end.saturating_sub(MARK))?]));
        let digest = Sha256::digest(both.map_err(|cause| self.failed(cause))?.concat());
        Ok(u64::from_be_bytes(digest[..8].try_into().unwrap_or_default()))
    }

    pub(super) fn failed(&self, cause: std::io::Error) -> Error {
        Error::io("cannot read the response cache", &self.path, cause)
    }
}

/// Looks whether a folder's files are others than when it looked last; no look costs more than asking for the folder's time.
#[derive(Debug)]
pub(super) struct Watch {
    looked: SystemTime,
}

/// Clocks of file systems are that coarse.
const COARSE: Duration = Duration::from_millis(100);

impl Watch {
    pub(super) fn new() -> Self {
        Watch { looked: SystemTime::UNIX_EPOCH }
    }

    /// Whether files may have come into the folder, or gone.
    pub(super) fn has_changed(&mut self, folder: &Path) -> bool {
        let changed = std::fs::metadata(folder).and_then(|folder| folder.modified());
        if changed.is_ok_and(|changed| changed + COARSE < self.looked) {
            return false;
        }
        self.looked = SystemTime::now();
        true
    }
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
