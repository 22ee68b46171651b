//! Meta Kaggle: the tables that Kaggle publishes of itself, as CSV files in a folder. They are larger than memory, so
//! they are read as streams, sorted and joined on the disk.
//!
//! [`topics`] gives all discussions, [`references`] the refs of datasets, kernels or models. Both write what they make
//! to a folder below the root once, and use it again as long as the tables are the same.

mod known;
mod lines;
mod once;
mod owners;
mod references;
mod sort;
mod table;
mod things;
mod topics;

use std::io::Write;
use std::path::{Path, PathBuf};

use crawl_core::{Error, Result};

pub use self::lines::Lines;
pub use self::references::{Which, references};
pub use self::table::Tables;
pub use self::topics::topics;

/// Where what is made of the tables for the listing `name` lies.
fn folder(root: &Path, name: &str) -> PathBuf {
    let last = name.rsplit('/').next().unwrap_or(name);
    root.join("stages").join(format!("meta-{last}"))
}

/// How many items of the listing `name` the tables have, if they were read into this root: those without a ref too.
pub fn expected(root: &Path, name: &str) -> Option<u64> {
    once::found(&folder(root, name))?.counts.get("items").copied()
}

/// Writes a small file so that it is whole or not there, also after a loss of power; with `once` one that is there
/// stays as it is.
pub(crate) fn durable(path: &Path, bytes: &[u8], once: bool) -> Result<()> {
    let failed = |cause| Error::io("cannot write the file", path, cause);
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(failed)?;
    let part = path.with_extension(format!("{}.part", std::process::id()));
    let mut options = std::fs::File::options();
    options.write(true).create(true).truncate(true);
    // The key of pseudonyms is nobody else's.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&part).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)?;
    if !once {
        return settle(&part, path);
    }
    match std::fs::hard_link(&part, path) {
        // Not every disk has links.
        Err(cause) if cause.kind() != std::io::ErrorKind::AlreadyExists => settle(&part, path),
        _ => std::fs::remove_file(&part).and_then(|()| sync_folder(folder)).map_err(failed),
    }
}

/// Gives a file that is written and synced its name.
pub(crate) fn settle(part: &Path, path: &Path) -> Result<()> {
    let failed = |cause| Error::io("cannot give the file its name", path, cause);
    std::fs::rename(part, path).map_err(failed)?;
    sync_folder(path.parent().unwrap_or(Path::new("."))).map_err(failed)
}

fn sync_folder(folder: &Path) -> std::io::Result<()> {
    match cfg!(unix) {
        true => std::fs::File::open(folder)?.sync_all(),
        false => Ok(()),
    }
}
