//! ZIP and tar.gz archives of any content and any name, well-meant or not.

use std::io::Write;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use flate2::{Compress, Compression, FlushCompress};

use super::rope::{Rope, crc32};
use crate::http::answer::Source;

const BLOCK: usize = 64 << 10;
/// Shorter bytes are stored: to pack a hundred thousand of them takes minutes in a debug build.
const SHORT: usize = 64;
/// What a 32-bit field says when the number is in the Zip64 record.
const ELSEWHERE: u32 = u32::MAX;
const FILE: u32 = 0o100_644;
const LINK: u32 = 0o120_777;

/// What a planted file holds.
#[derive(Clone, Debug)]
pub enum Content {
    /// These bytes.
    Bytes(Bytes),
    /// So many zero bytes, stored in archives as they are. Needs no memory.
    Zeros(u64),
    /// So many bytes that do not pack, as of pictures, stored in archives. Needs no memory.
    Noise(u64),
    /// So many zero bytes, packed in archives. Needs no memory, neither here nor on the way.
    Packed(u64),
    /// So many bytes of CSV lines, packed in archives to about a third. Needs no memory.
    Lines(u64),
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Self::Bytes(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl Content {
    /// In bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Zeros(size) | Self::Noise(size) | Self::Packed(size) | Self::Lines(size) => *size,
        }
    }

    /// The content unpacked.
    pub(super) fn rope(&self) -> Arc<Rope> {
        let mut rope = Rope::default();
        match self {
            Self::Bytes(bytes) => rope.repeat(bytes.clone(), 1),
            _ => {
                let (block, size) = (self.block(), self.size());
                rope.repeat(block.clone(), size / BLOCK as u64);
                rope.repeat(block.slice(..(size % BLOCK as u64) as usize), 1);
            }
        }
        rope.finish()
    }

    fn block(&self) -> Bytes {
        match self {
            Self::Lines(_) => lines(),
            Self::Noise(_) => noise(),
            _ => vec![0; BLOCK].into(),
        }
    }
}

/// The same block of random bytes every time, made once, so that ten thousand small files share it.
fn noise() -> Bytes {
    static BLOCK_OF_NOISE: LazyLock<Bytes> = LazyLock::new(|| {
        let mut dice = crate::dice::Dice::new(11, 11);
        (0..BLOCK / 8).flat_map(|_| dice.next().to_le_bytes()).collect::<Vec<_>>().into()
    });
    BLOCK_OF_NOISE.clone()
}

/// The same block of CSV lines every time, varied enough that it packs to about a third.
fn lines() -> Bytes {
    let mut dice = crate::dice::Dice::new(7, 7);
    let mut block = Vec::with_capacity(BLOCK + 64);
    while block.len() < BLOCK {
        let (id, share, word) = (dice.below(100_000), dice.share(), dice.pick(&["north", "south", "reef"]));
        // A Vec takes every write.
        let _ = writeln!(block, "{id},{share:.6},{word},2026-0{}-1{}", dice.below(9) + 1, dice.below(10));
    }
    block.truncate(BLOCK);
    block.into()
}

/// A ZIP that is being written.
#[derive(Default)]
pub(super) struct Zip {
    rope: Rope,
    directory: Vec<u8>,
    count: u64,
}

struct Packed {
    method: u16,
    crc: u32,
    size: u64,
    packed: u64,
}

impl Zip {
    pub(super) fn file(&mut self, name: &str, content: &Content) {
        self.member(name, content, FILE);
    }

    /// A symbolic link; the target may lead anywhere.
    pub(super) fn link(&mut self, name: &str, target: &str) {
        self.member(name, &target.into(), LINK);
    }

