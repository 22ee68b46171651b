//! The index of the journals: where the line of a key begins, in one file for all processes, with the newest keys in memory.
//!
//! It says how far each journal is in it, and by which mark that journal is known again. What is behind that is read from the
//! journal; where a journal is another one, or has gone, the index is made anew. So it may be deleted, and may lag behind.

use std::cell::Cell;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crawl_core::{Error, Kind, Result, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::Opened;
use super::part::Part;

/// So many keys wait in memory before they are written together.
const WAITING: usize = 100_000;
/// So many lookups are made in one state of the file; as long as it is held, what others write piles up.
const LOOKUPS: u32 = 10_000;
/// So long another process may write.
const PATIENCE: Duration = Duration::from_secs(120);
const BEGIN: &[u8] = b"{\"key\":\"";
const AT: &[u8] = b"\",\"at\":\"";

/// Several processes read while one writes. What a power cut takes from the end is read from the journals again. 8 MiB are
/// held in memory.
const SETTINGS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -8192;";
const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS places
        (key BLOB PRIMARY KEY, part INTEGER NOT NULL, start INTEGER NOT NULL, length INTEGER NOT NULL, at INTEGER NOT NULL)
        WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS journals
        (part INTEGER PRIMARY KEY, end INTEGER NOT NULL, mark INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS total (answers INTEGER NOT NULL);
    INSERT INTO total SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM total);";
const NOTHING: &str = "DELETE FROM places; DELETE FROM journals; UPDATE total SET answers = 0;";

/// Where a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// The number of its journal.
    pub(super) part: u32,
    pub(super) start: u64,
    pub(super) length: u32,
    /// When it was answered, in microseconds: of two lines of a key the later one counts, whoever reads which one first.
    pub(super) at: i64,
}

/// Where lines are.
#[derive(Debug)]
pub(super) struct Index {
    path: PathBuf,
    file: Connection,
    waiting: HashMap<u128, Place>,
    /// Lookups in the state of the file that is held: to take it up for each would cost more than the lookup. What others
    /// have written since is found in their journals.
    lookups: Cell<u32>,
    /// Nothing was in the file when it was opened, and this process has written nothing. What others write it has from their
    /// journals.
    empty: bool,
}

