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

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Codec; 4] = [Codec::Null, Codec::Deflate, Codec::Snappy, Codec::Zstd];

    #[test]
    fn blocks_come_back_and_a_wrong_checksum_is_told() {
        for codec in ALL {
            assert_eq!(unpack(codec, pack(codec, b"some text").unwrap()).unwrap(), b"some text");
            assert_eq!(Codec::named(codec.name().as_bytes()), Some(codec));
        }
        let mut packed = pack(Codec::Snappy, b"some text").unwrap();
        *packed.last_mut().unwrap() ^= 1;
        assert!(unpack(Codec::Snappy, packed).is_err());
        assert!(unpack(Codec::Snappy, vec![0; 3]).is_err());
    }

    #[test]
    fn a_bomb_is_refused() {
        let bomb = zstd::encode_all(io::repeat(0).take(MAX_BLOCK as u64 + 1), 1).unwrap();
        assert!(bomb.len() < 1 << 20);
        assert_eq!(unpack(Codec::Zstd, bomb), Err(too_large()));
        // Snappy says how long it will be before anything is unpacked.
        assert_eq!(
            unpack(Codec::Snappy, [&[0xFF, 0xFF, 0xFF, 0xFF, 0x0F][..], &[0; 8]].concat()),
            Err(too_large())
        );
    }
}
