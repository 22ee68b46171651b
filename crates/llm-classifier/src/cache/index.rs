//! The index of journals: where the line of a key begins, on disk, with the newest keys in memory.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crawl_core::{Error, Kind, Result};
use redb::{Database, Durability, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition};

use super::Opened;
use super::part::Part;

const LINES: TableDefinition<'_, u128, (u32, u64, u32)> = TableDefinition::new("places");
/// Of each journal so far it is in the index, and the mark by which it is known again.
const JOURNALS: TableDefinition<'_, u32, (u64, u64)> = TableDefinition::new("journals");

/// So many keys wait in memory before they are written together.
const WAITING: usize = 20_000;
/// What the database may keep in memory.
const MEMORY: usize = 16 << 20;
const BEGIN: &[u8] = b"{\"key\":\"";

/// Where a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// The number of its journal.
    pub(super) part: u32,
    pub(super) start: u64,
    pub(super) length: u32,
}

/// Where lines are.
#[derive(Debug)]
pub(super) struct Index {
    path: PathBuf,
    database: Database,
    waiting: HashMap<u128, Place>,
    /// Keys on disk.
    stored: u64,
    /// Waiting keys that are on disk too, with an older line.
    again: u64,
}

impl Index {
    /// Opens the index beside the first journal and brings it up to the ends of all; cuts off a last line of the first one
    /// without its end, for no process writes it any more.
    pub(super) fn open(parts: &mut [Part]) -> Result<(Self, Opened)> {
        let place = parts[0].path.with_extension("index");
        let mut index = match Index::known(&place, parts) {
            Some(found) => found,
            None => {
                parts.iter_mut().for_each(|part| part.end = 0);
                Index::anew(&place)?
            }
        };
        let mut opened = Opened::default();
        for at in 0..parts.len() {
            let read = index.read(parts, at)?;
            opened.unreadable += read.unreadable;
            if at == 0 && read.torn_bytes > 0 {
                opened.torn_bytes = read.torn_bytes;
                parts[0].file.set_len(parts[0].end).map_err(|cause| parts[0].failed(cause))?;
            }
        }
        index.flush(parts)?;
        opened.answers = index.answers();
        Ok((index, opened))
    }

    /// The index as it was left, if it is one of these journals; they then know how far they are in it.
    fn known(place: &Path, parts: &mut [Part]) -> Option<Self> {
        if !place.is_file() {
            return None;
        }
        let database = Database::builder().set_cache_size(MEMORY).open(place).ok()?;
        let read = database.begin_read().ok()?;
        let journals = read.open_table(JOURNALS).ok()?;
        for entry in journals.iter().ok()? {
            let (number, state) = entry.ok()?;
            let (number, (end, mark)) = (number.value(), state.value());
            let Some(part) = parts.iter_mut().find(|part| part.number == number) else {
                // A journal in which nothing was kept may go.
                if end == 0 {
                    continue;
                }
                return None;
            };
            if part.length().ok()? < end || part.mark(end).ok()? != mark {
                return None;
            }
            part.end = end;
        }
        let stored = read.open_table(LINES).ok()?.len().ok()?;
        Some(Index { path: place.to_owned(), database, waiting: HashMap::new(), stored, again: 0 })
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

    /// Reads the lines of a journal that are not in the index yet.
    pub(super) fn read(&mut self, parts: &mut [Part], at: usize) -> Result<Opened> {
        let mut opened = Opened::default();
        let mut lines = {
            let part = &mut parts[at];
            let file = part.file.seek(SeekFrom::Start(part.end)).and_then(|_| part.file.try_clone());
            BufReader::with_capacity(1 << 20, file.map_err(|cause| part.failed(cause))?)
        };
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).map_err(|cause| parts[at].failed(cause))? > 0 {
            if line.last() != Some(&b'\n') {
                opened.torn_bytes = line.len() as u64;
                break;
            }
            let Part { number, end: start, .. } = parts[at];
            parts[at].end += line.len() as u64;
            match (key_of(&line), u32::try_from(line.len())) {
                (Some(key), Ok(length)) => self.put(key, Place { part: number, start, length }, parts)?,
                _ => opened.unreadable += 1,
            }
            line.clear();
            // Marks are read through the same file.
            if self.waiting.is_empty() {
                lines.seek(SeekFrom::Start(parts[at].end)).map_err(|cause| parts[at].failed(cause))?;
            }
        }
        Ok(opened)
    }

    pub(super) fn answers(&self) -> u64 {
        self.stored + self.waiting.len() as u64 - self.again
    }

    pub(super) fn get(&self, key: u128) -> Result<Option<Place>> {
        match self.waiting.get(&key) {
            Some(place) => Ok(Some(*place)),
            None => self.on_disk(key).map_err(|cause| self.failed(cause)),
        }
    }

    fn on_disk(&self, key: u128) -> Result<Option<Place>, redb::Error> {
        if self.stored == 0 {
            return Ok(None);
        }
        let read = self.database.begin_read()?;
        let found = read.open_table(LINES)?.get(key)?.map(|found| found.value());
        Ok(found.map(|(part, start, length)| Place { part, start, length }))
    }

    /// The line of `key` now is there.
    pub(super) fn put(&mut self, key: u128, place: Place, parts: &mut [Part]) -> Result<()> {
        if !self.waiting.contains_key(&key) {
            let there = self.on_disk(key).map_err(|cause| self.failed(cause))?;
            self.again += u64::from(there.is_some());
        }
        self.waiting.insert(key, place);
        if self.waiting.len() >= WAITING { self.flush(parts) } else { Ok(()) }
    }

    /// Writes the waiting keys, and how far each journal is in. A crash before it costs reading a part of the journals
    /// again, nothing else.
    pub(super) fn flush(&mut self, parts: &mut [Part]) -> Result<()> {
        let state = |part: &mut Part| Ok((part.number, (part.end, part.mark(part.end)?)));
        let states: Vec<_> = parts.iter_mut().map(state).collect::<Result<_>>()?;
        self.write(&states).map_err(|cause| self.failed(cause))
    }

    fn write(&mut self, states: &[(u32, (u64, u64))]) -> Result<(), redb::Error> {
        let mut write = self.database.begin_write()?;
        // The journal is not synced at each line either, and is looked at first at the next start.
        write.set_durability(Durability::Immediate)?;
        {
            let mut lines = write.open_table(LINES)?;
            let mut waiting: Vec<_> = self.waiting.iter().collect();
            waiting.sort_unstable();
            for (key, Place { part, start, length }) in waiting {
                lines.insert(*key, (*part, *start, *length))?;
            }
            let mut journals = write.open_table(JOURNALS)?;
            for (number, state) in states {
                journals.insert(*number, *state)?;
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
