//! Bytes of any length in little memory: pieces, some of them repeated.

use std::sync::Arc;

use bytes::Bytes;
use crc_fast::CrcAlgorithm::{self, Crc32Iscsi, Crc32IsoHdlc};
use md5::{Digest, Md5};

use crate::http::answer::Source;

/// Objects beyond this have no MD5, as composite objects of the real storage have none.
const MD5_LIMIT: u64 = 64 << 20;

/// A finished rope never changes.
#[derive(Default)]
pub(super) struct Rope {
    /// Each with the place where it ends.
    pieces: Vec<(u64, Piece)>,
    tail: Vec<u8>,
    length: u64,
}

struct Piece {
    block: Bytes,
    times: u64,
}

impl Rope {
    pub(super) fn of(bytes: impl Into<Bytes>) -> Self {
        let mut rope = Self::default();
        rope.repeat(bytes.into(), 1);
        rope
    }

    pub(super) fn len(&self) -> u64 {
        self.length
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.tail.extend_from_slice(bytes);
        self.length += bytes.len() as u64;
    }

    pub(super) fn repeat(&mut self, block: Bytes, times: u64) {
        self.settle();
        self.length += block.len() as u64 * times;
        if !block.is_empty() && times > 0 {
            self.pieces.push((self.length, Piece { block, times }));
        }
    }

    /// All pieces of another.
    pub(super) fn append(&mut self, mut other: Self) {
        self.settle();
        other.settle();
        let start = self.length;
        self.pieces.extend(other.pieces.into_iter().map(|(end, piece)| (start + end, piece)));
        self.length += other.length;
    }

    /// Ends the building.
    pub(super) fn finish(mut self) -> Arc<Self> {
        self.settle();
        Arc::new(self)
    }

    fn settle(&mut self) {
        if !self.tail.is_empty() {
            let block = Bytes::from(std::mem::take(&mut self.tail));
            self.pieces.push((self.length, Piece { block, times: 1 }));
        }
    }

    /// Bytes that it holds in memory.
    pub(super) fn weight(&self) -> usize {
        self.pieces.iter().map(|(_, piece)| piece.block.len() + 64).sum()
    }

    /// As the storage service names it.
    pub(super) fn crc32c(&self) -> u32 {
        self.sum(Crc32Iscsi)
    }

    fn sum(&self, algorithm: CrcAlgorithm) -> u32 {
        let mut sum = Sum::empty(algorithm);
        for (_, piece) in &self.pieces {
            sum = sum.then(&Sum::of(algorithm, &piece.block).times(piece.times));
        }
        sum.value as u32
    }

    /// `None` for what is too large to have one.
    pub(super) fn md5(&self) -> Option<[u8; 16]> {
        if self.length > MD5_LIMIT {
            return None;
        }
        let mut hasher = Md5::new();
        for (_, piece) in &self.pieces {
            (0..piece.times).for_each(|_| hasher.update(&piece.block));
        }
        Some(hasher.finalize().into())
    }
}

impl Source for Rope {
    fn fill(&self, mut at: u64, into: &mut [u8]) {
        let mut filled = 0;
        let mut number = self.pieces.partition_point(|(end, _)| *end <= at);
        while filled < into.len() {
            let Some((end, piece)) = self.pieces.get(number) else { return };
            let size = piece.block.len() as u64;
            let start = end - size * piece.times;
            let offset = ((at - start) % size) as usize;
            let count = (piece.block.len() - offset).min(into.len() - filled);
            into[filled..filled + count].copy_from_slice(&piece.block[offset..offset + count]);
            filled += count;
            at += count as u64;
            number += usize::from(at >= *end);
        }
    }
}

/// A checksum and the length that it is of: two of them make the sum of both texts in a row.
#[derive(Clone, Copy)]
struct Sum {
    algorithm: CrcAlgorithm,
    value: u64,
    length: u64,
}

impl Sum {
    fn empty(algorithm: CrcAlgorithm) -> Self {
        Self::of(algorithm, b"")
    }

    fn of(algorithm: CrcAlgorithm, bytes: &[u8]) -> Self {
        Self { algorithm, value: crc_fast::checksum(algorithm, bytes), length: bytes.len() as u64 }
    }

    fn then(self, next: &Self) -> Self {
        if next.length == 0 {
            return self;
        }
        let value = crc_fast::checksum_combine(self.algorithm, self.value, next.value, next.length);
        Self { value, length: self.length + next.length, ..self }
    }

    /// By doubling.
    fn times(self, times: u64) -> Self {
        let (mut result, mut power, mut left) = (Self::empty(self.algorithm), self, times);
        while left > 0 {
            if left & 1 == 1 {
                result = result.then(&power);
            }
            power = power.then(&power);
            left >>= 1;
        }
        result
    }
}

/// The CRC-32 of a ZIP member: `block`, `times` over, then `rest`.
pub(super) fn crc32(block: &[u8], times: u64, rest: &[u8]) -> u32 {
    Sum::of(Crc32IsoHdlc, block).times(times).then(&Sum::of(Crc32IsoHdlc, rest)).value as u32
}

/// The CRC-32C and length of parts in a row.
pub(super) struct Running32c(Sum);

impl Running32c {
    pub(super) fn new() -> Self {
        Self(Sum::empty(Crc32Iscsi))
    }

    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.0 = self.0.then(&Sum::of(Crc32Iscsi, bytes));
    }

    pub(super) fn value(&self) -> u32 {
        self.0.value as u32
    }
}
