//! A file that appears under its name only when it is whole.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crawl_core::{Error, Kind, Result};

/// A file being written as `NAME.part`; dropped before [`Staged::finish`], it goes again.
pub(crate) struct Staged {
    path: PathBuf,
    part: PathBuf,
    file: Option<BufWriter<File>>,
}

impl Staged {
    /// Begins the file that will be `path`.
    ///
    /// # Errors
    /// [`Kind::Config`] if `path` exists and `force` is not set, or is a folder; [`Kind::Storage`] if the file
    /// cannot be made.
    pub(crate) fn create(path: &Path, force: bool) -> Result<Self> {
        refuse_existing(path, force)?;
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".part");
        let part = path.with_file_name(name);
        let file = File::create(&part).map_err(|cause| Error::io("cannot make the file", &part, cause))?;
        Ok(Staged { path: path.to_owned(), part, file: Some(BufWriter::with_capacity(1 << 20, file)) })
    }

    /// The folder of the file: where temporary files beside it belong.
    pub(crate) fn folder(&self) -> &Path {
        folder(&self.path)
    }

    /// Puts the file under its name, durably. Gives its size in bytes.
    ///
    /// # Errors
    /// [`Kind::Storage`] if the disk refuses.
    pub(crate) fn finish(mut self) -> Result<u64> {
        let size = self.settle().map_err(|cause| self.failed(cause))?;
        self.file = None;
        fs::rename(&self.part, &self.path).map_err(|cause| self.failed(cause))?;
        let synced = File::open(self.folder()).and_then(|folder| folder.sync_all());
        synced.map_err(|cause| self.failed(cause))?;
        Ok(size)
    }

    /// The error for a write into this file that failed.
    pub(crate) fn failed(&self, cause: io::Error) -> Error {
        Error::io("cannot write the output", &self.path, cause)
    }

    fn settle(&mut self) -> io::Result<u64> {
        self.flush()?;
        let Some(file) = &self.file else { return Ok(0) };
        file.get_ref().sync_all()?;
        Ok(file.get_ref().metadata()?.len())
    }
}

impl Write for Staged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_mut().map_or(Ok(0), |file| file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // Best effort: a part file that stays is replaced by the next run.
            let _ = fs::remove_file(&self.part);
        }
    }
}

/// The folder in which `path` lies.
pub(crate) fn folder(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Refuses what must not be replaced. Called before any work is done.
pub(crate) fn refuse_existing(path: &Path, force: bool) -> Result<()> {
    let refused = |what: &str, advice: &str| {
        Err(Error::new(Kind::Config, what).at(path.display().to_string()).advise(advice))
    };
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => refused("the output is a folder", "name a file"),
        Ok(_) if !force => {
            refused("the output exists already", "name another file, or give --force to replace it")
        }
        _ => Ok(()),
    }
}