    fn member(&mut self, name: &str, content: &Content, mode: u32) {
        let offset = self.rope.len();
        let mut data = Rope::default();
        let packed = pack(content, &mut data);
        let large = packed.size >= u64::from(ELSEWHERE) || packed.packed >= u64::from(ELSEWHERE);
        let extra = if large { zip64(&[packed.size, packed.packed]) } else { Vec::new() };
        let mut head = Vec::with_capacity(64 + name.len());
        put32(&mut head, 0x0403_4b50);
        common(&mut head, name, &packed, large);
        put16(&mut head, name.len() as u16);
        put16(&mut head, extra.len() as u16);
        head.extend_from_slice(name.as_bytes());
        head.extend_from_slice(&extra);
        self.rope.push(&head);
        match content {
            Content::Bytes(_) => {
                let mut bytes = vec![0; data.len() as usize];
                data.finish().fill(0, &mut bytes);
                self.rope.push(&bytes);
            }
            _ => self.rope.append(data),
        }
        self.entry(name, &packed, large, offset, mode);
        self.count += 1;
    }

    fn entry(&mut self, name: &str, packed: &Packed, large: bool, offset: u64, mode: u32) {
        let far = offset >= u64::from(ELSEWHERE);
        let mut numbers = if large { vec![packed.size, packed.packed] } else { Vec::new() };
        numbers.extend(far.then_some(offset));
        let extra = if numbers.is_empty() { Vec::new() } else { zip64(&numbers) };
        let out = &mut self.directory;
        put32(out, 0x0201_4b50);
        put16(out, 0x0300 | 45); // made on Unix
        common(out, name, packed, large);
        put16(out, name.len() as u16);
        put16(out, extra.len() as u16);
        put16(out, 0); // comment
        put16(out, 0); // disk
        put16(out, 0); // internal attributes
        put32(out, mode << 16);
        put32(out, if far { ELSEWHERE } else { offset as u32 });
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(&extra);
    }

    pub(super) fn finish(mut self) -> Arc<Rope> {
        let (start, size) = (self.rope.len(), self.directory.len() as u64);
        self.rope.push(&self.directory);
        let mut end = Vec::new();
        if self.count >= 0xffff || start >= u64::from(ELSEWHERE) {
            put32(&mut end, 0x0606_4b50);
            put64(&mut end, 44);
            put16(&mut end, 45);
            put16(&mut end, 45);
            put64(&mut end, 0); // both disks
            [self.count, self.count, size, start].iter().for_each(|number| put64(&mut end, *number));
            put32(&mut end, 0x0706_4b50);
            put32(&mut end, 0);
            put64(&mut end, start + size);
            put32(&mut end, 1);
        }
        put32(&mut end, 0x0605_4b50);
        put32(&mut end, 0); // both disks
        let count = self.count.min(0xffff) as u16;
        put16(&mut end, count);
        put16(&mut end, count);
        put32(&mut end, size.min(u64::from(ELSEWHERE)) as u32);
        put32(&mut end, start.min(u64::from(ELSEWHERE)) as u32);
        put16(&mut end, 0);
        self.rope.push(&end);
        self.rope.finish()
    }
}

/// From "version needed" to the uncompressed size, as both headers of a member have it.
fn common(out: &mut Vec<u8>, name: &str, packed: &Packed, large: bool) {
    put16(out, if large { 45 } else { 20 });
    put16(out, if name.is_ascii() { 0 } else { 0x0800 });
    put16(out, packed.method);
    put16(out, 0x6000); // noon
    put16(out, 0x5cf7); // 2026-07-23
    put32(out, packed.crc);
    put32(out, if large { ELSEWHERE } else { packed.packed as u32 });
    put32(out, if large { ELSEWHERE } else { packed.size as u32 });
}

fn zip64(numbers: &[u64]) -> Vec<u8> {
    let mut extra = Vec::new();
    put16(&mut extra, 1);
    put16(&mut extra, numbers.len() as u16 * 8);
    numbers.iter().for_each(|number| put64(&mut extra, *number));
    extra
}

