//! The index of a journal: where the line of a key begins, on disk, with the newest keys in memory.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crawl_core::{Error, Kind, Result};
use redb::{Database, Durability, ReadableDatabase, ReadableTableMetadata, TableDefinition};
use sha2::{Digest, Sha256};

use super::Opened;

const LINES: TableDefinition<'_, u128, (u64, u32)> = TableDefinition::new("lines");
/// `end`: so far the journal is in the index. `head`: a digest of the journal's first `head_bytes`, to know it again.
const STATE: TableDefinition<'_, &str, u64> = TableDefinition::new("state");

/// So many keys wait in memory before they are written together.
const WAITING: usize = 20_000;
/// What the database may keep in memory.
const MEMORY: usize = 16 << 20;
/// So many bytes of the journal's beginning tell it from another.
const HEAD: u64 = 512;
const BEGIN: &[u8] = b"{\"key\":\"";

/// Where lines are.
#[derive(Debug)]
pub(super) struct Index {
    path: PathBuf,
    database: Database,
    waiting: HashMap<u128, (u64, u32)>,
    /// Keys on disk.
    stored: u64,
    /// Waiting keys that are on disk too, with an older line.
    again: u64,
}

impl Index {
    /// Opens the index beside a journal and brings it up to the journal's end; cuts off a last line without its end.
    pub(super) fn open(journal: &mut File, path: &Path) -> Result<(Self, u64, Opened)> {
        let failed = |cause| Error::io("cannot read the response cache", path, cause);
        let length = journal.metadata().map_err(failed)?.len();
        let place = path.with_extension("index");
        let (mut index, from) = match Index::known(&place, journal, length) {
            Some(found) => found,
            None => (Index::anew(&place)?, 0),
        };
        let (end, mut opened) = index.read(journal, from, path)?;
        if opened.torn_bytes > 0 {
            journal.set_len(end).map_err(failed)?;
        }
        index.flush_with_head(end, journal)?;
        opened.answers = index.answers();
        Ok((index, end, opened))
    }

    /// The index as it was left, if it is one of this journal.
    fn known(place: &Path, journal: &mut File, length: u64) -> Option<(Self, u64)> {
        if !place.is_file() {
            return None;
        }
        let database = Database::builder().set_cache_size(MEMORY).open(place).ok()?;
        let read = database.begin_read().ok()?;
        let state = read.open_table(STATE).ok()?;
        let value = |name: &str| state.get(name).ok().flatten().map(|value| value.value());
        let (end, known, bytes) = (value("end")?, value("head")?, value("head_bytes")?);
        let head = head_of(journal, bytes).ok()?;
        let stored = read.open_table(LINES).ok()?.len().ok()?;
        (end <= length && known == head).then(|| {
            let index = Index { path: place.to_owned(), database, waiting: HashMap::new(), stored, again: 0 };
            (index, end)
        })
    }

    fn anew(place: &Path) -> Result<Self> {
        let _ = std::fs::remove_file(place);
        let failed = |cause: redb::DatabaseError| {
            Error::new(Kind::Storage, "cannot make the index of the response cache")
                .at(place.display().to_string())
                .because(cause)
        };
        let database = Database::builder().set_cache_size(MEMORY).create(place).map_err(failed)?;
        Ok(Index { path: place.to_owned(), database, waiting: HashMap::new(), stored: 0, again: 0 })
    }

