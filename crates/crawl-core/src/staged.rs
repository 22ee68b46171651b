//! Files that appear under their name only when they are whole.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::disk::{Disk, staged};
use crate::{Error, Result};

/// A file being written as `NAME.part`; dropped before [`Staged::finish`], it goes again.
#[derive(Debug)]
pub struct Staged {
    disk: Disk,
    path: PathBuf,
    part: PathBuf,
    file: Option<BufWriter<File>>,
    keeps_part: bool,
}

impl Staged {
    /// Begins the file that will be `path`, over what is left of an earlier attempt.
    ///
    /// # Errors
    /// [`crate::Kind::Storage`] if the file cannot be made.
    pub fn create(path: &Path) -> Result<Self> {
        Staged::through(path, &staged(path))
    }

    /// As [`Staged::create`], gathered in `part`, which lies in the same folder: for writers that may meet.
    ///
    /// # Errors
    /// [`crate::Kind::Storage`] if the file cannot be made.
    pub fn through(path: &Path, part: &Path) -> Result<Self> {
        Staged::on(Disk::default(), path, part)
    }

    fn on(disk: Disk, path: &Path, part: &Path) -> Result<Self> {
        let file = File::create(part).map_err(|cause| Error::io("cannot make the file", part, cause))?;
        disk.write_to(&file, part, b"")?;
        let file = Some(BufWriter::with_capacity(1 << 20, file));
        Ok(Staged { disk, path: path.to_owned(), part: part.to_owned(), file, keeps_part: false })
    }

    /// Leaves what was written as `NAME.part` if it is not finished.
    pub fn keeping_part(mut self) -> Self {
        self.keeps_part = true;
        self
    }

    /// Puts `bytes` at `path`, whole or not at all, durably.
    ///
    /// # Errors
    /// [`crate::Kind::Storage`] if the disk refuses.
    pub fn put(path: &Path, bytes: &[u8]) -> Result<()> {
        let mut file = Staged::create(path)?;
        file.write_all(bytes).map_err(|cause| file.failed(cause))?;
        file.finish().map(|_| ())
    }

    /// The folder in which a file lies; of a bare name the one that one stands in.
    pub fn folder(path: &Path) -> &Path {
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    /// Gives the whole file `part` the name `path` in the same folder, durably.
    ///
    /// # Errors
    /// [`crate::Kind::Storage`] if the disk refuses.
    pub fn place(part: &Path, path: &Path) -> Result<()> {
        place(&Disk::default(), part, path)
    }

    /// As [`Staged::place`], but that nothing is replaced: `false` if something has the name, and `part` stays.
    ///
    /// # Errors
    /// [`crate::Kind::Storage`] if the disk refuses.
    pub fn place_new(part: &Path, path: &Path) -> Result<bool> {
        let disk = Disk::default();
        disk.sync_file(part)?;
        let placed = disk.rename_new(part, path)?;
        disk.sync_folder(Staged::folder(path))?;
        Ok(placed)
    }

    /// Puts the file under its name, durably. Gives its size in bytes.
    ///
    /// # Errors
    /// [`crate::Kind::Storage`] if the disk refuses.
    pub fn finish(mut self) -> Result<u64> {
        let size =
            self.flush().and_then(|()| fs::metadata(&self.part)).map_err(|cause| self.failed(cause))?;
        place(&self.disk, &self.part, &self.path)?;
        self.file = None;
        Ok(size.len())
    }

    /// The error for a write into this file that failed.
    pub fn failed(&self, cause: io::Error) -> Error {
        Error::io("cannot write the file", &self.path, cause)
    }
}

fn place(disk: &Disk, part: &Path, path: &Path) -> Result<()> {
    disk.sync_file(part)?;
    disk.rename(part, path)?;
    disk.sync_folder(Staged::folder(path))
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
        // What is behind `finish`, or left on purpose, stays.
        if self.file.take().is_some() && !self.keeps_part {
            // Best effort: a part that stays is written over by the next attempt.
            let _ = fs::remove_file(&self.part);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::Fate;

    /// Writes over an old file and meets a fate at a step; gives whether it was told to be done, and what is there.
    fn written(fate: Fate, step: u32) -> (bool, Vec<u8>, bool) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.json");
        fs::write(&path, "old").unwrap();
        let steps = Arc::new(AtomicU32::new(0));
        let counted = steps.clone();
        let disk = Disk::with_probe(Arc::new(move |_| match counted.fetch_add(1, Ordering::SeqCst) {
            now if now == step => fate,
            _ => Fate::Live,
        }));
        let finished = Staged::on(disk, &path, &staged(&path)).and_then(|mut file| {
            file.write_all(b"new and longer").unwrap();
            file.finish()
        });
        let met = steps.load(Ordering::SeqCst) > step;
        (finished.is_ok(), fs::read(&path).unwrap_or_default(), met)
    }

    #[test]
    fn a_file_is_the_old_or_the_new_one_at_whatever_step_it_dies() {
        for fate in [Fate::Die, Fate::Tear, Fate::Lose] {
            let mut step = 0;
            loop {
                let (done, there, met) = written(fate, step);
                assert!(there == b"old" || there == b"new and longer", "{fate:?} at {step}: {there:?}");
                assert!(!done || there == b"new and longer", "{fate:?} at {step}");
                if !met {
                    break;
                }
                step += 1;
            }
            assert_eq!(step, 8, "four steps, each asked about twice");
        }
    }

    #[test]
    fn what_may_replace_nothing_takes_a_free_name_and_leaves_one_that_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let (part, path) = (folder.path().join("x.part"), folder.path().join("x"));
        for there in ["taken", "as well"] {
            fs::write(&part, "whole").unwrap();
            assert!(Staged::place_new(&part, &path).unwrap());
            assert!(fs::read(&path).unwrap() == b"whole" && !part.exists());
            fs::write(&part, "other").unwrap();
            fs::write(&path, there).unwrap();
            assert!(!Staged::place_new(&part, &path).unwrap());
            assert_eq!((fs::read(&path).unwrap(), fs::read(&part).unwrap()), (there.into(), b"other".into()));
            // Nor a folder.
            fs::remove_file(&path).unwrap();
            fs::create_dir(&path).unwrap();
            assert!(!Staged::place_new(&part, &path).unwrap() && part.exists());
            fs::remove_dir(&path).unwrap();
        }
    }

    #[test]
    fn what_is_dropped_goes_unless_it_is_to_be_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        drop(Staged::create(&path).unwrap());
        assert!(!staged(&path).exists());
        let mut kept = Staged::create(&path).unwrap().keeping_part();
        kept.write_all(b"half").unwrap();
        drop(kept);
        assert_eq!(fs::read(staged(&path)).unwrap(), b"half");
        Staged::put(&path, b"whole").unwrap();
        assert!(fs::read(&path).unwrap() == b"whole" && !staged(&path).exists());
    }
}
