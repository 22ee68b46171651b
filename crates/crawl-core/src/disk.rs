//! The only writer of durable files: every step that a crash could fall between goes through here.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::{Error, Kind, Result};

/// What a [`Probe`] lets happen at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The step is done.
    Live,
    /// The process is as if dead before the step.
    Die,
    /// A write gets half its bytes onto the disk, then the process is as if dead; other steps are not done.
    Tear,
    /// The machine is as if without power before the step: what was not synced is lost, new names and renames too.
    Lose,
}

/// Asked before and after each step with the step's name; lets tests die at every write.
pub type Probe = Arc<dyn Fn(&'static str) -> Fate + Send + Sync>;

/// The disk, as the store and the file fetcher see it.
#[derive(Clone, Default)]
pub struct Disk {
    probed: Option<Arc<Probed>>,
}

struct Probed {
    ask: Probe,
    loose: Mutex<Vec<Loose>>,
}

/// What was done and would not survive a loss of power.
struct Loose {
    path: PathBuf,
    /// Whether it is the name that is loose (until its folder is synced) or the bytes (until the file is).
    name: bool,
    /// The bytes that stood there before; `None` if nothing did.
    before: Option<Vec<u8>>,
}

impl std::fmt::Debug for Disk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Disk").field("probed", &self.probed.is_some()).finish()
    }
}

impl Disk {
    /// A disk whose steps are asked for first: for tests that die.
    pub fn with_probe(probe: Probe) -> Self {
        Disk { probed: Some(Arc::new(Probed { ask: probe, loose: Mutex::default() })) }
    }

    /// Puts `bytes` at `path` whole or not at all: staged file, fsync, rename. The folder is synced by
    /// [`Disk::sync_folder`], once for several files.
    pub(crate) fn put(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        let staged = staged(path);
        self.write("write", &staged, 0, bytes)?;
        self.rename(&staged, path)
    }

    /// Puts `bytes` behind the first `keep` bytes of the file and cuts what was behind them.
    pub(crate) fn append_at(&self, path: &Path, keep: u64, bytes: &[u8]) -> Result<()> {
        self.write("append", path, keep, bytes)
    }

    fn write(&self, name: &'static str, path: &Path, keep: u64, bytes: &[u8]) -> Result<()> {
        self.step(name, path, |half| {
            let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
            if file.metadata()?.len() < keep {
                return Err(io::Error::other("the file is shorter than its checkpoint says"));
            }
            file.set_len(keep)?;
            io::Seek::seek(&mut file, io::SeekFrom::Start(keep))?;
            file.write_all(half.cut(bytes))
        })?;
        self.sync_file(path)
    }

    /// Makes the bytes of a file durable.
    pub(crate) fn sync_file(&self, path: &Path) -> Result<()> {
        self.step("sync file", path, |_| File::open(path)?.sync_all())?;
        self.settle(|loose| !loose.name && loose.path == path);
        Ok(())
    }

