//! Claims: what each process that uses the cache asks now, so that no two pay for one answer.
//!
//! A process writes its claim into a file of its own beside its journal, and only then looks into the others': of two that
//! claim at once at least one sees the other. A claim counts as long as its process holds the lock of its journal, which the
//! kernel frees when the process dies.

use std::fs::File;
use std::path::{Path, PathBuf};

use crawl_core::{Error, Result};

/// A place in the file: half a key, or nought.
const PLACE: usize = 16;

/// What this process asks now. The file has as many places as it ever asked questions at a time.
#[derive(Debug)]
pub(super) struct Claims {
    path: PathBuf,
    file: Option<File>,
    keys: Vec<Option<u128>>,
}

/// Where the claims of the process lie that writes a journal.
fn beside(journal: &Path) -> PathBuf {
    journal.with_extension("claims")
}

impl Claims {
    /// Of the process that writes this journal, and none yet: those of a dead one that wrote it before go.
    pub(super) fn of(journal: &Path) -> Self {
        let path = beside(journal);
        let _ = std::fs::remove_file(&path);
        Claims { path, file: None, keys: Vec::new() }
    }

    /// Claims a key; gives the place that it has.
    pub(super) fn put(&mut self, key: u128) -> Result<usize> {
        let place = self.keys.iter().position(Option::is_none).unwrap_or(self.keys.len());
        self.write(place, key).map_err(|cause| self.failed(cause))?;
        match self.keys.get_mut(place) {
            Some(free) => *free = Some(key),
            None => self.keys.push(Some(key)),
        }
        Ok(place)
    }

    /// Gives a claim up.
    pub(super) fn free(&mut self, place: usize) {
        // What cannot be written holds others up until the place is taken anew, or this process ends.
        let _ = self.write(place, 0);
        self.keys[place] = None;
    }

    fn write(&mut self, place: usize, key: u128) -> std::io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(File::create(&self.path)?),
        };
        put(file, &key.to_be_bytes(), (place * PLACE) as u64)
    }

    fn failed(&self, cause: std::io::Error) -> Error {
        Error::io("cannot write down what is asked", &self.path, cause)
    }

    /// Takes the file away, as long as no other process can have the journal.
    pub(super) fn tidy(&mut self) {
        if self.file.take().is_some() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(unix)]
fn put(file: &File, bytes: &[u8], at: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, at)
}

#[cfg(not(unix))]
fn put(mut file: &File, bytes: &[u8], at: u64) -> std::io::Result<()> {
    use std::io::{Seek, SeekFrom, Write};
    file.seek(SeekFrom::Start(at))?;
    file.write_all(bytes)
}

/// What the process that writes another journal has claimed, if it lives: a key a place, or nought.
pub(super) fn claimed(journal: &Path) -> Result<Vec<u128>> {
    let path = beside(journal);
    match std::fs::read(&path) {
        Ok(places) => Ok(places.as_chunks().0.iter().map(|place| u128::from_be_bytes(*place)).collect()),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(cause) => Err(Error::io("cannot read what another process asks", &path, cause)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Cache, Key};

    fn key(number: u8) -> Key {
        Key::new([number; 32])
    }

    #[test]
    fn a_question_is_claimed_by_one_process_at_a_time_and_never_by_a_dead_one() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Cache::open(folder.path()).unwrap();
        let (one, two) = (open(), open());
        let first = one.claim(key(1)).unwrap().unwrap();
        assert!(two.claim(key(1)).unwrap().is_none());
        assert!(two.claim(key(2)).unwrap().is_some());
        drop(first);
        let again = two.claim(key(1)).unwrap().unwrap();
        assert!(one.claim(key(1)).unwrap().is_none());
        // A later one sees it as well.
        let three = open();
        assert!(three.claim(key(1)).unwrap().is_none());
        // As `kill -9` leaves it: the file is there, and nobody holds the lock of the journal.
        let claims = folder.path().join("answers.part-1.claims");
        let left = std::fs::read(&claims).unwrap();
        drop(again);
        drop(two);
        assert!(!claims.exists());
        std::fs::write(folder.path().join("answers.part-1.jsonl"), "").unwrap();
        std::fs::write(&claims, &left).unwrap();
        assert!(one.claim(key(1)).unwrap().is_some());
        // Nor do they count for the one that takes its place.
        std::fs::write(&claims, &left).unwrap();
        let _four = open();
        assert!(one.claim(key(1)).unwrap().is_some());
    }

    #[test]
    fn the_file_of_claims_is_as_long_as_most_were_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path()).unwrap();
        let claims = folder.path().join("answers.claims");
        assert!(!claims.exists(), "who asks nothing claims nothing");
        for number in 1..=200 {
            let _both = (cache.claim(key(number)).unwrap().unwrap(), cache.claim(key(0)).unwrap().unwrap());
        }
        assert_eq!(std::fs::metadata(&claims).unwrap().len(), 32);
        drop(cache);
        assert!(!claims.exists());
    }
}
