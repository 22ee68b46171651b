//! The flat files beside the text index: a place a document, in the order in which they came.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crawl_core::{Error, Result};
use tantivy::Directory as _;
use tantivy::directory::{MmapDirectory, OwnedBytes};

use crate::bitmap::Bitmap;

/// `rows.bin`: the row of each place, 8 bytes. They ascend.
const ROWS: &str = "rows.bin";
/// `bits.bin`: the sign of each number of the vector, in words of 64 bits.
const BITS: &str = "bits.bin";
/// `bytes.bin`: each number in a byte, the largest of the vector as 127.
const BYTES: &str = "bytes.bin";
/// `lengths.bin`: 1 through the length of the vector of bytes, 4 bytes; 0 where there is no vector.
const LENGTHS: &str = "lengths.bin";

/// The folder of a generation.
pub(crate) fn folder(index: &Path, generation: u32) -> PathBuf {
    index.join(format!("vectors-{generation:04}"))
}

/// Removes what is left of compactions that did not get as far as their commit, or as far as tidying up: our own files,
/// and folders that are empty then. What else lies in an index is somebody's.
pub(crate) fn remove_others(index: &Path, keep: u32) -> Result<()> {
    let failed = |cause| Error::io("cannot read the folder", index, cause);
    for entry in fs::read_dir(index).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix("vectors-")?.parse().ok());
        let ours = number.filter(|number| *number != keep && entry.path() == folder(index, *number));
        if ours.is_none() || !entry.file_type().map_err(failed)?.is_dir() {
            continue;
        }
        for (name, _) in widths(1) {
            let path = entry.path().join(name);
            match fs::remove_file(&path) {
                Err(cause) if cause.kind() != ErrorKind::NotFound => {
                    return Err(Error::io("cannot remove", &path, cause));
                }
                _ => {}
            }
        }
        match fs::remove_dir(entry.path()) {
            Err(cause) if cause.kind() != ErrorKind::DirectoryNotEmpty => {
                return Err(Error::io("cannot remove", &entry.path(), cause));
            }
            _ => {}
        }
    }
    Ok(())
}

/// How many words of 64 bits the signs of a vector need.
pub(crate) fn words(dimension: usize) -> usize {
    dimension.div_ceil(64)
}

/// A vector in bytes, with 1 through its length; zeros and 0 where there is none.
pub(crate) fn bytes_of(vector: Option<&[f32]>, dimension: usize) -> (Vec<i8>, f32) {
    let none = || (vec![0; dimension], 0.0);
    let Some(vector) = vector else { return none() };
    let most = vector.iter().fold(0.0_f32, |most, number| most.max(number.abs()));
    if !(most > 0.0 && most.is_finite()) {
        return none();
    }
    // A cast from float to integer stops at the ends.
    let mut bytes: Vec<i8> = vector.iter().map(|number| (number / most * 127.0).round() as i8).collect();
    bytes.resize(dimension, 0);
    let square: i64 = bytes.iter().map(|byte| i64::from(*byte) * i64::from(*byte)).sum();
    (bytes, 1.0 / (square as f32).sqrt())
}

/// The signs of a vector.
pub(crate) fn bits_of(bytes: &[i8]) -> Vec<u64> {
    let mut bits = vec![0_u64; words(bytes.len())];
    for (at, byte) in bytes.iter().enumerate() {
        bits[at / 64] |= u64::from(*byte > 0) << (at % 64);
    }
    bits
}

/// Appends places to the files of one generation.
#[derive(Debug)]
pub(crate) struct Appender {
    folder: PathBuf,
    dimension: usize,
    files: Vec<(PathBuf, BufWriter<File>)>,
}

impl Appender {
    /// Opens the files, making them where they are not there, and cuts them to the committed places.
    pub(crate) fn open(folder: &Path, dimension: usize, places: u64) -> Result<Self> {
        fs::create_dir_all(folder).map_err(|cause| Error::io("cannot make the folder", folder, cause))?;
        let mut files = Vec::new();
        for (name, width) in widths(dimension) {
            let path = folder.join(name);
            let failed = |cause| Error::io("cannot open the file of vectors", &path, cause);
            let mut file = File::options()
                .create(true)
                .truncate(false)
                .read(true)
                .write(true)
                .open(&path)
                .map_err(failed)?;
            let length = file.metadata().map_err(failed)?.len();
            if length < places * width {
                return Err(short(&path, length, places * width));
            }
            file.set_len(places * width).map_err(failed)?;
            file.seek(SeekFrom::End(0)).map_err(failed)?;
            files.push((path.clone(), BufWriter::with_capacity(1 << 18, file)));
        }
        sync_folder(folder)?;
        if let Some(parent) = folder.parent() {
            sync_folder(parent)?;
        }
        Ok(Appender { folder: folder.to_owned(), dimension, files })
    }

