//! Files that are fetched to be taken apart: they get no name, and go when they are needed no more.

use std::path::{Path, PathBuf};

use super::flights::Flight;
use super::land::Name;
use super::{Files, off};
use crate::Result;
use crate::http::Url;

/// A file that was fetched and verified, and has no name. Until [`Aside::remove`] it stays, through the death of the
/// program too: whoever fetches it again finds it whole.
///
/// Nobody else brings or makes the file of its name while it is held: what comes of it needs another one.
///
/// No room is held for it any more. It lies beside what is made of it, so who has a disk budget lets few of them be at
/// once, and small ones; who held room for it while waiting for more would wait for ever.
pub struct Aside {
    pub(super) files: Files,
    pub(super) name: Name,
    pub(super) path: PathBuf,
    pub(super) size: u64,
    pub(super) url: Option<Url>,
    pub(super) _flight: Flight,
}

impl std::fmt::Debug for Aside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Aside").field("path", &self.path).field("size", &self.size).finish_non_exhaustive()
    }
}

impl Aside {
    /// Where its bytes are.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Where they came from, behind all redirects; `None` if all of them were here already. It may be signed: it is
    /// not for logs.
    pub fn url(&self) -> Option<&Url> {
        self.url.as_ref()
    }

    /// Removes it.
    ///
    /// # Errors
    /// Those of the disk.
    pub async fn remove(self) -> Result<()> {
        let Aside { files, name, path, _flight, .. } = self;
        off(move || {
            files.disk.remove(&path)?;
            files.forget(&files.root.join(&name.path))
        })
        .await
    }
}
