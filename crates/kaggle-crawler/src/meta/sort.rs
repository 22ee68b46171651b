//! Sorting what is larger than memory: sorted runs on the disk, then a merge of them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use crawl_core::{Error, Result};

/// So much is kept in memory before a run is written.
const MEMORY: usize = 48 << 20;
/// So many runs are merged at once.
const MOST_RUNS: usize = 128;

/// By the first, then by the second.
pub(crate) type Key = (u64, u64);

/// Takes rows in any order.
pub(crate) struct Sorter {
    folder: PathBuf,
    memory: usize,
    bytes: Vec<u8>,
    /// Key, where in `bytes`, how long.
    rows: Vec<(Key, u32, u32)>,
    runs: Vec<PathBuf>,
    made: usize,
}

/// Gives the rows in the order of their keys; of the same key in the order in which they came.
pub(crate) struct Sorted {
    heap: BinaryHeap<Reverse<(Key, usize)>>,
    runs: Vec<Run>,
    /// The files are needed until it is dropped.
    paths: Vec<PathBuf>,
}

struct Run {
    reader: BufReader<File>,
    /// How long the next row is; its key has been read.
    length: usize,
    row: Vec<u8>,
}

impl Sorter {
    /// With its runs in `folder`.
    pub(crate) fn new(folder: &Path) -> Self {
        Sorter {
            folder: folder.into(),
            memory: MEMORY,
            bytes: Vec::new(),
            rows: Vec::new(),
            runs: Vec::new(),
            made: 0,
        }
    }

    pub(crate) fn push(&mut self, key: Key, row: &[u8]) -> Result<()> {
        let used = self.bytes.len() + row.len() + (self.rows.len() + 1) * size_of::<(Key, u32, u32)>();
        if used > self.memory && !self.rows.is_empty() {
            self.spill()?;
        }
        self.rows.push((key, self.bytes.len() as u32, row.len() as u32));
        self.bytes.extend_from_slice(row);
        Ok(())
    }

    /// All rows, in order.
    pub(crate) fn sorted(mut self) -> Result<Sorted> {
        self.spill()?;
        (self.bytes, self.rows) = (Vec::new(), Vec::new());
        while self.runs.len() > MOST_RUNS {
            let first: Vec<_> = self.runs.drain(..MOST_RUNS).collect();
            let path = self.path();
            let mut merged = Sorted::open(first)?;
            let mut out = writer(&path)?;
            while let Some((key, row)) = merged.next()? {
                put(&mut out, key, row).map_err(failed(&path))?;
            }
            out.flush().map_err(failed(&path))?;
            // They were the first, so they stay the first of equals.
            self.runs.insert(0, path);
        }
        Sorted::open(self.runs)
    }

    fn spill(&mut self) -> Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        self.rows.sort_by_key(|(key, ..)| *key);
        let path = self.path();
        let mut out = writer(&path)?;
        for (key, at, length) in &self.rows {
            let row = &self.bytes[*at as usize..][..*length as usize];
            put(&mut out, *key, row).map_err(failed(&path))?;
        }
        out.flush().map_err(failed(&path))?;
        self.rows.clear();
        self.bytes.clear();
        self.runs.push(path);
        Ok(())
    }

    fn path(&mut self) -> PathBuf {
        self.made += 1;
        self.folder.join(format!("run-{}", self.made))
    }
}

impl Sorted {
    fn open(paths: Vec<PathBuf>) -> Result<Self> {
        let mut sorted = Sorted { heap: BinaryHeap::new(), runs: Vec::new(), paths };
        for (number, path) in sorted.paths.iter().enumerate() {
            let file = File::open(path).map_err(failed(path))?;
            let mut run = Run { reader: BufReader::with_capacity(1 << 15, file), length: 0, row: Vec::new() };
            if let Some(key) = run.key().map_err(failed(path))? {
                sorted.heap.push(Reverse((key, number)));
            }
            sorted.runs.push(run);
        }
        Ok(sorted)
    }

    /// The next row.
    pub(crate) fn next(&mut self) -> Result<Option<(Key, &[u8])>> {
        let Some(Reverse((key, number))) = self.heap.pop() else { return Ok(None) };
        let run = &mut self.runs[number];
        run.take().map_err(failed(&self.paths[number]))?;
        if let Some(key) = run.key().map_err(failed(&self.paths[number]))? {
            self.heap.push(Reverse((key, number)));
        }
        Ok(Some((key, &run.row)))
    }
}

impl Run {
    /// The key of the next row.
    fn key(&mut self) -> io::Result<Option<Key>> {
        if self.reader.fill_buf()?.is_empty() {
            return Ok(None);
        }
        let mut head = [0; 20];
        self.reader.read_exact(&mut head)?;
        let number = |at: usize| u64::from_le_bytes(std::array::from_fn(|byte| head[at + byte]));
        self.length = u32::from_le_bytes(std::array::from_fn(|byte| head[16 + byte])) as usize;
        Ok(Some((number(0), number(8))))
    }

    /// The row whose key was read.
    fn take(&mut self) -> io::Result<()> {
        // A long row does not keep its memory.
        if self.row.capacity() > 1 << 20 {
            self.row = Vec::new();
        }
        self.row.resize(self.length, 0);
        self.reader.read_exact(&mut self.row)
    }
}

fn put(out: &mut impl Write, key: Key, row: &[u8]) -> io::Result<()> {
    out.write_all(&key.0.to_le_bytes())?;
    out.write_all(&key.1.to_le_bytes())?;
    out.write_all(&(row.len() as u32).to_le_bytes())?;
    out.write_all(row)
}

fn writer(path: &Path) -> Result<BufWriter<File>> {
    Ok(BufWriter::with_capacity(1 << 18, File::create(path).map_err(failed(path))?))
}

fn failed(path: &Path) -> impl Fn(io::Error) -> Error {
    move |cause| Error::io("cannot sort on the disk", path, cause)
}

impl Drop for Sorted {
    fn drop(&mut self) {
        for path in &self.paths {
            // Whatever stays goes with the folder.
            let _ = std::fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_in_the_order_of_their_keys_and_equals_in_the_order_in_which_they_came() {
        let folder = tempfile::tempdir().unwrap();
        let mut sorter = Sorter::new(folder.path());
        sorter.memory = 200;
        let mut expected = Vec::new();
        for number in 0..5000u64 {
            let key = (number * 7919 % 97, number * 31 % 3);
            let row = format!("{number}{}", "x".repeat(number as usize % 50));
            sorter.push(key, row.as_bytes()).unwrap();
            expected.push((key, row.into_bytes()));
        }
        sorter.push((0, 0), &[b'y'; 1000]).unwrap();
        expected.push(((0, 0), vec![b'y'; 1000]));
        expected.sort_by_key(|(key, _)| *key);
        assert!(sorter.runs.len() > MOST_RUNS);
        let mut sorted = sorter.sorted().unwrap();
        let mut found = Vec::new();
        while let Some((key, row)) = sorted.next().unwrap() {
            found.push((key, row.to_vec()));
        }
        assert!(found == expected);
        drop(sorted);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(Sorter::new(folder.path()).sorted().unwrap().next().unwrap().is_none());
    }
}
