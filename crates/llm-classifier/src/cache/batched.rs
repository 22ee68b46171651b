//! Batches: the questions that are out in files beside the cache, which nobody asks directly meanwhile.
//!
//! A batch counts from the moment at which its note has a name, and no process asks a question before it has looked for one;
//! who writes a note looks afterwards what is being asked. So at least one of two sees the other.

use std::io::{BufRead, BufReader, ErrorKind};
use std::path::{Path, PathBuf};

use crawl_core::{Error, Kind, Result};

use super::index;
use super::part::Watch;

/// What is out.
#[derive(Debug)]
pub(super) struct Batched {
    folder: PathBuf,
    /// Whether the folder is there: then it is asked for its time.
    there: bool,
    watch: Watch,
    /// Of each note its name and the halves of its keys, sorted.
    known: Vec<(String, Vec<u128>)>,
}

impl Batched {
    /// Of the cache at `base`.
    pub(super) fn of(base: &Path) -> Self {
        Batched {
            folder: base.with_extension("batches"),
            there: false,
            watch: Watch::new(),
            known: Vec::new(),
        }
    }

    /// Files beside the cache have come or gone: among them may be the folder of notes.
    pub(super) fn seek(&mut self) {
        self.there = self.folder.is_dir();
        if !self.there {
            self.known.clear();
        }
    }

    /// Refuses what is out.
    ///
    /// # Errors
    /// [`Kind::Transient`] with the note of the batch if it is, or those of reading notes.
    pub(super) fn refuse(&mut self, key: u128) -> Result<()> {
        if self.there && self.watch.has_changed(&self.folder) {
            self.look()
                .map_err(|cause| Error::io("cannot read the notes of batches", &self.folder, cause))?;
        }
        let out = self.known.iter().find(|(_, keys)| keys.binary_search(&key).is_ok());
        out.map_or(Ok(()), |(name, _)| {
            Err(Error::new(Kind::Transient, "this question is out in a batch, and would be paid twice")
                .at(self.folder.join(name).display().to_string())
                .advise(
                    "bring its answers with --batch, and with --retry-missing if this listing is whole; or remove the \
                     folder of that note if you give the batches up",
                ))
        })
    }

    fn look(&mut self) -> std::io::Result<()> {
        let there = match std::fs::read_dir(&self.folder) {
            Err(cause) if cause.kind() == ErrorKind::NotFound => Vec::new(),
            entries => entries?.map(|entry| Ok(entry?.file_name())).collect::<std::io::Result<Vec<_>>>()?,
        };
        let names = there.iter().filter_map(|name| name.to_str()?.strip_suffix(".json"));
        let names: Vec<&str> = names.collect();
        self.known.retain(|(name, _)| names.contains(&name.as_str()));
        for name in names {
            if self.known.iter().all(|(known, _)| known != name) {
                match keys(&self.folder.join(format!("{name}.records.jsonl"))) {
                    // It has come back meanwhile.
                    Err(cause) if cause.kind() == ErrorKind::NotFound => {}
                    keys => self.known.push((name.to_owned(), keys?)),
                }
            }
        }
        Ok(())
    }
}

fn keys(records: &Path) -> std::io::Result<Vec<u128>> {
    let (mut lines, mut line) = (BufReader::new(std::fs::File::open(records)?), Vec::new());
    let mut keys = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        keys.extend(index::key_of(&line));
        line.clear();
    }
    keys.sort_unstable();
    Ok(keys)
}
