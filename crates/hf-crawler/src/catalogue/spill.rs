//! Sorting more sightings than memory holds: sorted runs on the disk, merged as they are read.

mod file;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::PathBuf;

use crawl_core::files::Scratch;
use crawl_core::{Error, Result};

use self::file::{Reader, Unpacker, Written, write};
use super::row::{Key, Sighting};

/// So many bytes of records are sorted at once.
const BATCH: usize = 32 << 20;
/// So many files are read at once; each costs a block of memory, some 32 KiB.
const MOST_FILES: usize = 256;

/// Sightings that come in any order.
pub(super) struct Spill {
    scratch: Scratch,
    batch: Vec<Sighting>,
    bytes: usize,
    most: usize,
    files: Vec<Written>,
    most_files: usize,
    made: u64,
}

/// The same, in the order of their keys.
pub(super) struct Sorted {
    merged: Merged,
    _scratch: Scratch,
}

/// Sorted files, read as one.
struct Merged {
    readers: Vec<Reader>,
    unpacker: Unpacker,
    heads: BinaryHeap<Reverse<Head>>,
}

/// The next of a file; ordered by key and file.
struct Head(Sighting, usize);

impl Spill {
    /// Keeps its files in `scratch`.
    pub(super) fn new(scratch: Scratch) -> Self {
        let (most, most_files) = (BATCH, MOST_FILES);
        Spill { scratch, batch: Vec::new(), bytes: 0, most, files: Vec::new(), most_files, made: 0 }
    }

    /// With smaller batches and fewer files at once, to try many of them.
    #[cfg(test)]
    fn with_most(self, most: usize, most_files: usize) -> Self {
        Spill { most, most_files, ..self }
    }

    pub(super) fn push(&mut self, sighting: Sighting) -> Result<()> {
        self.bytes += size_of::<Sighting>() + sighting.key.0.len();
        self.bytes += sighting.record.as_ref().map_or(0, |record| record.bytes().len());
        self.batch.push(sighting);
        if self.bytes >= self.most { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<()> {
        let mut batch = std::mem::take(&mut self.batch);
        self.bytes = 0;
        batch.sort_by(|one, other| one.key.cmp(&other.key));
        let mut batch = batch.into_iter();
        let file = write(self.path(), || Ok(batch.next()))?;
        self.files.push(file);
        Ok(())
    }

    fn path(&mut self) -> PathBuf {
        self.made += 1;
        self.scratch.path().join(self.made.to_string())
    }

    /// All of them in order. More files than can be read at once become fewer first.
    pub(super) fn sorted(mut self) -> Result<Sorted> {
        if !self.batch.is_empty() {
            self.write()?;
        }
        while let Some(more @ 1..) = self.files.len().checked_sub(self.most_files) {
            // No more than must be: each row that is merged here is written once more.
            let some: Vec<_> = self.files.drain(..self.most_files.min(more + 1)).collect();
            let mut merged = Merged::open(&some)?;
            let file = write(self.path(), || merged.next())?;
            for Written { path, .. } in &some {
                std::fs::remove_file(path)
                    .map_err(|cause| Error::io("cannot remove the file", path, cause))?;
            }
            self.files.push(file);
        }
        Ok(Sorted { merged: Merged::open(&self.files)?, _scratch: self.scratch })
    }
}

impl Iterator for Sorted {
    type Item = Result<Sighting>;

    fn next(&mut self) -> Option<Self::Item> {
        self.merged.next().transpose()
    }
}

impl Merged {
    fn open(files: &[Written]) -> Result<Self> {
        let readers = files.iter().map(Reader::open).collect::<Result<Vec<_>>>()?;
        let mut merged = Merged { readers, unpacker: Unpacker::new()?, heads: BinaryHeap::new() };
        for place in 0..merged.readers.len() {
            merged.fill(place)?;
        }
        Ok(merged)
    }

    fn fill(&mut self, place: usize) -> Result<()> {
        let next = self.readers[place].next(&mut self.unpacker)?;
        self.heads.extend(next.map(|sighting| Reverse(Head(sighting, place))));
        Ok(())
    }

    fn next(&mut self) -> Result<Option<Sighting>> {
        let Some(Reverse(Head(sighting, place))) = self.heads.pop() else { return Ok(None) };
        self.fill(place)?;
        Ok(Some(sighting))
    }
}

impl Head {
    fn order(&self) -> (&Key, usize) {
        (&self.0.key, self.1)
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.order() == other.order()
    }
}

impl Eq for Head {}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.order().cmp(&other.order())
    }
}

#[cfg(test)]
mod tests {
    use crawl_core::Record;

    use super::super::time::Micros;
    use super::*;