fn pack(content: &Content, out: &mut Rope) -> Packed {
    let size = content.size();
    if let Content::Bytes(bytes) = content {
        // What does not pack at its beginning is stored as it is.
        let sample = &bytes[..bytes.len().min(4096)];
        let packs = bytes.len() >= SHORT
            && deflate(sample, Compression::fast(), FlushCompress::Finish).len() < sample.len();
        let packed =
            if packs { deflate(bytes, Compression::fast(), FlushCompress::Finish) } else { bytes.to_vec() };
        let (method, data) = if packed.len() < bytes.len() { (8, &packed[..]) } else { (0, &bytes[..]) };
        out.push(data);
        return Packed { method, crc: crc32(b"", 0, bytes), size, packed: data.len() as u64 };
    }
    let block = content.block();
    let (times, rest) = (size / BLOCK as u64, block.slice(..(size % BLOCK as u64) as usize));
    let crc = crc32(&block, times, &rest);
    let method = if matches!(content, Content::Zeros(_) | Content::Noise(_)) {
        out.repeat(block, times);
        out.repeat(rest, 1);
        0
    } else {
        // A block flushed with `Full` refers to nothing before it, so it can be repeated.
        out.repeat(deflate(&block, Compression::best(), FlushCompress::Full).into(), times);
        out.push(&deflate(&rest, Compression::best(), FlushCompress::Finish));
        8
    };
    Packed { method, crc, size, packed: out.len() }
}

fn deflate(bytes: &[u8], level: Compression, flush: FlushCompress) -> Vec<u8> {
    let mut packed = Vec::with_capacity(bytes.len() + bytes.len() / 100 + 128);
    let done = Compress::new(level, false).compress_vec(bytes, &mut packed, flush);
    debug_assert!(done.is_ok());
    packed
}

fn put16(out: &mut Vec<u8>, number: u16) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn put32(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn put64(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

/// What a tar entry is.
#[derive(Clone, Copy)]
pub(super) enum Entry<'a> {
    File(&'a [u8]),
    HardLink(&'a str),
    Link(&'a str),
    Device,
    Folder,
    Pipe,
}

/// A tar.gz of a few entries, made in memory.
pub(super) fn tar_gz(entries: &[(&str, Entry<'_>)]) -> Vec<u8> {
    let mut tar = Vec::new();
    for (name, entry) in entries {
        if name.len() > 100 {
            tar_entry(&mut tar, "././@LongLink", b'L', "", &[name.as_bytes(), &[0]].concat());
        }
        match *entry {
            Entry::File(data) => tar_entry(&mut tar, name, b'0', "", data),
            Entry::HardLink(target) => tar_entry(&mut tar, name, b'1', target, b""),
            Entry::Link(target) => tar_entry(&mut tar, name, b'2', target, b""),
            Entry::Device => tar_entry(&mut tar, name, b'3', "", b""),
            Entry::Folder => tar_entry(&mut tar, name, b'5', "", b""),
            Entry::Pipe => tar_entry(&mut tar, name, b'6', "", b""),
        }
    }
    tar.resize(tar.len() + 1024, 0);
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), Compression::fast());
    // Packing into memory does not fail.
    let _ = packer.write_all(&tar);
    packer.finish().unwrap_or_default()
}

fn tar_entry(tar: &mut Vec<u8>, name: &str, kind: u8, target: &str, data: &[u8]) {
    let mut head = [0u8; 512];
    let mut put = |at: usize, text: &[u8]| head[at..at + text.len()].copy_from_slice(text);
    put(0, &name.as_bytes()[..name.len().min(100)]);
    put(100, b"0000644\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{:011o}\0", data.len()).as_bytes());
    put(136, b"15253350000\0");
    put(148, b"        ");
    put(156, &[kind]);
    put(157, &target.as_bytes()[..target.len().min(100)]);
    put(257, b"ustar\x0000");
    put(329, b"0000001\0");
    put(337, b"0000003\0");
    let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
    head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    tar.extend_from_slice(&head);
    tar.extend_from_slice(data);
    tar.resize(tar.len().next_multiple_of(512), 0);
}
