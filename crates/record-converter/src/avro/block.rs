//! The blocks of an Avro file: packed, unpacked in bounded memory.

use std::io::{self, Read, Write};

use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

/// The most bytes of a block, packed or not.
pub(super) const MAX_BLOCK: usize = 256 << 20;
const ZSTD_LEVEL: i32 = 3;
/// Snappy's blocks end with a checksum.
const CHECKSUM: usize = 4;

/// How blocks are compressed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Codec {
    Null,
    Deflate,
    Snappy,
    Zstd,
}

impl Codec {
    pub(super) fn named(name: &[u8]) -> Option<Self> {
        [Codec::Null, Codec::Deflate, Codec::Snappy, Codec::Zstd]
            .into_iter()
            .find(|codec| codec.name().as_bytes() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Codec::Null => "null",
            Codec::Deflate => "deflate",
            Codec::Snappy => "snappy",
            Codec::Zstd => "zstandard",
        }
    }
}

pub(super) fn pack(codec: Codec, block: &[u8]) -> io::Result<Vec<u8>> {
    match codec {
        Codec::Null => Ok(block.to_vec()),
        Codec::Deflate => {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(block)?;
            encoder.finish()
        }
        Codec::Zstd => zstd::encode_all(block, ZSTD_LEVEL),
        Codec::Snappy => {
            let mut packed = snap::raw::Encoder::new().compress_vec(block).map_err(io::Error::other)?;
            packed.extend_from_slice(&checksum(block).to_be_bytes());
            Ok(packed)
        }
    }
}

/// Unpacks a block, or says why it cannot be.
pub(super) fn unpack(codec: Codec, packed: Vec<u8>) -> Result<Vec<u8>, String> {
    let damaged = |cause: &dyn std::fmt::Display| format!("a block cannot be unpacked: {cause}");
    let bounded = |reader: &mut dyn Read| {
        let mut block = Vec::new();
        reader.take(MAX_BLOCK as u64 + 1).read_to_end(&mut block).map_err(|cause| damaged(&cause))?;
        if block.len() > MAX_BLOCK { Err(too_large()) } else { Ok(block) }
    };
    match codec {
        Codec::Null => Ok(packed),
        Codec::Deflate => bounded(&mut DeflateDecoder::new(packed.as_slice())),
        Codec::Zstd => bounded(&mut zstd::Decoder::new(packed.as_slice()).map_err(|cause| damaged(&cause))?),
        Codec::Snappy => {
            let (packed, sum) =
                packed.split_last_chunk::<CHECKSUM>().ok_or_else(|| damaged(&"it has no checksum"))?;
            let length = snap::raw::decompress_len(packed).map_err(|cause| damaged(&cause))?;
            if length > MAX_BLOCK {
                return Err(too_large());
            }
            let block = snap::raw::Decoder::new().decompress_vec(packed).map_err(|cause| damaged(&cause))?;
            if checksum(&block) != u32::from_be_bytes(*sum) {
                return Err(damaged(&"its checksum is another"));
            }
            Ok(block)
        }
    }
}

pub(super) fn too_large() -> String {
    format!("a block is larger than {MAX_BLOCK} bytes")
}

fn checksum(block: &[u8]) -> u32 {
    let mut sum = Crc::new();
    sum.update(block);
    sum.sum()
}
