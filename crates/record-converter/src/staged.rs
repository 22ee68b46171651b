//! Where the output goes, and what is not written over.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use crawl_core::{Error, Kind, Result, Staged};

/// Begins the file that will be `path`.
///
/// # Errors
/// [`Kind::Config`] if `path` exists and `force` is not set, or is a folder; [`Kind::Storage`] if the file cannot be
/// made.
pub(crate) fn create(path: &Path, force: bool) -> Result<Staged> {
    refuse_existing(path, force)?;
    Staged::create(path)
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

/// Refuses an output in a folder that is not there. Called before any work is done.
pub(crate) fn refuse_nowhere(path: &Path) -> Result<()> {
    let folder = Staged::folder(path);
    match fs::metadata(folder) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => {
            Err(Error::new(Kind::Config, "the folder of the output is not there")
                .at(folder.display().to_string())
                .advise("make it, or name another"))
        }
        _ => Ok(()),
    }
}
