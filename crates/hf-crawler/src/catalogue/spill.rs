//! Sorting more sightings than memory holds: sorted runs on the disk, merged as they are read.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use crawl_core::files::Scratch;
use crawl_core::{Error, Kind, Record, Result};

use super::row::{Key, Sighting};
use super::time::Micros;

/// So many bytes of records are sorted at once.
const BATCH: usize = 32 << 20;
/// So many files are read at once; each costs some 300 KiB of memory.
const MOST_FILES: usize = 64;
/// 2 to this many bytes is how far the packer looks back, and what unpacking a file costs.
const WINDOW: u32 = 17;
/// The largest record that is taken back from a file.
const LARGEST: u32 = 1 << 30;

/// Sightings that come in any order.
pub(super) struct Spill {
    scratch: Scratch,
    batch: Vec<Sighting>,
    bytes: usize,
    most: usize,
    files: Vec<PathBuf>,
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
    heads: BinaryHeap<Reverse<Head>>,
}

/// The next of a file; ordered by key and file.
struct Head(Sighting, usize);

struct Reader {
    path: PathBuf,
    from: zstd::Decoder<'static, BufReader<File>>,
}

impl Spill {
    /// Keeps its files in `scratch`.
    pub(super) fn new(scratch: Scratch) -> Self {
        Spill { scratch, batch: Vec::new(), bytes: 0, most: BATCH, files: Vec::new(), made: 0 }
    }

    /// With smaller batches, to try many of them.
    #[cfg(test)]
    fn with_most(self, most: usize) -> Self {
        Spill { most, ..self }
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
        let path = self.path();
        let mut batch = batch.into_iter();
        write(&path, || Ok(batch.next()))?;
        self.files.push(path);
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
        while self.files.len() > MOST_FILES {
            let some: Vec<_> = self.files.drain(..MOST_FILES).collect();
            let path = self.path();
            let mut merged = Merged::open(&some)?;
            write(&path, || merged.next())?;
            for file in &some {
                std::fs::remove_file(file)
                    .map_err(|cause| Error::io("cannot remove the file", file, cause))?;
            }
            self.files.push(path);
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
    fn open(files: &[PathBuf]) -> Result<Self> {
        let readers = files.iter().map(|path| Reader::open(path)).collect::<Result<Vec<_>>>()?;
        let mut merged = Merged { readers, heads: BinaryHeap::new() };
        for place in 0..merged.readers.len() {
            merged.fill(place)?;
        }
        Ok(merged)
    }

    fn fill(&mut self, place: usize) -> Result<()> {
        let next = self.readers[place].next()?;
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

/// Writes sightings as they come: of each the lengths of key and record, the run, the time, the key, the record.
fn write(path: &Path, mut next: impl FnMut() -> Result<Option<Sighting>>) -> Result<()> {
    let failed = |cause| Error::io("cannot write", path, cause);
    let file = BufWriter::with_capacity(1 << 17, File::create(path).map_err(failed)?);
    let mut to = zstd::Encoder::new(file, 1).map_err(failed)?;
    to.window_log(WINDOW).map_err(failed)?;
    // What comes back is what was checked, so that it is not checked again.
    to.include_checksum(true).map_err(failed)?;
    while let Some(sighting) = next()? {
        let Sighting { key, run, at, record } = &sighting;
        let record = record.as_ref().map(Record::bytes);
        let long = |length: usize| {
            let length = u32::try_from(length).ok().filter(|length| *length < LARGEST);
            length.ok_or_else(|| Error::new(Kind::Shape, "a row is larger than a row can be"))
        };
        // Nothing told is not the same as an empty record.
        let length = record.map_or(Ok(u32::MAX), |record| long(record.len()))?;
        let mut head = [0; 20];
        head[..4].copy_from_slice(&long(key.0.len())?.to_le_bytes());
        head[4..8].copy_from_slice(&length.to_le_bytes());
        head[8..12].copy_from_slice(&run.to_le_bytes());
        head[12..].copy_from_slice(&at.0.to_le_bytes());
        for bytes in [&head[..], &key.0, record.unwrap_or_default()] {
            to.write_all(bytes).map_err(failed)?;
        }
    }
    to.finish().and_then(|mut file| file.flush()).map_err(failed)
}

impl Reader {
    fn open(path: &Path) -> Result<Self> {
        let failed = |cause| Error::io("cannot read", path, cause);
        let file = BufReader::with_capacity(1 << 16, File::open(path).map_err(failed)?);
        Ok(Reader { path: path.to_owned(), from: zstd::Decoder::with_buffer(file).map_err(failed)? })
    }

    fn next(&mut self) -> Result<Option<Sighting>> {
        let path = &self.path;
        let failed = |cause| Error::io("cannot read", path, cause);
        let mut head = [0; 20];
        // The end may come before a head, and nowhere else.
        if self.from.read(&mut head[..1]).map_err(failed)? == 0 {
            return Ok(None);
        }
        self.from.read_exact(&mut head[1..]).map_err(failed)?;
        let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let (key, record, run) = (word(0), word(4), word(8));
        let at = Micros(i64::from_le_bytes(std::array::from_fn(|place| head[12 + place])));
        if key >= LARGEST || record >= LARGEST && record != u32::MAX {
            let what = "a file of this run's own is not what was written";
            return Err(Error::new(Kind::Storage, what)
                .at(path.display().to_string())
                .advise("run it again"));
        }
        let mut bytes = |length: u32| {
            let mut bytes = vec![0; length as usize];
            self.from.read_exact(&mut bytes).map(|()| bytes)
        };
        let key = Key(bytes(key).map_err(failed)?.into());
        let record = if record == u32::MAX { None } else { Some(bytes(record).map_err(failed)?) };
        let record = record.map(|text| Record::known(Bytes::from(text)));
        Ok(Some(Sighting { key, run, at, record }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spilled_comes_back_once_and_in_order_however_many_files_it_takes() {
        let folder = tempfile::tempdir().unwrap();
        for (count, most) in [(0, 1), (1, 1), (5_000, 1 << 20), (5_000, 2_000)] {
            let scratch = crawl_core::Files::new(folder.path()).scratch().unwrap();
            let mut spill = Spill::new(scratch).with_most(most);
            for number in 0..count {
                let mixed = u64::from(number as u32).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
                let record = (number % 7 != 0).then(|| Record::parse(format!("{{\"n\":{number}}}")).unwrap());
                let key = Key::new(Some(&format!("{mixed:x}")), None).unwrap();
                spill
                    .push(Sighting { key, run: number as u32, at: Micros(-i64::from(number)), record })
                    .unwrap();
            }
            assert!(most != 2_000 || spill.files.len() > MOST_FILES, "{}", spill.files.len());
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
    fn a_file_whose_bytes_have_changed_is_an_error_and_no_other_record() {
        let folder = tempfile::tempdir().unwrap();
        let scratch = crawl_core::Files::new(folder.path()).scratch().unwrap();
        let mut spill = Spill::new(scratch).with_most(1);
        let record = Record::parse(&br#"{"id":"marker"}"#[..]).unwrap();
        let key = Key::new(Some("a"), None).unwrap();
        spill.push(Sighting { key, run: 0, at: Micros(0), record: Some(record) }).unwrap();
        let mut bytes = std::fs::read(&spill.files[0]).unwrap();
        let place = bytes.windows(6).position(|six| six == b"marker").unwrap();
        bytes[place] = b'b';
        std::fs::write(&spill.files[0], bytes).unwrap();
        let read = spill.sorted().and_then(|sorted| sorted.collect::<Result<Vec<_>>>());
        assert!(read.is_err(), "{read:?}");
    }
}