    /// Renames a file that is already synced.
    pub(crate) fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.rename_by(from, to, || fs::rename(from, to))
    }

    /// As [`Disk::rename`], but that nothing is replaced: `false` if something has the new name.
    pub(crate) fn rename_new(&self, from: &Path, to: &Path) -> Result<bool> {
        let taken = std::cell::Cell::new(false);
        self.rename_by(from, to, || match rename_new(from, to) {
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {
                taken.set(true);
                Ok(())
            }
            renamed => renamed,
        })?;
        Ok(!taken.get())
    }

    fn rename_by(&self, from: &Path, to: &Path, rename: impl Fn() -> io::Result<()>) -> Result<()> {
        let moved = self.probed.as_ref().map(|_| fs::read(from).ok());
        self.step("rename", to, |half| if half.0 { Ok(()) } else { rename() })?;
        if let (Some(probed), Some(before)) = (&self.probed, moved) {
            let mut loose = probed.loose();
            for held in loose.iter_mut().filter(|held| !held.name && held.path == from) {
                // A durable name with bytes that are not: an empty file.
                (held.path, held.before) = (to.to_owned(), Some(Vec::new()));
            }
            loose.push(Loose { path: from.to_owned(), name: true, before });
        }
        Ok(())
    }

    /// Puts `bytes` at the end of an open file. Durable only behind [`Disk::sync_file`].
    pub(crate) fn write_to(&self, file: &File, path: &Path, bytes: &[u8]) -> Result<()> {
        self.step("part", path, |half| {
            let mut file = file;
            file.write_all(half.cut(bytes))
        })
    }

    /// Cuts an open file to its first `size` bytes and goes on at their end.
    pub(crate) fn cut(&self, file: &File, path: &Path, size: u64) -> Result<()> {
        self.step("cut", path, |half| {
            if half.0 {
                return Ok(());
            }
            file.set_len(size)?;
            let mut file = file;
            io::Seek::seek(&mut file, io::SeekFrom::Start(size)).map(|_| ())
        })
    }

    /// Removes a file, or a folder with all that is in it; one that is not there is fine.
    pub(crate) fn remove(&self, path: &Path) -> Result<()> {
        if path.symlink_metadata().is_err() {
            return Ok(());
        }
        self.step("remove", path, |half| {
            if half.0 {
                return Ok(());
            }
            let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
            removed.or_else(|cause| match cause.kind() {
                io::ErrorKind::NotFound => Ok(()),
                _ => Err(cause),
            })
        })
    }

    /// Puts a second name on a file that is already durable; a file system without hard links gets a copy.
    pub(crate) fn link(&self, from: &Path, to: &Path) -> Result<()> {
        self.remove(to)?;
        self.step("link", to, |half| {
            if half.0 || fs::hard_link(from, to).is_ok() {
                return Ok(());
            }
            fs::copy(from, to).and_then(|_| File::open(to)?.sync_data())
        })?;
        self.settle(|loose| !loose.name && loose.path == to);
        Ok(())
    }

    /// Makes names in a folder durable.
    pub(crate) fn sync_folder(&self, folder: &Path) -> Result<()> {
        self.step("sync", folder, |_| File::open(folder)?.sync_all())?;
        self.settle(|loose| loose.name && loose.path.parent() == Some(folder));
        Ok(())
    }

    /// Makes a folder and those above it, each durably.
    pub(crate) fn make_folder(&self, folder: &Path) -> Result<()> {
        if folder.as_os_str().is_empty() || folder.is_dir() {
            return Ok(());
        }
        let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
        if let Some(parent) = parent {
            self.make_folder(parent)?;
        }
        self.step("folder", folder, |_| match fs::create_dir(folder) {
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            made => made,
        })?;
        self.sync_folder(parent.unwrap_or(Path::new(".")))
    }

    fn step(&self, name: &'static str, path: &Path, work: impl Fn(Half) -> io::Result<()>) -> Result<()> {
        let failed = |cause| Error::io(&format!("cannot {}", in_words(name)), path, cause);
        let Some(probed) = &self.probed else { return work(Half(false)).map_err(failed) };
        let tear = match (probed.ask)(name) {
            Fate::Live => false,
            Fate::Die => return Err(died()),
            Fate::Lose => return Err(probed.lose()),
            Fate::Tear => true,
        };
        match name {
            "sync" | "sync file" => {}
            "write" | "append" | "part" | "cut" => probed.note_bytes(path),
            _ => probed.note_name(path),
        }
        work(Half(tear)).map_err(failed)?;
        match (probed.ask)(name) {
            _ if tear => Err(died()),
            Fate::Live => Ok(()),
            Fate::Lose if name.starts_with("sync") => {
                // The sync was done: what it covers is not lost.
                self.settle(|loose| match loose.name {
                    true => loose.path.parent() == Some(path),
                    false => loose.path == path,
                });
                Err(probed.lose())
            }
            Fate::Lose => Err(probed.lose()),
            _ => Err(died()),
        }
    }

    fn settle(&self, durable: impl Fn(&Loose) -> bool) {
        if let Some(probed) = &self.probed {
            probed.loose().retain(|loose| !durable(loose));
        }
    }
}

impl Probed {
    fn loose(&self) -> std::sync::MutexGuard<'_, Vec<Loose>> {
        self.loose.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers what bytes a file has that is about to be written.
    fn note_bytes(&self, path: &Path) {
        let before = fs::read(path).ok();
        if before.is_none() {
            self.note_name(path);
        }
        self.loose().push(Loose { path: path.to_owned(), name: false, before });
    }

    /// Remembers what a name stands for that is about to be given, taken or moved.
    fn note_name(&self, path: &Path) {
        let before = fs::read(path).ok();
        self.loose().push(Loose { path: path.to_owned(), name: true, before });
    }

    /// Takes back, newest first, all that was not synced.
    fn lose(&self) -> Error {
        for Loose { path, before, .. } in self.loose().drain(..).rev() {
            let _ = match before {
                Some(bytes) => fs::write(&path, bytes),
                None if path.is_dir() => fs::remove_dir_all(&path),
                None => fs::remove_file(&path),
            };
        }
        died()
    }
}

/// Renames a file unless something has the new name.
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE).map_err(io::Error::from) {
            // The file system knows no such word.
            Err(cause)
                if matches!(cause.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {}
            renamed => return renamed,
        }
    }
    claim(from, to)
}

/// An empty file takes the name, if it is free, and gives it to the whole one. No second name by a hard link: whoever
/// writes to the first one anew would write into the file.
fn claim(from: &Path, to: &Path) -> io::Result<()> {
    drop(File::create_new(to)?);
    fs::rename(from, to)
}

/// Whether only half of the bytes reach the disk.
struct Half(bool);

impl Half {
    fn cut(self, bytes: &[u8]) -> &[u8] {
        if self.0 { &bytes[..bytes.len() / 2] } else { bytes }
    }
}

/// What a step does, for people.
fn in_words(step: &str) -> &'static str {
    match step {
        "folder" => "make the folder",
        "sync" => "make the names in the folder durable",
        "sync file" => "make the file durable",
        "rename" => "rename a file to",
        "remove" => "remove",
        "link" => "give the file a second name",
        _ => "write the file",
    }
}

fn died() -> Error {
    Error::new(Kind::Storage, "died here, as the probe asked")
}

/// Where the bytes of `path` are gathered before they are whole.
pub(crate) fn staged(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_that_knows_no_such_rename_replaces_nothing_either() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("x.part"), folder.path().join("x"));
        fs::write(&from, "whole").unwrap();
        claim(&from, &to).unwrap();
        assert!(fs::read(&to).unwrap() == b"whole" && !from.exists());
        fs::write(&from, "other").unwrap();
        assert_eq!(claim(&from, &to).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert!(fs::read(&to).unwrap() == b"whole" && from.exists());
    }
}
