//! Bytes to text: UTF-8, UTF-16 with a mark, or UTF-8 with replacements.

use std::borrow::Cow;

/// The text without its byte order mark, and whether bytes had to be replaced.
pub(super) fn decode(source: &[u8]) -> (Cow<'_, str>, bool) {
    match source {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => {
            let rest = source.strip_prefix(b"\xef\xbb\xbf").unwrap_or(source);
            match std::str::from_utf8(rest) {
                Ok(text) => (Cow::Borrowed(text), false),
                Err(_) => (String::from_utf8_lossy(rest), true),
            }
        }
    }
}

fn utf16(source: &[u8], unit: fn([u8; 2]) -> u16) -> (Cow<'static, str>, bool) {
    let (pairs, odd) = source.as_chunks::<2>();
    let mut lossy = !odd.is_empty();
    let text = char::decode_utf16(pairs.iter().map(|pair| unit(*pair)))
        .map(|read| {
            read.unwrap_or_else(|_| {
                lossy = true;
                char::REPLACEMENT_CHARACTER
            })
        })
        .collect();
    (Cow::Owned(text), lossy)
}
