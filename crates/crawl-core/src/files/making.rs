//! Files that are made here or unpacked: written to a place of their own, named when they are whole.

use std::io;

use super::digest::{Hashes, Sums};
use super::land::Name;
use super::{Files, Held, Scratch, off};
use crate::{Error, FileLine, Kind, Result};

/// A file that is being made. If it is dropped unfinished, nothing stays.
pub struct Making {
    files: Files,
    name: Name,
    version: Option<String>,
    most: u64,
    sums: Sums,
    file: std::fs::File,
    scratch: Scratch,
    _held: [Option<Held>; 2],
}

impl std::fmt::Debug for Making {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Making").field("name", &self.name).finish_non_exhaustive()
    }
}

pub(super) async fn create(files: &Files, name: &str, version: Option<&str>, most: u64) -> Result<Making> {
    let name = files.name(name).await?;
    let held = files.room(most).await?;
    let (files, version) = (files.clone(), version.map(str::to_owned));
    off(move || {
        let scratch = files.shared.workroom.place(&files.root, &files.disk)?;
        let path = scratch.path();
        let file = std::fs::File::create(path).map_err(|cause| Error::io("cannot make", path, cause))?;
        Ok(Making { files, name, version, most, sums: Sums::new(Hashes::NAMED), file, scratch, _held: held })
    })
    .await
}

impl Making {
    /// Takes bytes. Blocks.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<()> {
        if self.sums.size + bytes.len() as u64 > self.most {
            let what = format!("the file is larger than the {} bytes that were expected", self.most);
            return Err(Error::new(Kind::Shape, what).at(self.name.plain.clone()));
        }
        self.files.disk.write_to(&self.file, self.scratch.path(), bytes)?;
        self.sums.take(bytes);
        Ok(())
    }

    /// The file is whole: it is durable under its name, or moved on, when this comes back. On a thread that blocks:
    /// `Handle::current().block_on(making.finish())`.
    ///
    /// # Errors
    /// Those of the disk, and of whoever moves files on.
    pub async fn finish(self) -> Result<FileLine> {
        let Making { files, name, version, sums, file, scratch, _held, .. } = self;
        drop(file);
        let _flight = files.shared.flights.enter(&name.path).await;
        let from = scratch.path().to_owned();
        let line = files.land(&name, version.as_deref(), from, sums.size, sums.sha256()).await?;
        files.shared.meter.done();
        off(move || drop(scratch)).await;
        Ok(line)
    }
}

impl io::Write for Making {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.take(bytes).map(|()| bytes.len()).map_err(io::Error::other)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
