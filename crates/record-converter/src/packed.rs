//! Outputs that are compressed where their name says so.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use crawl_core::{Error, Result};
use flate2::write::GzEncoder;

use crate::convert::not_written;

/// How good zstd tries to be: a middle way.
const LEVEL: i32 = 3;

/// A writer that compresses as `path` says: `.gz`, `.zst`, or not at all.
pub(crate) enum Packed<W: Write> {
    Plain(BufWriter<W>),
    Gzip(GzEncoder<BufWriter<W>>),
    Zstd(zstd::Encoder<'static, BufWriter<W>>),
}

impl<W: Write> Packed<W> {
    pub(crate) fn new(to: W, path: &Path) -> Result<Self> {
        let to = BufWriter::new(to);
        Ok(match path.extension().and_then(|end| end.to_str()).map(str::to_ascii_lowercase).as_deref() {
            Some("gz") => Packed::Gzip(GzEncoder::new(to, flate2::Compression::default())),
            Some("zst") => {
                let mut encoder = zstd::Encoder::new(to, LEVEL).map_err(not_written)?;
                encoder.include_checksum(true).map_err(not_written)?;
                Packed::Zstd(encoder)
            }
            _ => Packed::Plain(to),
        })
    }

    /// Ends what is compressed.
    pub(crate) fn finish(self) -> Result<()> {
        let done: Result<(), io::Error> = match self {
            Packed::Plain(mut to) => to.flush(),
            Packed::Gzip(to) => to.finish().and_then(|mut to| to.flush()),
            Packed::Zstd(to) => to.finish().and_then(|mut to| to.flush()),
        };
        done.map_err(|cause| -> Error { not_written(cause) })
    }
}

impl<W: Write> Write for Packed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Packed::Plain(to) => to.write(bytes),
            Packed::Gzip(to) => to.write(bytes),
            Packed::Zstd(to) => to.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Packed::Plain(to) => to.flush(),
            Packed::Gzip(to) => to.flush(),
            Packed::Zstd(to) => to.flush(),
        }
    }
}
