//! The only writer of durable files: every step that a crash could fall between goes through here.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

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
}

/// Asked before and after each step with the step's name; lets tests die at every write.
pub type Probe = Arc<dyn Fn(&'static str) -> Fate + Send + Sync>;

/// The disk, as the store and the file fetcher see it.
#[derive(Clone, Default)]
pub struct Disk {
    probe: Option<Probe>,
}

impl std::fmt::Debug for Disk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Disk").field("probed", &self.probe.is_some()).finish()
    }
}

impl Disk {
    /// A disk whose steps are asked for first: for tests that die.
    pub fn with_probe(probe: Probe) -> Self {
        Disk { probe: Some(probe) }
    }

    /// Puts `bytes` at `path` whole or not at all: staged file, fsync, rename. The folder is synced by
    /// [`Disk::sync_folder`], once for several files.
    pub(crate) fn put(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        let staged = staged(path);
        self.step("write", path, |half| {
            let mut file = File::create(&staged)?;
            file.write_all(half.cut(bytes))?;
            file.sync_data()
        })?;
        self.rename(&staged, path)
    }

    /// Renames a file that is already synced.
    pub(crate) fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.step("rename", to, |half| if half.0 { Ok(()) } else { fs::rename(from, to) })
    }

    /// Puts `bytes` behind the first `keep` bytes of the file and cuts what was behind them.
    pub(crate) fn append_at(&self, path: &Path, keep: u64, bytes: &[u8]) -> Result<()> {
        self.step("append", path, |half| {
            let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
            if file.metadata()?.len() < keep {
                return Err(io::Error::other("the file is shorter than its checkpoint says"));
            }
            file.set_len(keep)?;
            io::Seek::seek(&mut file, io::SeekFrom::Start(keep))?;
            file.write_all(half.cut(bytes))?;
            file.sync_data()
        })
    }

    /// Makes renames in a folder durable.
    pub(crate) fn sync_folder(&self, folder: &Path) -> Result<()> {
        self.step("sync", folder, |_| File::open(folder)?.sync_all())
    }

    /// Makes a folder and its parents, durably.
    pub(crate) fn make_folder(&self, folder: &Path) -> Result<()> {
        if folder.is_dir() {
            return Ok(());
        }
        self.step("folder", folder, |_| fs::create_dir_all(folder))?;
        if let Some(parent) = folder.parent().filter(|parent| parent.is_dir()) {
            self.sync_folder(parent)?;
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

    /// Makes the bytes of a file durable.
    pub(crate) fn sync_file(&self, path: &Path) -> Result<()> {
        self.step("flush", path, |_| OpenOptions::new().write(true).open(path)?.sync_all())
    }

    /// Removes a file, or a folder with all that is in it; one that is not there is fine.
    pub(crate) fn remove(&self, path: &Path) -> Result<()> {
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

    fn step(&self, name: &'static str, path: &Path, work: impl Fn(Half) -> io::Result<()>) -> Result<()> {
        let failed = |cause| Error::io(&format!("cannot {name} the file or folder"), path, cause);
        match self.ask(name) {
            Fate::Live => work(Half(false)).map_err(failed)?,
            Fate::Die => return Err(died()),
            Fate::Tear => {
                work(Half(true)).map_err(failed)?;
                return Err(died());
            }
        }
        if self.ask(name) == Fate::Live { Ok(()) } else { Err(died()) }
    }

    fn ask(&self, name: &'static str) -> Fate {
        self.probe.as_ref().map_or(Fate::Live, |probe| probe(name))
    }
}

/// Whether only half of the bytes reach the disk.
struct Half(bool);

impl Half {
    fn cut(self, bytes: &[u8]) -> &[u8] {
        if self.0 { &bytes[..bytes.len() / 2] } else { bytes }
    }
}

fn died() -> Error {
    Error::new(Kind::Storage, "died here, as the probe asked")
}

/// Where the bytes of `path` are gathered before they are whole.
pub(crate) fn staged(path: &Path) -> std::path::PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    path.with_file_name(name)
}
