//! Reading what may be compressed: gzip and zstd are told by their first bytes, whatever the file is called.

use std::fmt;
use std::io::{self, BufReader, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

/// Gives the bytes of `packed`, unpacked if they are compressed. Several members or frames are read as one.
///
/// Memory is bounded, whatever is in the file: zstd with windows beyond 128 MiB is refused.
pub fn unpacked<'a>(packed: impl Read + 'a) -> Box<dyn Read + 'a> {
    Box::new(Unpacking::Unknown(Some(Box::new(packed))))
}

/// Whether reading failed because what is compressed is damaged, and not because of the disk.
pub(crate) fn is_damage(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|cause| cause.is::<Damage>())
}

/// How a compressed file is damaged.
#[derive(Debug)]
struct Damage(io::Error);

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Damage {}

type Bytes<'a> = io::Chain<Cursor<Vec<u8>>, Box<dyn Read + 'a>>;

enum Unpacking<'a> {
    /// Nothing is read yet.
    Unknown(Option<Box<dyn Read + 'a>>),
    Plain(Bytes<'a>),
    Packed(Box<dyn Read + 'a>),
}

impl Unpacking<'_> {
    fn begin(&mut self) -> io::Result<()> {
        let Unpacking::Unknown(packed) = self else { return Ok(()) };
        let Some(mut packed) = packed.take() else { return Ok(()) };
        let mut start = Vec::new();
        (&mut packed).take(4).read_to_end(&mut start)?;
        let kind: [u8; 4] = start.as_slice().try_into().unwrap_or_default();
        let bytes = Cursor::new(start).chain(packed);
        *self = match kind {
            [0x1F, 0x8B, ..] => Unpacking::Packed(Box::new(MultiGzDecoder::new(BufReader::new(bytes)))),
            // A frame, or one that is to be skipped.
            [0x28, 0xB5, 0x2F, 0xFD] | [0x50..=0x5F, 0x2A, 0x4D, 0x18] => {
                Unpacking::Packed(Box::new(zstd::Decoder::new(bytes)?))
            }
            _ => Unpacking::Plain(bytes),
        };
        Ok(())
    }
}

impl Read for Unpacking<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.begin()?;
        match self {
            Unpacking::Unknown(_) => Ok(0),
            Unpacking::Plain(bytes) => bytes.read(into),
            Unpacking::Packed(bytes) => bytes.read(into).map_err(|cause| {
                let disk = cause.raw_os_error().is_some() || cause.kind() == io::ErrorKind::Interrupted;
                if disk { cause } else { io::Error::other(Damage(cause)) }
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn compressed_and_plain_bytes_come_out_the_same() {
        let zstd = |text: &[u8]| zstd::encode_all(text, 0).unwrap();
        let packed = [
            b"a\nb\n".to_vec(),
            [gzip(b"a\n"), gzip(b"b\n")].concat(),
            [zstd(b"a\n"), zstd(b"b\n")].concat(),
        ];
        for bytes in packed {
            assert_eq!(io::read_to_string(unpacked(bytes.as_slice())).unwrap(), "a\nb\n");
        }
        for short in ["", "{", "{}\n"] {
            assert_eq!(io::read_to_string(unpacked(short.as_bytes())).unwrap(), short);
        }
    }

    #[test]
    fn what_is_cut_short_is_damage() {
        let text = "some text that is long enough\n".repeat(100);
        for whole in [gzip(text.as_bytes()), zstd::encode_all(text.as_bytes(), 0).unwrap()] {
            let error = io::read_to_string(unpacked(&whole[..whole.len() - 6])).unwrap_err();
            assert!(is_damage(&error), "{error:?}");
        }
    }
}