impl Index {
    /// Opens the index of the cache at `base` and brings it up to the ends of all journals; cuts off a last line of the first
    /// one without its end, for no process writes it any more. Journals that have come meanwhile are among them afterwards.
    pub(super) fn open(base: &Path, parts: &mut Vec<Part>) -> Result<(Self, Opened)> {
        let path = base.with_extension("index");
        let file = connection(&path).or_else(|cause| {
            use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
            if !matches!(cause.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase)) {
                return Err(cause);
            }
            // None of ours, or damaged: whoever has it open goes on with it alone.
            for ending in ["index", "index-wal", "index-shm"] {
                let _ = std::fs::remove_file(base.with_extension(ending));
            }
            connection(&path)
        });
        let file = file.map_err(|cause| failed(&path, cause))?;
        let mut index = Index { path, file, waiting: HashMap::new(), lookups: Cell::new(0), empty: false };
        let opened = match index.knows(base, parts)? {
            true => index.read_all(parts)?,
            false => index.anew(base, parts)?,
        };
        index.empty = opened.answers == 0;
        Ok((index, opened))
    }

    /// Makes the index anew in one step, so that no other process misses what is in it.
    fn anew(&mut self, base: &Path, parts: &mut Vec<Part>) -> Result<Opened> {
        self.execute("BEGIN IMMEDIATE")?;
        let made = self.knows(base, parts).and_then(|known| {
            // Another process may have made it while this one waited.
            if !known {
                self.execute(NOTHING)?;
                parts.iter_mut().for_each(|part| (part.end, part.stored) = (0, 0));
            }
            self.read_all(parts)
        });
        self.execute(if made.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
        made
    }

    /// Whether the index is one of these journals; they then know how far they are in it.
    fn knows(&self, base: &Path, parts: &mut Vec<Part>) -> Result<bool> {
        for (number, end, mark) in self.journals().map_err(|cause| self.failed(cause))? {
            if parts.iter().all(|part| part.number != number) {
                parts.extend(Part::other(base, number)?);
            }
            let Some(part) = parts.iter_mut().find(|part| part.number == number) else { return Ok(false) };
            if part.length()? < end || part.mark(end)? != mark {
                return Ok(false);
            }
            (part.end, part.stored) = (end, end);
        }
        Ok(true)
    }

    /// How far each journal is in the index, and its mark.
    fn journals(&self) -> rusqlite::Result<Vec<(u32, u64, u64)>> {
        let mut rows = self.file.prepare("SELECT part, end, mark FROM journals")?;
        let rows = rows.query_map([], |row| {
            Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned(), row.get::<_, i64>(2)?.cast_unsigned()))
        })?;
        rows.collect()
    }

    fn read_all(&mut self, parts: &mut [Part]) -> Result<Opened> {
        let mut opened = Opened::default();
        for at in 0..parts.len() {
            let read = self.read(parts, at)?;
            opened.unreadable += read.unreadable;
            if at == 0 && read.torn_bytes > 0 {
                opened.torn_bytes = read.torn_bytes;
                parts[0].file.set_len(parts[0].end).map_err(|cause| parts[0].failed(cause))?;
            }
        }
        self.flush(parts)?;
        opened.answers = self.answers(parts)?;
        Ok(opened)
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
                (Some(key), Ok(length)) => {
                    let place = Place { part: number, start, length, at: at_of(&line) };
                    self.put(key, place, parts)?;
                }
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

    /// How many different questions have an answer.
    pub(super) fn answers(&mut self, parts: &mut [Part]) -> Result<u64> {
        self.flush(parts)?;
        self.let_go().map_err(|cause| self.failed(cause))?;
        let answers = self.file.query_row("SELECT answers FROM total", [], |row| row.get::<_, i64>(0));
        answers.map(i64::cast_unsigned).map_err(|cause| self.failed(cause))
    }

    pub(super) fn get(&self, key: u128) -> Result<Option<Place>> {
        match self.waiting.get(&key) {
            Some(place) => Ok(Some(*place)),
            None if self.empty => Ok(None),
            None => self.on_disk(key).map_err(|cause| self.failed(cause)),
        }
    }

    fn on_disk(&self, key: u128) -> rusqlite::Result<Option<Place>> {
        if self.lookups.get() >= LOOKUPS {
            self.let_go()?;
        }
        if self.lookups.get() == 0 {
            self.file.execute_batch("BEGIN")?;
        }
        self.lookups.set(self.lookups.get() + 1);
        let mut rows =
            self.file.prepare_cached("SELECT part, start, length, at FROM places WHERE key = ?")?;
        rows.query_row([key.to_be_bytes()], |row| {
            let start = row.get::<_, i64>(1)?.cast_unsigned();
            Ok(Place { part: row.get(0)?, start, length: row.get(2)?, at: row.get(3)? })
        })
        .optional()
    }

    /// Lets the state of the file go that lookups were made in.
    fn let_go(&self) -> rusqlite::Result<()> {
        match self.lookups.replace(0) {
            0 => Ok(()),
            _ => self.file.execute_batch("COMMIT"),
        }
    }

    /// A line of `key` is there.
    pub(super) fn put(&mut self, key: u128, place: Place, parts: &mut [Part]) -> Result<()> {
        // Whoever waits for answers holds nothing meanwhile.
        self.let_go().map_err(|cause| self.failed(cause))?;
        let newest = self.waiting.entry(key).or_insert(place);
        if newest.at <= place.at {
            *newest = place;
        }
        if self.waiting.len() >= WAITING { self.flush(parts) } else { Ok(()) }
    }

    /// Writes the waiting keys, and how far each journal is in. A crash before it costs reading a part of the journals
    /// again, nothing else.
    pub(super) fn flush(&mut self, parts: &mut [Part]) -> Result<()> {
        let mut states = Vec::new();
        for part in parts.iter_mut().filter(|part| part.end != part.stored && !part.anew) {
            states.push((part.number, part.end, part.mark(part.end)?));
        }
        if self.waiting.is_empty() && states.is_empty() {
            return Ok(());
        }
        self.write(&states).map_err(|cause| self.failed(cause))?;
        parts.iter_mut().for_each(|part| part.stored = part.end);
        self.waiting.clear();
        Ok(())
    }

    fn write(&mut self, states: &[(u32, u64, u64)]) -> rusqlite::Result<()> {
        let mut waiting: Vec<_> = self.waiting.iter().collect();
        waiting.sort_unstable();
        self.let_go()?;
        self.empty = false;
        // Also within the step in which the index is made anew.
        let step = self.file.savepoint()?;
        {
            let mut add = step.prepare_cached("INSERT OR IGNORE INTO places VALUES (?, ?, ?, ?, ?)")?;
            let mut move_to = step.prepare_cached(
                "UPDATE places SET part = ?2, start = ?3, length = ?4, at = ?5 WHERE key = ?1 AND at <= ?5",
            )?;
            let mut new = 0i64;
            for (key, Place { part, start, length, at }) in waiting {
                let row = params![key.to_be_bytes(), part, start.cast_signed(), length, at];
                match add.execute(row)? {
                    0 => _ = move_to.execute(row)?,
                    _ => new += 1,
                }
            }
            step.execute("UPDATE total SET answers = answers + ?", [new])?;
            let mut journal = step.prepare_cached("INSERT OR REPLACE INTO journals VALUES (?, ?, ?)")?;
            for (number, end, mark) in states {
                journal.execute(params![number, end.cast_signed(), mark.cast_signed()])?;
            }
        }
        step.commit()
    }

    fn execute(&self, sql: &str) -> Result<()> {
        self.file.execute_batch(sql).map_err(|cause| self.failed(cause))
    }

    fn failed(&self, cause: rusqlite::Error) -> Error {
        failed(&self.path, cause)
    }
}

fn connection(path: &Path) -> rusqlite::Result<Connection> {
    let file = Connection::open(path)?;
    file.busy_timeout(PATIENCE)?;
    file.execute_batch(SETTINGS)?;
    file.execute_batch(TABLES)?;
    Ok(file)
}

fn failed(path: &Path, cause: rusqlite::Error) -> Error {
    Error::new(Kind::Storage, "the index of the response cache fails")
        .at(path.display().to_string())
        .advise("end all runs, delete the index and run again: it is made anew from the journals beside it")
        .because(cause)
}

/// The half of the key with which a whole line begins.
pub(super) fn key_of(line: &[u8]) -> Option<u128> {
    let digits = line.strip_prefix(BEGIN)?.get(..64)?;
    let whole = line.ends_with(b"}\n") && line.get(BEGIN.len() + 64) == Some(&b'"');
    whole.then(|| u128::from_str_radix(std::str::from_utf8(&digits[..32]).ok()?, 16).ok()).flatten()
}

/// When the answer of a line was whole, in microseconds; 0 if it does not say.
fn at_of(line: &[u8]) -> i64 {
    let at = line.get(BEGIN.len() + 64..).and_then(|rest| rest.strip_prefix(AT));
    let text = at.and_then(|rest| std::str::from_utf8(rest.split(|byte| *byte == b'"').next()?).ok());
    text.and_then(|text| text.parse::<Timestamp>().ok()).map_or(0, |at| at.as_microsecond())
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