    /// Adds a place.
    pub(crate) fn append(&mut self, row: u64, vector: Option<&[f32]>) -> Result<()> {
        if self.dimension == 0 {
            return self.write(0, &row.to_le_bytes());
        }
        let (bytes, length) = bytes_of(vector, self.dimension);
        self.append_bytes(row, &bytes, length)
    }

    /// Adds a place whose vector is in bytes already.
    pub(crate) fn append_bytes(&mut self, row: u64, bytes: &[i8], length: f32) -> Result<()> {
        self.write(0, &row.to_le_bytes())?;
        if self.dimension > 0 {
            let bits: Vec<u8> = bits_of(bytes).into_iter().flat_map(u64::to_le_bytes).collect();
            self.write(1, &bits)?;
            let bytes: Vec<u8> = bytes.iter().map(|byte| byte.cast_unsigned()).collect();
            self.write(2, &bytes)?;
            self.write(3, &length.to_le_bytes())?;
        }
        Ok(())
    }

    fn write(&mut self, file: usize, bytes: &[u8]) -> Result<()> {
        let (path, file) = &mut self.files[file];
        file.write_all(bytes).map_err(|cause| Error::io("cannot write the file of vectors", path, cause))
    }

    /// Makes all that was appended durable.
    pub(crate) fn sync(&mut self) -> Result<()> {
        for (path, file) in &mut self.files {
            file.flush()
                .and_then(|()| file.get_ref().sync_data())
                .map_err(|cause| Error::io("cannot make the file of vectors durable", path, cause))?;
        }
        sync_folder(&self.folder)
    }
}

fn widths(dimension: usize) -> Vec<(&'static str, u64)> {
    let mut widths = vec![(ROWS, 8)];
    if dimension > 0 {
        widths.extend([(BITS, 8 * words(dimension) as u64), (BYTES, dimension as u64), (LENGTHS, 4)]);
    }
    widths
}

fn short(path: &Path, is: u64, wanted: u64) -> Error {
    Error::new(crawl_core::Kind::Storage, format!("the file has {is} bytes, the commit tells of {wanted}"))
        .at(path.display().to_string())
        .advise("restore the index from a copy, or build it anew in another folder")
}

fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|cause| Error::io("cannot make the names in the folder durable", folder, cause))
}

/// The files of one generation, open for reading: they can be read even when a compaction has removed them.
#[derive(Debug)]
pub(crate) struct Files {
    dimension: usize,
    places: u64,
    files: Vec<(PathBuf, File)>,
    /// What is in [`BYTES`], by far the largest: of it the system reads what is looked at, and keeps it while there is room.
    bytes: OwnedBytes,
}

impl Files {
    /// Opens the files, of which the first `places` count.
    pub(crate) fn open(folder: &Path, dimension: usize, places: u64) -> Result<Self> {
        let mut files = Vec::new();
        for (name, width) in widths(dimension) {
            let path = folder.join(name);
            let failed = |cause| Error::io("cannot read the file of vectors", &path, cause);
            let file = File::open(&path).map_err(failed)?;
            let is = file.metadata().map_err(failed)?.len();
            if is < places * width {
                return Err(short(&path, is, places * width));
            }
            files.push((path.clone(), file));
        }
        let bytes = match dimension {
            0 => OwnedBytes::empty(),
            _ => mapped(folder, places * dimension as u64)?,
        };
        Ok(Files { dimension, places, files, bytes })
    }

    /// The rows of all places.
    pub(crate) fn rows(&self) -> Result<Vec<u64>> {
        let mut rows = Vec::with_capacity(usize::try_from(self.places).unwrap_or(0));
        self.read(0, &mut |part| {
            let (numbers, _) = part.as_chunks::<8>();
            rows.extend(numbers.iter().map(|bytes| u64::from_le_bytes(*bytes)));
        })?;
        Ok(rows)
    }

