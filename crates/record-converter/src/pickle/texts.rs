//! Texts as a pickle spells them.

use super::Fault;
use super::ops::Op;
use crate::cell;

/// The text of UTF-8, in which Python writes halves of surrogate pairs too.
pub(super) fn text(bytes: Vec<u8>) -> Result<Op, Fault> {
    let bad = match String::from_utf8(bytes) {
        Ok(text) => return Ok(Op::Text(text)),
        Err(bad) => bad.into_bytes(),
    };
    half(&bad).map(Op::Half).ok_or_else(|| Fault::Damaged("a text is not UTF-8".into()))
}

/// The JSON text of what would be UTF-8 if it had no halves of surrogate pairs.
fn half(bytes: &[u8]) -> Option<String> {
    let mut literal = String::from('"');
    let mut left = bytes;
    loop {
        let valid = match std::str::from_utf8(left) {
            Ok(rest) => rest.len(),
            Err(bad) => bad.valid_up_to(),
        };
        let (good, rest) = left.split_at(valid);
        let good = cell::literal(std::str::from_utf8(good).ok()?);
        literal.push_str(good.get(1..good.len() - 1)?);
        left = match rest {
            [] => break,
            [0xED, high @ 0xA0..=0xBF, low @ 0x80..=0xBF, rest @ ..] => {
                let code = 0xD000 | u16::from(high & 0x3F) << 6 | u16::from(low & 0x3F);
                literal.push_str(&format!("\\u{code:04x}"));
                rest
            }
            _ => return None,
        };
    }
    literal.push('"');
    Some(literal)
}

/// `\u` and `\U` and their digits are a character, or half of one; nothing else is escaped.
pub(super) fn unescaped(line: &str) -> Result<Vec<u8>, Fault> {
    let bad = || Fault::Damaged("an escape in a text is none".into());
    let mut text = Vec::new();
    let mut left = line;
    while let Some(at) = left.find("\\u").into_iter().chain(left.find("\\U")).min() {
        let digits = if left[at + 1..].starts_with('u') { 4 } else { 8 };
        text.extend_from_slice(&left.as_bytes()[..at]);
        let code = left.get(at + 2..at + 2 + digits).ok_or_else(bad)?;
        let code = u32::from_str_radix(code, 16).map_err(|_| bad())?;
        match (char::from_u32(code), u16::try_from(code)) {
            (Some(letter), _) => text.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
            (None, Ok(half)) => {
                let [high, low] = [half >> 6, half].map(|bits| 0x80 | (bits & 0x3F) as u8);
                text.extend_from_slice(&[0xED, high, low]);
            }
            (None, Err(_)) => return Err(bad()),
        }
        left = &left[at + 2 + digits..];
    }
    text.extend_from_slice(left.as_bytes());
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_of_surrogate_pairs_are_escapes() {
        let shown = |bytes: &[u8]| match text(bytes.to_vec()) {
            Ok(Op::Text(text)) => text,
            Ok(Op::Half(literal)) => literal,
            _ => "bad".to_owned(),
        };
        assert_eq!(shown("é😀".as_bytes()), "é😀");
        assert_eq!(shown(b"a\"\xed\xa0\xbdb\xed\xbf\xbf"), r#""a\"\ud83db\udfff""#);
        assert_eq!(shown(b"\xed\xa0"), "bad");
        assert_eq!(shown(b"\xff"), "bad");
        assert_eq!(shown(&unescaped(r"a\u00e9\U0001f600\ud83d").unwrap()), r#""aé😀\ud83d""#);
        assert!(unescaped(r"\U00110000").is_err() && unescaped(r"\u12").is_err());
    }
}
