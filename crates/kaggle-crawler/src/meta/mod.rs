//! Meta Kaggle: the tables that Kaggle publishes of itself, as CSV files in a folder. They are larger than memory, so
//! they are read as streams, sorted and joined on the disk.

use std::io::Write;
use std::path::Path;

use crawl_core::{Error, Result};

/// Writes a small file so that it is whole or not there, also after a loss of power.
pub(crate) fn durable(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |cause| Error::io("cannot write the file", path, cause);
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(failed)?;
    let part = path.with_extension("part");
    let mut file = std::fs::File::create(&part).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)?;
    settle(&part, path)
}

/// Gives a file that is written and synced its name.
pub(crate) fn settle(part: &Path, path: &Path) -> Result<()> {
    let failed = |cause| Error::io("cannot give the file its name", path, cause);
    std::fs::rename(part, path).map_err(failed)?;
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    }
    Ok(())
}
