//! What is read is not written over.

use std::path::{Path, PathBuf};

use crawl_core::{Error, Kind, Result, Staged};

/// Refuses an output that is the catalogue it is made of, also by another spelling or a link.
pub(crate) fn apart(catalogue: &Path, to: &Path) -> Result<()> {
    if !same(catalogue, to) {
        return Ok(());
    }
    Err(Error::new(Kind::Config, "the output is the catalogue that it would be made of")
        .at(to.display().to_string())
        .because("nothing was written")
        .advise("name another file"))
}

fn same(one: &Path, other: &Path) -> bool {
    place(one) == place(other) || linked(one, other)
}

/// Where a file lies or will lie.
fn place(path: &Path) -> Option<PathBuf> {
    let there = || Some(Staged::folder(path).canonicalize().ok()?.join(path.file_name()?));
    path.canonicalize().ok().or_else(there)
}

/// Whether both are names of one file.
#[cfg(unix)]
fn linked(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let file = |path: &Path| std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()));
    file(one).is_some_and(|one| file(other) == Some(one))
}

#[cfg(not(unix))]
fn linked(_: &Path, _: &Path) -> bool {
    false
}