    /// All vectors.
    pub(crate) fn vectors(&self) -> Result<Vectors> {
        let mut vectors = Vectors::none(self.dimension);
        if self.dimension == 0 {
            return Ok(vectors);
        }
        let room = |each: usize| usize::try_from(self.places).unwrap_or(usize::MAX).saturating_mul(each);
        vectors.bits.reserve_exact(room(words(self.dimension)));
        self.read(1, &mut |part| {
            let (numbers, _) = part.as_chunks::<8>();
            vectors.bits.extend(numbers.iter().map(|bytes| u64::from_le_bytes(*bytes)));
        })?;
        vectors.lengths.reserve_exact(room(1));
        self.read(3, &mut |part| {
            let (numbers, _) = part.as_chunks::<4>();
            vectors.lengths.extend(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)));
        })?;
        vectors.bytes = self.bytes.clone();
        Ok(vectors)
    }

    /// Hands out the committed bytes of a file in parts, each of a whole number of words.
    fn read(&self, at: usize, each: &mut dyn FnMut(&[u8])) -> Result<()> {
        let (path, file) = &self.files[at];
        let failed = |cause| Error::io("cannot read the file of vectors", path, cause);
        let width = widths(self.dimension)[at].1;
        let mut file = file;
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        let mut left = self.places * width;
        let mut part = vec![0; 1 << 20];
        while left > 0 {
            let size = part.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            file.read_exact(&mut part[..size]).map_err(failed)?;
            each(&part[..size]);
            left -= size as u64;
        }
        Ok(())
    }

    /// Appends those places whose rows are in `keep`, which ascends, to other files. Gives how many they were.
    pub(crate) fn copy(&self, keep: &[u64], to: &mut Appender) -> Result<u64> {
        let mut readers = Vec::new();
        for (path, file) in &self.files {
            let mut file = file;
            file.seek(SeekFrom::Start(0))
                .map_err(|cause| Error::io("cannot read the file of vectors", path, cause))?;
            readers.push((path, BufReader::with_capacity(1 << 18, file)));
        }
        let mut next = |file: usize, bytes: &mut [u8]| {
            let (path, reader) = &mut readers[file];
            reader
                .read_exact(bytes)
                .map_err(|cause| Error::io("cannot read the file of vectors", path, cause))
        };
        let (mut row, mut length) = ([0; 8], [0; 4]);
        let mut bytes = vec![0; self.dimension];
        let mut copied = 0;
        for _ in 0..self.places {
            next(0, &mut row)?;
            if self.dimension > 0 {
                next(2, &mut bytes)?;
                next(3, &mut length)?;
            }
            let row = u64::from_le_bytes(row);
            if keep.binary_search(&row).is_ok() {
                let bytes: Vec<i8> = bytes.iter().map(|byte| byte.cast_signed()).collect();
                to.append_bytes(row, &bytes, f32::from_le_bytes(length))?;
                copied += 1;
            }
        }
        Ok(copied)
    }
}

/// The first `size` bytes of [`BYTES`] where they lie. A writer never cuts a file below what a reader's commit tells of.
fn mapped(folder: &Path, size: u64) -> Result<OwnedBytes> {
    let path = folder.join(BYTES);
    let failed = |cause: std::io::Error| Error::io("cannot read the file of vectors", &path, cause);
    let directory = MmapDirectory::open(folder).map_err(|cause| failed(std::io::Error::other(cause)))?;
    let file = directory.open_read(Path::new(BYTES)).map_err(|cause| failed(std::io::Error::other(cause)))?;
    file.slice_to(usize::try_from(size).unwrap_or(usize::MAX)).read_bytes().map_err(failed)
}

/// The vectors of the committed places.
#[derive(Debug)]
pub(crate) struct Vectors {
    /// How many numbers each has; 0 if the index has none.
    pub(crate) dimension: usize,
    /// [`words`] a place.
    pub(crate) bits: Vec<u64>,
    /// `dimension` a place, with a sign each.
    bytes: OwnedBytes,
    /// One a place; 0 where there is no vector.
    lengths: Vec<f32>,
    /// The places where there is one.
    has: OnceLock<Bitmap>,
}

impl Vectors {
    fn none(dimension: usize) -> Self {
        Vectors {
            dimension,
            bits: Vec::new(),
            bytes: OwnedBytes::empty(),
            lengths: Vec::new(),
            has: OnceLock::new(),
        }
    }

    /// These, in memory.
    pub(crate) fn of<'a>(dimension: usize, all: impl Iterator<Item = Option<&'a [f32]>>) -> Self {
        let (mut vectors, mut signed) = (Vectors::none(dimension), Vec::new());
        for one in all {
            let (bytes, length) = bytes_of(one, dimension);
            vectors.bits.extend(bits_of(&bytes));
            signed.extend(bytes.iter().map(|byte| byte.cast_unsigned()));
            vectors.lengths.push(length);
        }
        vectors.bytes = OwnedBytes::new(signed);
        vectors
    }

    /// The places that have a vector.
    pub(crate) fn has(&self) -> &Bitmap {
        self.has.get_or_init(|| Bitmap::of(self.lengths.len(), |place| self.lengths[place] > 0.0))
    }

    /// The vector at a place, and 1 through its length.
    #[inline]
    pub(crate) fn at(&self, place: u32) -> Option<(&[u8], f32)> {
        let place = place as usize;
        let length = *self.lengths.get(place)?;
        let bytes = self.bytes.get(place * self.dimension..(place + 1) * self.dimension)?;
        (length > 0.0).then_some((bytes, length))
    }
}
