//! A file of sightings in order: blocks, each packed for itself, so that reading many files at once takes little.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::PathBuf;

use bytes::Bytes;
use crawl_core::{Error, Kind, Record, Result};
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::compress_bound;

use super::super::row::{Key, Sighting};
use super::super::time::Micros;

/// A block is packed when it has so many bytes; the last sighting may make it larger.
const BLOCK: usize = 32 << 10;
/// The largest key or record that is taken back from a file.
const LARGEST: u32 = 1 << 30;
/// Before each sighting: the lengths of key and record, the run, the time.
const HEAD: usize = 20;

/// A file, and how long it was when it was written.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) path: PathBuf,
    bytes: u64,
}

/// Reads a file block by block.
pub(super) struct Reader {
    path: PathBuf,
    from: File,
    /// Bytes behind the block.
    left: u64,
    block: Bytes,
}

/// What unpacks the blocks of all files.
pub(super) struct Unpacker {
    zstd: Decompressor<'static>,
    packed: Vec<u8>,
}

/// Writes sightings as they come.
pub(super) fn write(path: PathBuf, mut next: impl FnMut() -> Result<Option<Sighting>>) -> Result<Written> {
    let failed = |cause| Error::io("cannot write", &path, cause);
    let mut to = BufWriter::with_capacity(1 << 17, File::create(&path).map_err(failed)?);
    let mut zstd = Compressor::new(1).map_err(failed)?;
    // What comes back is what was checked, so that it is not checked again.
    zstd.include_checksum(true).map_err(failed)?;
    let (mut block, mut packed, mut bytes) = (Vec::with_capacity(2 * BLOCK), Vec::new(), 0);
    loop {
        let sighting = next()?;
        let last = sighting.is_none();
        if let Some(sighting) = sighting {
            put(&sighting, &mut block)?;
        }
        if block.len() >= BLOCK || last && !block.is_empty() {
            packed.clear();
            packed.reserve(compress_bound(block.len()));
            zstd.compress_to_buffer(&block, &mut packed).map_err(failed)?;
            for part in
                [&length(packed.len())?.to_le_bytes(), &length(block.len())?.to_le_bytes(), &packed[..]]
            {
                to.write_all(part).map_err(failed)?;
                bytes += part.len() as u64;
            }
            block.clear();
        }
        if last {
            to.flush().map_err(failed)?;
            drop(to);
            return Ok(Written { path, bytes });
        }
    }
}

fn put(sighting: &Sighting, block: &mut Vec<u8>) -> Result<()> {
    let Sighting { key, run, at, record } = sighting;
    let record = record.as_ref().map(Record::bytes);
    block.extend_from_slice(&length(key.0.len())?.to_le_bytes());
    // Nothing told is not the same as an empty record.
    block.extend_from_slice(&record.map_or(Ok(u32::MAX), |record| length(record.len()))?.to_le_bytes());
    block.extend_from_slice(&run.to_le_bytes());
    block.extend_from_slice(&at.0.to_le_bytes());
    block.extend_from_slice(&key.0);
    block.extend_from_slice(record.unwrap_or_default());
    Ok(())
}

fn length(length: usize) -> Result<u32> {
    let length = u32::try_from(length).ok().filter(|length| *length < LARGEST);
    length.ok_or_else(|| Error::new(Kind::Shape, "a row is larger than a row can be"))
}

impl Unpacker {
    pub(super) fn new() -> Result<Self> {
        let zstd = Decompressor::new()
            .map_err(|cause| Error::new(Kind::Storage, "cannot begin to unpack").because(cause))?;
        Ok(Unpacker { zstd, packed: Vec::new() })
    }
}

impl Reader {
    pub(super) fn open(Written { path, bytes }: &Written) -> Result<Self> {
        let from = File::open(path).map_err(|cause| Error::io("cannot read", path, cause))?;
        Ok(Reader { path: path.clone(), from, left: *bytes, block: Bytes::new() })
    }

    pub(super) fn next(&mut self, unpacker: &mut Unpacker) -> Result<Option<Sighting>> {
        if self.block.is_empty() {
            if self.left == 0 {
                return Ok(None);
            }
            self.block = self.unpack(unpacker)?;
        }
        take(&mut self.block).map(Some).ok_or_else(|| self.unlike())
    }

    fn unpack(&mut self, Unpacker { zstd, packed }: &mut Unpacker) -> Result<Bytes> {
        let failed = |cause| Error::io("cannot read", &self.path, cause);
        let mut head = [0; 8];
        self.from.read_exact(&mut head).map_err(failed)?;
        let (short, long) = (word(&head, 0), word(&head, 4));
        let behind = self.left.checked_sub(head.len() as u64 + u64::from(short));
        self.left = behind.filter(|_| long < LARGEST).ok_or_else(|| self.unlike())?;
        packed.resize(short as usize, 0);
        self.from.read_exact(packed).map_err(failed)?;
        let mut block = Vec::with_capacity(long as usize);
        zstd.decompress_to_buffer(packed, &mut block).map_err(failed)?;
        if block.len() != long as usize { Err(self.unlike()) } else { Ok(block.into()) }
    }

    fn unlike(&self) -> Error {
        Error::new(Kind::Storage, "a file of this run's own is not what was written")
            .at(self.path.display().to_string())
            .advise("run it again")
    }
}

/// The next sighting of a block.
fn take(block: &mut Bytes) -> Option<Sighting> {
    let head: [u8; HEAD] = block.get(..HEAD)?.try_into().ok()?;
    let (key, record, run) = (word(&head, 0) as usize, word(&head, 4), word(&head, 8));
    let at = Micros(i64::from_le_bytes(std::array::from_fn(|place| head[12 + place])));
    let text = if record == u32::MAX { 0 } else { record as usize };
    if HEAD.checked_add(key)?.checked_add(text)? > block.len() {
        return None;
    }
    drop(block.split_to(HEAD));
    let key = Key(block.split_to(key).as_ref().into());
    let text = block.split_to(text);
    let record = (record != u32::MAX).then(|| Record::known(text));
    Some(Sighting { key, run, at, record })
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_le_bytes)
}
