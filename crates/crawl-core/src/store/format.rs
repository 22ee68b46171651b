//! How a page is spelled in a file.

use std::io::{Read, Write};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{Error, Kind, Record, Result};

/// Whether and how pages are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Plain lines.
    #[default]
    None,
    /// gzip, `.gz`.
    Gzip,
    /// Zstandard, `.zst`.
    Zstd,
}

impl Compression {
    /// All, in the order in which a reader looks for a page.
    pub(crate) const ALL: [Compression; 3] = [Compression::None, Compression::Gzip, Compression::Zstd];

    /// What is put behind `.jsonl`.
    pub fn suffix(self) -> &'static str {
        match self {
            Compression::None => "",
            Compression::Gzip => ".gz",
            Compression::Zstd => ".zst",
        }
    }

    /// The file of a page: a line a record. Equal records give equal bytes.
    pub(crate) fn encode(self, records: &[Record]) -> Result<Bytes> {
        let length = records.iter().map(|record| record.bytes().len() + 1).sum();
        let mut lines = Vec::with_capacity(length);
        for record in records {
            lines.extend_from_slice(record.bytes());
            lines.push(b'\n');
        }
        let packed = match self {
            Compression::None => return Ok(lines.into()),
            Compression::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
                encoder.write_all(&lines).and_then(|()| encoder.finish())
            }
            #[cfg(feature = "zstd")]
            Compression::Zstd => zstd::encode_all(lines.as_slice(), 0),
            #[cfg(not(feature = "zstd"))]
            Compression::Zstd => Err(without_zstd()),
        };
        packed
            .map(Bytes::from)
            .map_err(|cause| Error::new(Kind::Storage, "cannot compress a page").because(cause))
    }

    /// The lines of a page file.
    pub(crate) fn decode(self, bytes: Vec<u8>) -> std::io::Result<Bytes> {
        let mut lines = Vec::new();
        match self {
            Compression::None => return Ok(bytes.into()),
            Compression::Gzip => {
                flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut lines)?;
            }
            #[cfg(feature = "zstd")]
            Compression::Zstd => {
                zstd::Decoder::new(bytes.as_slice())?.read_to_end(&mut lines)?;
            }
            #[cfg(not(feature = "zstd"))]
            Compression::Zstd => return Err(without_zstd()),
        }
        Ok(lines.into())
    }
}

#[cfg(not(feature = "zstd"))]
fn without_zstd() -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::Unsupported, "crawl-core was built without its feature `zstd`")
}
