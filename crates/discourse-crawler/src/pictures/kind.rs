//! What bytes are a picture, by their beginning and not by what anybody says of them.

/// The formats that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the formats")]
pub enum Format {
    Png,
    Jpeg,
    Gif,
    Webp,
    Bmp,
    Avif,
    Svg,
}

/// Whether a picture of so many pixels is an attack: 100 megapixels are more than any camera makes.
pub(super) fn is_bomb(width: u32, height: u32) -> bool {
    u64::from(width) * u64::from(height) > 100_000_000
}

impl Format {
    /// The format of a file.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x89, b'P', b'N', b'G', ..] => Some(Format::Png),
            [0xFF, 0xD8, 0xFF, ..] => Some(Format::Jpeg),
            [b'G', b'I', b'F', b'8', ..] => Some(Format::Gif),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Format::Webp),
            [b'B', b'M', ..] if bytes.len() > 26 => Some(Format::Bmp),
            [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v', b'i', b'f' | b's', ..] => Some(Format::Avif),
            _ => {
                let start = String::from_utf8_lossy(&bytes[..bytes.len().min(1024)]).to_lowercase();
                let start = start.trim_start_matches(['\u{feff}', ' ', '\n', '\r', '\t']);
                let vector =
                    start.starts_with("<svg") || (start.starts_with("<?xml") && start.contains("<svg"));
                vector.then_some(Format::Svg)
            }
        }
    }

    /// The suffix of its files.
    pub fn suffix(self) -> &'static str {
        match self {
            Format::Png => "png",
            Format::Jpeg => "jpg",
            Format::Gif => "gif",
            Format::Webp => "webp",
            Format::Bmp => "bmp",
            Format::Avif => "avif",
            Format::Svg => "svg",
        }
    }

    /// Whether it is made of pixels that OCR can read.
    pub fn is_pixels(self) -> bool {
        !matches!(self, Format::Svg | Format::Avif)
    }

    /// Width and height in pixels, as its header tells them.
    pub fn size(self, bytes: &[u8]) -> Option<(u32, u32)> {
        let big = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let little = |at: usize| Some(u32::from(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?)));
        match self {
            Format::Png => Some((big(16)?, big(20)?)),
            Format::Gif => Some((little(6)?, little(8)?)),
            Format::Bmp => {
                let side = |at: usize| {
                    Some(i32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?).unsigned_abs())
                };
                Some((side(18)?, side(22)?))
            }
            Format::Jpeg => jpeg(bytes),
            Format::Webp => match bytes.get(12..16)? {
                b"VP8X" => {
                    let side = |at: usize| {
                        let three = bytes.get(at..at + 3)?;
                        Some(u32::from_le_bytes([three[0], three[1], three[2], 0]) + 1)
                    };
                    Some((side(24)?, side(27)?))
                }
                b"VP8 " => Some((little(26)? & 0x3FFF, little(28)? & 0x3FFF)),
                b"VP8L" => {
                    let bits = u32::from_le_bytes(bytes.get(21..25)?.try_into().ok()?);
                    Some(((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1))
                }
                _ => None,
            },
            Format::Avif | Format::Svg => None,
        }
    }
}

/// From the first frame's header.
fn jpeg(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2;
    loop {
        let [0xFF, marker] = *bytes.get(at..at + 2)? else { return None };
        if marker == 0xFF {
            at += 1;
            continue;
        }
        let two = |at: usize| Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
        // Frames: all of C0 to CF but the tables among them.
        if (0xC0..=0xCF).contains(&marker) && !matches!(marker, 0xC4 | 0xC8 | 0xCC) {
            return Some((u32::from(two(at + 7)?), u32::from(two(at + 5)?)));
        }
        at += 2 + usize::from(two(at + 2)?.max(2));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_known_by_their_bytes_and_pages_are_none() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x01\0\0\0\0\x10";
        assert_eq!((Format::of(png), Format::Png.size(png)), (Some(Format::Png), Some((256, 16))));
        let gif = b"GIF89a\x05\0\x07\0";
        assert_eq!((Format::of(gif), Format::Gif.size(gif)), (Some(Format::Gif), Some((5, 7))));
        let jpeg = b"\xFF\xD8\xFF\xE0\0\x04xx\xFF\xC0\0\x0b\x08\0\x20\0\x40";
        assert_eq!((Format::of(jpeg), Format::Jpeg.size(jpeg)), (Some(Format::Jpeg), Some((64, 32))));
        assert_eq!(Format::of(b"\xef\xbb\xbf<?xml version='1.0'?>\n<svg>"), Some(Format::Svg));
        for other in [&b"<!doctype html><html>"[..], b"", b"BM", b"PK\x03\x04", b"RIFF....WAVE"] {
            assert_eq!(Format::of(other), None);
        }
        assert!(is_bomb(65_535, 65_535) && !is_bomb(8_000, 6_000));
        // Cut short, a header tells nothing and nobody reads past its end.
        for length in 0..jpeg.len() {
            let _ = Format::of(&jpeg[..length]).map(|format| format.size(&jpeg[..length]));
        }
    }
}
