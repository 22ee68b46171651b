//! The escapes by which Excel spells characters that XML has not: `_x0001_` for U+0001.

use std::borrow::Cow;

/// `text` with its escapes undone. What is half a surrogate pair is no character and stays spelled out.
pub(crate) fn decode(text: &str) -> Cow<'_, str> {
    let mut decoded = String::new();
    let mut copied = 0;
    let mut from = 0;
    while let Some(found) = text[from..].find("_x") {
        let at = from + found;
        match escape(&text[at..]) {
            Some((character, length)) => {
                decoded.push_str(&text[copied..at]);
                decoded.push(character);
                copied = at + length;
                from = copied;
            }
            None => from = at + 1,
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    decoded.push_str(&text[copied..]);
    Cow::Owned(decoded)
}

/// The character that the escape at the beginning of `text` stands for, and how many bytes that takes.
fn escape(text: &str) -> Option<(char, usize)> {
    let first = unit(text)?;
    if let Some(character) = char::from_u32(first.into()) {
        return Some((character, 7));
    }
    let second = unit(text.get(7..)?)?;
    let character = char::decode_utf16([first, second]).next()?.ok()?;
    Some((character, 14))
}

fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("_x")?.get(..4)?;
    let hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    if hex && text.as_bytes().get(6) == Some(&b'_') { u16::from_str_radix(digits, 16).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_and_what_only_looks_like_one_stays() {
        for (text, expected) in [
            ("a_x0001_b", "a\u{1}b"),
            ("_x005F_x0041_", "_x0041_"),
            ("_xD83D__xDE00_", "😀"),
            ("_xD83D_!", "_xD83D_!"),
            ("_xDE00_", "_xDE00_"),
            ("_x+041_ _x004_ _x00é1_ _x", "_x+041_ _x004_ _x00é1_ _x"),
            ("__x0041_", "_A"),
            ("_x_x0041_", "_xA"),
        ] {
            assert_eq!(decode(text), expected, "{text}");
        }
    }
}
