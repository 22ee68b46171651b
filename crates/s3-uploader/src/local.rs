//! Local files: listed without following links, recognised again by what the file system knows of them.

use std::fs::{File, Metadata};
use std::path::{Path, PathBuf};

use crawl_core::{Error, Kind, Result};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde::{Deserialize, Serialize};

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
    Error::new(kind, format!("cannot {what} the file")).at(shown(path)).because(cause)
}

/// A path as it may stand in a line.
pub(crate) fn shown(path: &Path) -> String {
    path.to_string_lossy().escape_debug().to_string()
}

/// Which files are sent.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    include: Option<GlobSet>,
    exclude: GlobSet,
}

impl Choice {
    /// Files whose names below the root fit one of `include` (all, if there is none) and none of `exclude`.
    /// `*` stays within a folder, `**` does not; a glob without `/` fits the last part of a name.
    ///
    /// # Errors
    /// [`Kind::Config`] if one of them is no glob.
    pub fn new(include: &[String], exclude: &[String]) -> Result<Self> {
        let set = |globs: &[String]| -> Result<GlobSet> {
            let mut set = GlobSetBuilder::new();
            for text in globs {
                let bad = |cause| Error::new(Kind::Config, "this is no glob").at(text).because(cause);
                let whole = if text.contains('/') { text.clone() } else { format!("**/{text}") };
                set.add(GlobBuilder::new(&whole).literal_separator(true).build().map_err(bad)?);
            }
            set.build().map_err(|cause| Error::new(Kind::Config, "too many globs").because(cause))
        };
        let include = if include.is_empty() { None } else { Some(set(include)?) };
        Ok(Choice { include, exclude: set(exclude)? })
    }

    /// Whether the name is chosen.
    pub fn takes(&self, name: &str) -> bool {
        self.include.as_ref().is_none_or(|set| set.is_match(name)) && !self.exclude.is_match(name)
    }
}

/// What a folder holds.
#[derive(Debug, Default)]
pub struct Listing {
    /// The files to be sent, in order of name.
    pub files: Vec<Local>,
    /// What is there and is not sent, with the reason: links, sockets, names that are no text.
    pub refused: Vec<Error>,
    /// How many files the globs left out.
    pub left_out: u64,
}

/// Lists the files below a folder, or one file. Links are not followed, so nothing outside the root is sent.
/// Files in `own` (receipts and the like) are left out.
///
/// # Errors
/// [`Kind::Gone`] and others if the root itself cannot be read.
pub fn list(root: &Path, choice: &Choice, own: &[PathBuf]) -> Result<Listing> {
    let meta = root.metadata().map_err(|cause| cannot("look at", root, cause))?;
    let mut found = Listing::default();
    if meta.is_file() {
        let name = root.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| no_text(root))?;
        found.files.push(Local::at(root, name)?);
        return Ok(found);
    }
    let own: Vec<PathBuf> = own.iter().filter_map(|path| path.canonicalize().ok()).collect();
    let mut folders = vec![(root.to_path_buf(), String::new())];
    while let Some((folder, prefix)) = folders.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(cause) if prefix.is_empty() => return Err(cannot("read", root, cause)),
            Err(cause) => {
                found.refused.push(cannot("read", &folder, cause));
                continue;
            }
        };
        for entry in entries {
            let entry = entry.map_err(|cause| cannot("read", &folder, cause))?;
            let path = entry.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                found.refused.push(no_text(&path));
                continue;
            };
            let name = format!("{prefix}{name}");
            // Links are no folders here: they are not followed.
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push((path, name + "/"));
            } else if is_own(&own, &path) {
                tracing::debug!(path = %shown(&path), "our own file is not sent");
            } else if !choice.takes(&name) {
                found.left_out += 1;
            } else {
                match Local::at(&path, &name) {
                    Ok(file) => found.files.push(file),
                    Err(error) => found.refused.push(error),
                }
            }
        }
    }
    found.files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

fn is_own(own: &[PathBuf], path: &Path) -> bool {
    // The last part first: asking the file system for each of many files takes its time.
    let same_name = |own: &&PathBuf| own.file_name() == path.file_name();
    own.iter().filter(same_name).any(|own| path.canonicalize().is_ok_and(|path| path == *own))
}

fn no_text(path: &Path) -> Error {
    Error::new(Kind::Denied, "not sent: the name is no UTF-8 text, and S3 knows no other")
        .at(shown(path))
        .advise("the file is kept; rename it")
}
