//! The scheme by which a cell tells which JSON value it holds, in both directions.
//!
//! Numbers and booleans are cells of their own kind. Everything else is text, and text is read by four rules:
//! `null` is null; a valid JSON list or object is that value; `json:` and a valid JSON value is that value, and
//! `json:` alone is nothing; any other text is a string. A string that one of these rules would take for
//! something else is written as `json:` and its JSON text.

use std::borrow::Cow;

use crawl_core::json::Raw;
use serde_json::value::RawValue;

use crate::number;

/// What stands before JSON in a text cell, where the text alone would be read as a string.
pub(crate) const MARK: &str = "json:";
/// The most UTF-16 code units that Excel keeps in one cell.
pub(crate) const MAX_UNITS: usize = 32_767;

/// What a JSON value becomes in a sheet.
#[derive(Debug, PartialEq)]
pub(crate) enum Cell<'a> {
    Number(f64),
    Bool(bool),
    /// The word `null`.
    Null,
    /// A string, as it is.
    Plain(Cow<'a, str>),
    /// A list, an object, or a value behind the mark.
    Json(Cow<'a, str>),
}

/// What a text cell says.
#[derive(Debug, PartialEq)]
pub(crate) enum Said<'a> {
    /// The mark alone: no value, only a sign that the row is there.
    Nothing,
    Json(&'a str),
    Plain(&'a str),
}

/// The cell for `value`; `floats` as in [`number::as_cell`].
pub(crate) fn encode(value: Raw<'_>, floats: bool) -> Cell<'_> {
    let text = value.text();
    match text.as_bytes().first() {
        Some(b'"') => encode_string(value),
        Some(b'[' | b'{') => Cell::Json(without_noncharacters(compact(text))),
        Some(b't' | b'f') => Cell::Bool(text == "true"),
        Some(b'n') => Cell::Null,
        _ => number::as_cell(text, floats).map_or_else(|| marked(text), Cell::Number),
    }
}

/// Only a name that is empty or could be taken for a marked one is marked.
pub(crate) fn encode_name(name: &str) -> Cow<'_, str> {
    if name.is_empty() || name.starts_with(MARK) || defeats_escapes(name) {
        return Cow::Owned(format!("{MARK}{}", literal(name)));
    }
    Cow::Borrowed(name)
}

/// The header cell for the name of a column, and whether it had to be cut.
pub(crate) fn header(name: &str) -> (String, bool) {
    let text = encode_name(name);
    cut(&text).map_or_else(|| (text.into_owned(), false), |cut| (cut, true))
}

/// What the text of a cell says.
pub(crate) fn decode(text: &str) -> Said<'_> {
    match text.as_bytes().first() {
        Some(b'n') if text == "null" => Said::Json(text),
        Some(b'[' | b'{') if is_json(text) => Said::Json(text),
        Some(b'j') => match text.strip_prefix(MARK) {
            Some("") => Said::Nothing,
            Some(json) if is_json(json) => Said::Json(json),
            _ => Said::Plain(text),
        },
        _ => Said::Plain(text),
    }
}

/// The name of the column whose header cell holds `text`.
pub(crate) fn decode_name(text: &str) -> String {
    let marked = text.strip_prefix(MARK).and_then(|json| serde_json::from_str(json).ok());
    marked.unwrap_or_else(|| text.to_owned())
}

/// The JSON text of a string.
pub(crate) fn literal(string: &str) -> String {
    without_noncharacters(serde_json::Value::from(string).to_string().into()).into_owned()
}

/// Cuts `text` to what Excel keeps in a cell, with a note of how much is left; `None` if it fits.
pub(crate) fn cut(text: &str) -> Option<String> {
    // A text has at most as many UTF-16 code units as bytes: most texts need no count.
    if text.len() <= MAX_UNITS {
        return None;
    }
    let units: usize = text.encode_utf16().count();
    if units <= MAX_UNITS {
        return None;
    }
    let room = MAX_UNITS - note(MAX_UNITS, units).encode_utf16().count();
    let mut kept = 0;
    let mut end = 0;
    for (at, character) in text.char_indices() {
        if kept + character.len_utf16() > room {
            break;
        }
        kept += character.len_utf16();
        end = at + character.len_utf8();
    }
    Some(format!("{}{}", &text[..end], note(kept, units)))
}

fn note(kept: usize, units: usize) -> String {
    format!("… [cut: {kept} of {units} characters]")
}

fn encode_string(value: Raw<'_>) -> Cell<'_> {
    match value.str() {
        Some(text) if is_plain(&text) => Cell::Plain(text),
        Some(text) => marked(&literal(&text)),
        // Half of a surrogate pair is JSON, but no text: its escape stays an escape.
        None => marked(value.text()),
    }
}

/// Whether Excel would take the text for something else if somebody edited the cell: a formula, a number, a
/// date, a truth value. Such cells get the quote prefix.
pub(crate) fn tempts_excel(text: &str) -> bool {
    let first = text.as_bytes().first();
    let tempting =
        matches!(first, Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r' | b'\'' | b'.' | b'0'..=b'9'));
    tempting || text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false")
}

fn marked<'a>(json: &str) -> Cell<'a> {
    Cell::Json(without_noncharacters(format!("{MARK}{json}").into()))
}

/// JSON with escapes for the two characters that JSON has and XML has not; they can only stand in strings.
fn without_noncharacters(json: Cow<'_, str>) -> Cow<'_, str> {
    if json.contains(['\u{FFFE}', '\u{FFFF}']) {
        return json.replace('\u{FFFE}', "\\ufffe").replace('\u{FFFF}', "\\uffff").into();
    }
    json
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && matches!(decode(text), Said::Plain(_)) && !defeats_escapes(text)
}

/// Whether control characters stand beside text that looks like their escape in XLSX (`_x0041_`): the two
/// together can be misread, e.g. `_x0041` and U+0001.
fn defeats_escapes(text: &str) -> bool {
    let escaped =
        |character: char| matches!(character, '\0'..='\x08' | '\x0B'..='\x1F' | '\u{FFFE}' | '\u{FFFF}');
    text.contains("_x") && text.contains(escaped)
}

/// Whether the text is one valid JSON value.
pub(crate) fn is_json(text: &str) -> bool {
    serde_json::from_str::<&RawValue>(text).is_ok()
}

/// JSON without white space between its parts; strings and numbers stay word for word.
pub(crate) fn compact(json: &str) -> Cow<'_, str> {
    let mut kept = String::new();
    let mut copied = 0;
    let mut in_string = false;
    let mut escaped = false;
    for (at, byte) in json.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            b' ' | b'\t' | b'\n' | b'\r' if !in_string => {
                kept.push_str(&json[copied..at]);
                copied = at + 1;
            }
            _ => {}
        }
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    kept.push_str(&json[copied..]);
    Cow::Owned(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, cell: &str) {
        let encoded = match encode(Raw::parse(json.as_bytes()).unwrap(), false) {
            Cell::Plain(text) => {
                assert_eq!(decode(&text), Said::Plain(&text));
                text.into_owned()
            }
            Cell::Json(text) => {
                assert!(matches!(decode(&text), Said::Json(_)), "{text}");
                text.into_owned()
            }
            other => panic!("{json}: {other:?}"),
        };
        assert_eq!(encoded, cell);
    }

    #[test]
    fn a_text_cell_says_what_it_holds() {
        check(r#""plain""#, "plain");
        check(r#""""#, r#"json:"""#);
        check(r#""null""#, r#"json:"null""#);
        check(r#""[]""#, r#"json:"[]""#);
        check(r#""[link](x)""#, "[link](x)");
        check(r#""json:1""#, r#"json:"json:1""#);
        check(r#""json:""#, r#"json:"json:""#);
        check(r#""json: no""#, "json: no");
        check(r#" [ 1, "a  b\"" ,{} ] "#, r#"[1,"a  b\"",{}]"#);
        check("12345678901234567890", "json:12345678901234567890");
        check(r#""\ud800""#, r#"json:"\ud800""#);
        check(r#""_x0041\u0001""#, r#"json:"_x0041\u0001""#);
    }

    #[test]
    fn a_cut_text_fits_and_says_how_much_is_left() {
        assert_eq!(cut(&"é".repeat(MAX_UNITS)), None);
        let long = cut(&"😀".repeat(20_000)).unwrap();
        assert!(long.encode_utf16().count() <= MAX_UNITS);
        assert!(long.ends_with("… [cut: 32732 of 40000 characters]"), "{}", &long[long.len() - 60..]);
    }

    #[test]
    fn names_come_back_as_they_were() {
        for name in ["", "json:", "json:\"x\"", "null", "[1]", "__proto__", "a\u{1}_x0041_", "\u{FFFE}_x"] {
            assert_eq!(decode_name(&encode_name(name)), name);
        }
    }
}