    /// Reads the journal's lines from `from` on.
    fn read(&mut self, journal: &mut File, from: u64, path: &Path) -> Result<(u64, Opened)> {
        let failed = |cause| Error::io("cannot read the response cache", path, cause);
        let mut opened = Opened::default();
        let mut end = from;
        journal.seek(SeekFrom::Start(from)).map_err(failed)?;
        let mut lines = BufReader::with_capacity(1 << 20, &*journal);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).map_err(failed)? > 0 {
            if line.last() != Some(&b'\n') {
                opened.torn_bytes = line.len() as u64;
                break;
            }
            let start = end;
            end += line.len() as u64;
            match (key_of(&line), u32::try_from(line.len())) {
                (Some(key), Ok(length)) => self.put(key, start, length, end)?,
                _ => opened.unreadable += 1,
            }
            line.clear();
        }
        Ok((end, opened))
    }

    pub(super) fn answers(&self) -> u64 {
        self.stored + self.waiting.len() as u64 - self.again
    }

    pub(super) fn get(&self, key: u128) -> Result<Option<(u64, u32)>> {
        match self.waiting.get(&key) {
            Some(place) => Ok(Some(*place)),
            None => self.on_disk(key).map_err(|cause| self.failed(cause)),
        }
    }

    fn on_disk(&self, key: u128) -> Result<Option<(u64, u32)>, redb::Error> {
        if self.stored == 0 {
            return Ok(None);
        }
        let read = self.database.begin_read()?;
        Ok(read.open_table(LINES)?.get(key)?.map(|found| found.value()))
    }

    /// The line of `key` now begins at `start`; the journal is as long as `end`.
    pub(super) fn put(&mut self, key: u128, start: u64, length: u32, end: u64) -> Result<()> {
        if !self.waiting.contains_key(&key) {
            let there = self.on_disk(key).map_err(|cause| self.failed(cause))?;
            self.again += u64::from(there.is_some());
        }
        self.waiting.insert(key, (start, length));
        if self.waiting.len() >= WAITING { self.flush(end) } else { Ok(()) }
    }

    /// Writes the waiting keys. A crash before it costs reading a part of the journal again, nothing else.
    pub(super) fn flush(&mut self, end: u64) -> Result<()> {
        self.write(end, None).map_err(|cause| self.failed(cause))
    }

    /// As [`Index::flush`], and remembers how the journal begins.
    pub(super) fn flush_with_head(&mut self, end: u64, journal: &mut File) -> Result<()> {
        let bytes = end.min(HEAD);
        let head = head_of(journal, bytes).map_err(|cause| self.failed(redb::Error::Io(cause)))?;
        self.write(end, Some((head, bytes))).map_err(|cause| self.failed(cause))
    }

    fn write(&mut self, end: u64, head: Option<(u64, u64)>) -> Result<(), redb::Error> {
        let mut write = self.database.begin_write()?;
        // The journal is not synced at each line either, and is looked at first at the next start.
        write.set_durability(Durability::Immediate)?;
        {
            let mut lines = write.open_table(LINES)?;
            let mut waiting: Vec<_> = self.waiting.iter().collect();
            waiting.sort_unstable();
            for (key, place) in waiting {
                lines.insert(*key, *place)?;
            }
            let mut state = write.open_table(STATE)?;
            state.insert("end", end)?;
            if let Some((head, bytes)) = head {
                state.insert("head", head)?;
                state.insert("head_bytes", bytes)?;
            }
        }
        write.commit()?;
        self.stored = self.stored + self.waiting.len() as u64 - self.again;
        self.again = 0;
        self.waiting.clear();
        Ok(())
    }

    fn failed(&self, cause: redb::Error) -> Error {
        Error::new(Kind::Storage, "the index of the response cache fails")
            .at(self.path.display().to_string())
            .advise("delete the index and run again: it is made anew from the journal beside it")
            .because(cause)
    }
}

/// A digest of the journal's first bytes.
fn head_of(journal: &mut File, bytes: u64) -> std::io::Result<u64> {
    journal.seek(SeekFrom::Start(0))?;
    let mut head = Vec::new();
    journal.take(bytes).read_to_end(&mut head)?;
    let digest = Sha256::digest(head);
    Ok(u64::from_be_bytes(digest[..8].try_into().unwrap_or_default()))
}

fn key_of(line: &[u8]) -> Option<u128> {
    let digits = line.strip_prefix(BEGIN)?.get(..64)?;
    let whole = line.ends_with(b"}\n") && line.get(BEGIN.len() + 64) == Some(&b'"');
    whole.then(|| u128::from_str_radix(std::str::from_utf8(&digits[..32]).ok()?, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_from_a_whole_line_only() {
        let key = data_encoding::HEXLOWER.encode(&[7; 32]);
        assert!(key_of(format!("{{\"key\":\"{key}\",\"x\":1}}\n").as_bytes()).is_some());
        assert!(key_of(format!("{{\"key\":\"{key}\",\"x\":1\n").as_bytes()).is_none());
        assert!(key_of(b"not ours\n").is_none());
    }
}