    #[test]
    fn what_is_spilled_comes_back_once_and_in_order_however_many_files_it_takes() {
        let folder = tempfile::tempdir().unwrap();
        for (count, most, most_files) in
            [(0, 1, 2), (1, 1, 2), (5_000, 1 << 20, 64), (5_000, 2_000, 64), (5_000, 40_000, 2)]
        {
            let scratch = crawl_core::Files::new(folder.path()).scratch().unwrap();
            let mut spill = Spill::new(scratch).with_most(most, most_files);
            for number in 0..count {
                let mixed = u64::from(number as u32).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
                let record = (number % 7 != 0).then(|| Record::parse(format!("{{\"n\":{number}}}")).unwrap());
                let key = Key::new(Some(&format!("{mixed:x}")), None).unwrap();
                spill
                    .push(Sighting { key, run: number as u32, at: Micros(-i64::from(number)), record })
                    .unwrap();
            }
            assert!(most > 40_000 || count < 2 || spill.files.len() > most_files, "{}", spill.files.len());
            let sorted: Vec<_> = spill.sorted().unwrap().map(Result::unwrap).collect();
            assert!(sorted.is_sorted_by(|one, other| one.key <= other.key));
            let mut runs: Vec<_> = sorted.iter().map(|sighting| sighting.run).collect();
            runs.sort_unstable();
            assert_eq!(runs, (0..count as u32).collect::<Vec<_>>());
            for Sighting { run, at, record, .. } in &sorted {
                let record = record.as_ref().map(|record| record.raw().get("n").unwrap().u64().unwrap());
                assert_eq!((at.0, record), (-i64::from(*run), (run % 7 != 0).then_some(u64::from(*run))));
            }
        }
        assert!(!folder.path().join(".scratch").exists(), "nothing is left behind");
    }

    #[test]
    fn rows_larger_than_a_block_come_back_whole() {
        let folder = tempfile::tempdir().unwrap();
        let mut spill =
            Spill::new(crawl_core::Files::new(folder.path()).scratch().unwrap()).with_most(1 << 17, 2);
        let rows: Vec<_> =
            (0..6).map(|number| format!("{{\"t\":\"{}\"}}", "x".repeat(number * 30_000))).collect();
        for (number, row) in rows.iter().enumerate().rev() {
            let key = Key::new(Some(&number.to_string()), None).unwrap();
            let record = Some(Record::parse(row.clone()).unwrap());
            spill.push(Sighting { key, run: 0, at: Micros(0), record }).unwrap();
        }
        let sorted: Vec<_> =
            spill.sorted().unwrap().map(|sighting| sighting.unwrap().record.unwrap()).collect();
        assert!(sorted.iter().map(Record::bytes).eq(rows.iter().map(String::as_bytes)));
    }

    #[test]
    fn a_file_that_is_not_what_was_written_is_an_error_and_no_other_record() {
        let folder = tempfile::tempdir().unwrap();
        let damage = |damage: &dyn Fn(&mut Vec<u8>)| {
            let mut spill = Spill::new(crawl_core::Files::new(folder.path()).scratch().unwrap());
            for number in 0..3_000 {
                let record = Record::parse(format!("{{\"id\":\"marker{number}\"}}")).unwrap();
                let key = Key::new(Some(&format!("{number:05}")), None).unwrap();
                spill.push(Sighting { key, run: 0, at: Micros(0), record: Some(record) }).unwrap();
            }
            spill.write().unwrap();
            let path = &spill.files[0].path;
            let mut bytes = std::fs::read(path).unwrap();
            damage(&mut bytes);
            std::fs::write(path, bytes).unwrap();
            spill.sorted().and_then(|sorted| sorted.collect::<Result<Vec<_>>>()).map(|all| all.len())
        };
        assert_eq!(damage(&|_| {}).unwrap(), 3_000);
        let first = |bytes: &[u8]| 8 + u32::from_le_bytes(bytes[..4].try_into().unwrap()) as usize;
        for (what, damaging) in [
            ("another letter", &(|bytes: &mut Vec<u8>| bytes[100] ^= 1) as &dyn Fn(&mut Vec<u8>)),
            ("cut between blocks", &|bytes| bytes.truncate(first(bytes))),
            ("cut in a block", &|bytes| bytes.truncate(first(bytes) + 20)),
            ("a length beyond the file", &|bytes| bytes[3] = 0x7F),
            ("a length beyond all rows", &|bytes| bytes[7] = 0x7F),
            ("a shorter block", &|bytes| bytes[4] ^= 1),
        ] {
            let read = damage(damaging);
            assert!(read.is_err(), "{what}: {read:?}");
        }
    }
}
