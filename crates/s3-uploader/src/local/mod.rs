//! Local files: listed without following links, recognised again by what the file system knows of them.

mod list;
mod parts;
mod read;

use std::fs::{File, Metadata};
use std::path::{Path, PathBuf};

use crawl_core::{Error, Kind, Result, Scope};
use serde::{Deserialize, Serialize};

pub use list::{Bounds, Choice, Listing, list};
pub(crate) use parts::{Parts, hashed};
use read::read_exact;
pub(crate) use read::{delete, off_the_loop, read, sha256, show};

/// What the file system knows of a file. A file with another stamp is another file, or was written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    size: u64,
    modified: i128,
    changed: i128,
    device: u64,
    inode: u64,
}

impl Stamp {
    #[cfg(unix)]
    fn of(meta: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        let nanos = |seconds: i64, nanos: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
        Stamp {
            size: meta.len(),
            modified: nanos(meta.mtime(), meta.mtime_nsec()),
            changed: nanos(meta.ctime(), meta.ctime_nsec()),
            device: meta.dev(),
            inode: meta.ino(),
        }
    }

    #[cfg(not(unix))]
    fn of(meta: &Metadata) -> Self {
        let since = meta.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        let modified = since.map_or(0, |since| since.as_nanos() as i128);
        Stamp { size: meta.len(), modified, changed: 0, device: 0, inode: 0 }
    }

    /// The size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// When it was written to, in seconds since 1970.
    pub fn modified(&self) -> i64 {
        i64::try_from(self.modified.div_euclid(1_000_000_000)).unwrap_or(i64::MAX)
    }

    /// Whether the file was written to so short a time ago that a further write could leave the same times:
    /// file systems count in steps of up to two seconds.
    fn is_fresh(&self) -> bool {
        let now = jiff::Timestamp::now().as_nanosecond();
        self.modified.max(self.changed) > now - 2_500_000_000
    }
}

/// A file to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// Where it is.
    pub path: PathBuf,
    /// Its name below the root, parts joined by `/`.
    pub name: String,
    /// What it was when it was listed.
    pub stamp: Stamp,
    /// Whether it was written to so short a time before it was listed that its times may not tell of a further
    /// write.
    pub fresh: bool,
}

impl Local {
    /// A file by its path; its name is `name`.
    ///
    /// # Errors
    /// [`Kind::Gone`] if it is not there, [`Kind::Denied`] if it is a link or no plain file.
    pub fn at(path: &Path, name: &str) -> Result<Self> {
        let stamp = stamp(path)?;
        Ok(Local { path: path.to_owned(), name: name.to_owned(), stamp, fresh: stamp.is_fresh() })
    }

    /// Removes the file, if it is still the one that was listed.
    ///
    /// # Errors
    /// [`Kind::Transient`] if it was changed; those of the disk.
    pub fn remove(&self) -> Result<()> {
        if stamp(&self.path)? != self.stamp {
            return Err(Error::new(Kind::Transient, "the file was changed since it was listed")
                .at(shown(&self.path))
                .with_scope(Scope::Record)
                .advise("it is kept; run the same command again when nobody writes to it"));
        }
        std::fs::remove_file(&self.path).map_err(|cause| cannot("remove", &self.path, cause))
    }

    /// Opens the file, if it is still the one that was listed.
    pub(crate) fn open(&self) -> Result<File> {
        self.check()?;
        let file = File::open(&self.path).map_err(|cause| cannot("open", &self.path, cause))?;
        self.check_open(&file)?;
        Ok(file)
    }

    /// Whether the open file is still as it was listed.
    pub(crate) fn check_open(&self, file: &File) -> Result<()> {
        let meta = file.metadata().map_err(|cause| cannot("look at", &self.path, cause))?;
        if Stamp::of(&meta) == self.stamp { Ok(()) } else { Err(changed(&self.path)) }
    }

    /// Whether what lies under the path is still as it was listed.
    pub(crate) fn check(&self) -> Result<()> {
        if stamp(&self.path)? == self.stamp { Ok(()) } else { Err(changed(&self.path)) }
    }
}

fn stamp(path: &Path) -> Result<Stamp> {
    let meta = path.symlink_metadata().map_err(|cause| cannot("look at", path, cause))?;
    if meta.is_file() {
        return Ok(Stamp::of(&meta));
    }
    let what = if meta.is_symlink() { "it is a symbolic link" } else { "it is no plain file" };
    Err(Error::new(Kind::Denied, format!("not sent: {what}")).at(shown(path)).advise("the file is kept"))
}

pub(crate) fn changed(path: &Path) -> Error {
    Error::new(Kind::Transient, "the file was changed while it was sent")
        .at(shown(path))
        .advise("the file is kept; run the same command again when nobody writes to it")
}

pub(crate) fn cannot(what: &str, path: &Path, cause: std::io::Error) -> Error {
    let kind = match cause.kind() {
        std::io::ErrorKind::NotFound => Kind::Gone,
        std::io::ErrorKind::PermissionDenied => Kind::Denied,
        _ => Kind::Storage,
    };
    Error::new(kind, format!("cannot {what} the file"))
        .at(shown(path))
        .with_scope(Scope::Record)
        .because(cause)
}

/// A path as it may stand in a line.
pub(crate) fn shown(path: &Path) -> String {
    path.to_string_lossy().escape_debug().to_string()
}
