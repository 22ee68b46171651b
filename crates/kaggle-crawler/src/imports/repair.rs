//! What Python writes as JSON and reads again, made JSON: NaN, control characters in strings, halves of surrogate pairs.

use std::fmt::Write as _;

/// The same JSON with what the standard forbids replaced: numbers that are none by null, halves of surrogate pairs by
/// U+FFFD, raw control characters and unknown escapes by escapes of themselves.
pub(super) fn repaired(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len() + text.len() / 64);
    let (mut at, mut kept, mut inside) = (0, 0, false);
    while at < bytes.len() {
        let (length, instead): (usize, &str) = match (inside, bytes[at]) {
            (_, b'"') => {
                inside = !inside;
                at += 1;
                continue;
            }
            (true, b'\\') => match escape(&bytes[at..]) {
                Escape::Fine(length) => {
                    at += length;
                    continue;
                }
                Escape::Half => (6, "\\ufffd"),
                Escape::Unknown => (1, "\\\\"),
            },
            (true, control @ 0..=0x1f) => {
                out.push_str(&text[kept..at]);
                let _ = write!(out, "\\u{control:04x}");
                at += 1;
                kept = at;
                continue;
            }
            (false, b'N') if bytes[at..].starts_with(b"NaN") => (3, "null"),
            (false, b'I') if bytes[at..].starts_with(b"Infinity") => (8, "null"),
            (false, b'-') if bytes[at..].starts_with(b"-Infinity") => (9, "null"),
            _ => {
                at += 1;
                continue;
            }
        };
        out.push_str(&text[kept..at]);
        out.push_str(instead);
        at += length;
        kept = at;
    }
    out.push_str(&text[kept..]);
    out
}

enum Escape {
    Fine(usize),
    /// Half of a surrogate pair.
    Half,
    Unknown,
}

fn escape(rest: &[u8]) -> Escape {
    let unit = |from: usize| {
        let digits = rest.get(from..from + 4)?;
        digits.iter().try_fold(0u32, |sum, digit| Some(sum * 16 + char::from(*digit).to_digit(16)?))
    };
    match rest.get(1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Escape::Fine(2),
        Some(b'u') => match unit(2) {
            Some(0xd800..=0xdbff) => {
                let second = (rest.get(6..8) == Some(b"\\u")).then(|| unit(8)).flatten();
                if matches!(second, Some(0xdc00..=0xdfff)) { Escape::Fine(12) } else { Escape::Half }
            }
            Some(0xdc00..=0xdfff) => Escape::Half,
            Some(_) => Escape::Fine(6),
            None => Escape::Unknown,
        },
        _ => Escape::Unknown,
    }
}
