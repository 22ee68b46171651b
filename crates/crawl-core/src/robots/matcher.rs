//! Patterns of paths: `*` is any run of octets, `$` at the end is the end; both sides are compared in one spelling.

use memchr::memmem;

/// A pattern, taken apart once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    /// What stands between the stars.
    parts: Vec<Vec<u8>>,
    /// Whether the path must end where the pattern ends.
    anchored: bool,
    /// How many octets it has: the longest pattern that matches decides.
    pub(super) length: usize,
}

impl Pattern {
    pub(super) fn new(text: &[u8]) -> Self {
        let (text, anchored) = match text.strip_suffix(b"$") {
            Some(text) => (text, true),
            None => (text, false),
        };
        let parts: Vec<_> = text.split(|byte| *byte == b'*').map(spelt).collect();
        let stars = parts.len() - 1;
        let length = parts.iter().map(Vec::len).sum::<usize>() + stars + usize::from(anchored);
        Pattern { parts, anchored, length }
    }

    /// Whether a path that is [`spelt`] alike matches, from its first octet. Each part is taken where it comes first,
    /// so the time grows with the length of both, however many stars there are.
    pub(super) fn matches(&self, path: &[u8]) -> bool {
        let Some((first, rest)) = self.parts.split_first() else { return false };
        let Some(mut left) = path.strip_prefix(first.as_slice()) else { return false };
        let Some((last, middle)) = rest.split_last() else { return !self.anchored || left.is_empty() };
        for part in middle {
            let Some(at) = memmem::find(left, part) else { return false };
            left = &left[at + part.len()..];
        }
        if self.anchored { left.ends_with(last) } else { memmem::find(left, last).is_some() }
    }
}

/// The one spelling in which patterns and paths are compared: what needs no percent sign has none, what is not ASCII
/// or not fit for a path has one, digits are upper case. `$` and `*` that are meant literally have one too.
pub(super) fn spelt(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [byte, after @ ..] = rest {
        rest = after;
        let octet = match after {
            [high, low, after @ ..] if *byte == b'%' => hex(*high, *low).inspect(|_| rest = after),
            _ => None,
        };
        match octet {
            Some(octet) if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) => out.push(octet),
            Some(octet) => escape(octet, &mut out),
            None if byte.is_ascii_graphic() && !b"\"$*<>\\^`{|}".contains(byte) => out.push(*byte),
            None => escape(*byte, &mut out),
        }
    }
    out
}

fn hex(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| (byte as char).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

fn escape(octet: u8, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.extend([b'%', DIGITS[usize::from(octet >> 4)], DIGITS[usize::from(octet & 15)]]);
}

/// The path and query of an address or of a path: from the first slash behind the host, without the fragment.
pub(super) fn path_of(address: &str) -> &str {
    let address = address.split('#').next().unwrap_or_default();
    let behind = match address.find("://") {
        // A scheme is ahead of any slash and of any question mark.
        Some(at) if !address[..at].contains(['/', '?']) => &address[at + 3..],
        _ => return address,
    };
    behind.find(['/', '?']).map_or("", |at| &behind[at..])
}
