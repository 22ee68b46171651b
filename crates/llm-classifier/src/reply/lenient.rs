//! JSON as servers really send it: a stream of events, lines, odd numbers, raw control characters, or a torn end.

use std::borrow::Cow;

use serde_json::Value;

/// The values of a body.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    /// One, or the events of a stream.
    pub(super) values: Vec<Value>,
    /// Whether the end is not there.
    pub(super) torn: bool,
}

/// Reads a body; `None` if it is no JSON.
pub(super) fn read(body: &[u8]) -> Option<Parsed> {
    let text = String::from_utf8_lossy(body);
    let text =
        text.trim_matches(|letter: char| letter.is_whitespace() || matches!(letter, '\u{feff}' | '\0'));
    if text.starts_with(['{', '[', '"']) {
        return whole(text);
    }
    // Events of a stream, perhaps behind comments that keep the connection open.
    let begins = ["data:", "event:", "id:", "retry:", ":"];
    if begins.iter().any(|begin| text.starts_with(begin))
        && let Some(read) = events(text)
    {
        return Some(read);
    }
    // Comments, warnings or a guard before a body that is whole.
    let at = text.match_indices('\n').map(|(at, _)| at + 1).find(|at| text[*at..].starts_with('{'))?;
    whole(&text[at..]).filter(|read| !read.torn && read.values.iter().any(is_body))
}

/// Whether it looks like the body of an answer: a page of a proxy may hold JSON, too.
fn is_body(value: &Value) -> bool {
    ["choices", "usage", "error"].iter().any(|name| value.get(name).is_some())
}

fn events(text: &str) -> Option<Parsed> {
    let mut read = Parsed::default();
    // Lines may end as on old machines.
    for line in text.split(['\n', '\r']) {
        let Some(mut line) = line.trim_start().strip_prefix("data:").map(str::trim) else { continue };
        // Some proxies pass on the line as what it holds.
        while let Some(rest) = line.strip_prefix("data:") {
            line = rest.trim_start();
        }
        if let Some(mut found) = line.starts_with(['{', '[']).then(|| whole(line)).flatten() {
            read.torn |= found.torn;
            read.values.append(&mut found.values);
        }
    }
    // A stream of one event is a stream all the same: it has an end of its own.
    (!read.values.is_empty()).then_some(read)
}

fn whole(text: &str) -> Option<Parsed> {
    let mut read = Parsed::default();
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let failed = loop {
        match stream.next() {
            Some(Ok(Value::String(inner)))
                if read.values.is_empty() && inner.trim_start().starts_with('{') =>
            {
                // JSON inside a JSON text, as a careless proxy makes it; once.
                return parsed(&inner).map(|(value, torn)| Parsed { values: vec![value], torn });
            }
            Some(Ok(value)) => read.values.push(value),
            Some(Err(cause)) => break Some(cause),
            None => break None,
        }
    };
    if failed.is_some() && read.values.is_empty() {
        return parsed(text).map(|(value, torn)| Parsed { values: vec![value], torn });
    }
    // Behind the first value may stand rubbish, but events are objects.
    read.values.retain(|value| value.is_object() || value.is_array());
    let keep = if read.values.iter().all(Value::is_object) { read.values.len() } else { 1 };
    read.values.truncate(keep);
    (!read.values.is_empty()).then_some(read)
}

/// A value that needs mending, and whether its end is missing.
fn parsed(text: &str) -> Option<(Value, bool)> {
    let (mended, torn) = mended(text);
    serde_json::from_str(&mended).ok().map(|value| (value, torn))
}

/// Where a value may be cut off: so much of the text is good, with so many brackets open.
struct Good {
    length: usize,
    open: usize,
}

/// The text with what no JSON reader takes put right: numbers that are none become `null`, control characters and lone
/// halves of characters inside texts are spelled, and what a torn end left open is closed behind the last whole member.
fn mended(text: &str) -> (Cow<'_, str>, bool) {
    let mut out = String::with_capacity(text.len() + 16);
    let mut open: Vec<char> = Vec::new();
    let mut good = Good { length: 0, open: 0 };
    // Whether what comes next in an object is the name of a member.
    let mut name = false;
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        match letter {
            '"' => {
                let Some(length) = string(rest, &mut out) else { break };
                rest = &rest[length..];
                if !name {
                    good = Good { length: out.len(), open: open.len() };
                }
                continue;
            }
            '{' | '[' => {
                open.push(if letter == '{' { '}' } else { ']' });
                name = letter == '{';
                out.push(letter);
                good = Good { length: out.len(), open: open.len() };
            }
            '}' | ']' => {
                if open.pop() != Some(letter) {
                    break;
                }
                if out.trim_end().ends_with(',') {
                    out.truncate(out.trim_end().len() - 1);
                }
                name = false;
                out.push(letter);
                good = Good { length: out.len(), open: open.len() };
                if open.is_empty() {
                    return (Cow::Owned(out), false);
                }
            }
            ':' | ',' => {
                if letter == ',' {
                    good = Good { length: out.len(), open: open.len() };
                }
                name = letter == ',' && open.last() == Some(&'}');
                out.push(letter);
            }
            letter if letter.is_whitespace() => out.push(letter),
            _ => {
                let end = rest.find([',', ':', '}', ']', ' ', '\n', '\r', '\t', '"']).unwrap_or(rest.len());
                let end = end.max(letter.len_utf8());
                let word = &rest[..end];
                let known = serde_json::from_str::<Value>(word).is_ok();
                out.push_str(if known { word } else { "null" });
                rest = &rest[end..];
                continue;
            }
        }
        rest = &rest[letter.len_utf8()..];
    }
    out.truncate(good.length);
    out.extend(open.iter().take(good.open).rev());
    (Cow::Owned(out), true)
}

/// Copies the JSON string at the beginning of `rest`, put right; gives its length, or `None` if it has no end.
fn string(rest: &str, out: &mut String) -> Option<usize> {
    let begin = out.len();
    out.push('"');
    let mut at = 1;
    loop {
        let letter = rest[at..].chars().next();
        let Some(letter) = letter else {
            out.truncate(begin);
            return None;
        };
        match letter {
            '"' => {
                out.push('"');
                return Some(at + 1);
            }
            '\\' => at += escape(&rest[at..], out),
            letter if (letter as u32) < 0x20 => {
                out.push_str(&format!("\\u{:04x}", letter as u32));
                at += 1;
            }
            letter => {
                out.push(letter);
                at += letter.len_utf8();
            }
        }
    }
}

/// Copies an escape; one that no reader takes loses its backslash, half a character becomes U+FFFD.
fn escape(rest: &str, out: &mut String) -> usize {
    let code = |at: usize| {
        let digits = rest.get(at..at + 6)?.strip_prefix("\\u")?;
        digits
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit())
            .then(|| u32::from_str_radix(digits, 16).ok())
            .flatten()
    };
    match rest.as_bytes().get(1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
            out.push_str(&rest[..2]);
            2
        }
        Some(b'u') => match (code(0), code(6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => {
                out.push_str(&rest[..12]);
                12
            }
            (Some(0xd800..=0xdfff), _) => {
                out.push_str("\\ufffd");
                6
            }
            (Some(_), _) => {
                out.push_str(&rest[..6]);
                6
            }
            // A torn end comes to nothing; else the letter stands for itself.
            (None, _) => 1,
        },
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> (Value, bool) {
        let mut read = read(text.as_bytes()).unwrap();
        assert_eq!(read.values.len(), 1, "{text}");
        (read.values.remove(0), read.torn)
    }

    #[test]
    fn what_no_strict_reader_takes_is_read() {
        assert_eq!(
            one("\u{feff} {\"a\": NaN, \"b\": -Infinity, \"c\": 1e999}").0,
            serde_json::json!({"a": null, "b": null, "c": null})
        );
        assert_eq!(
            one("{\"a\": \"x\ny\\ud83dz\\q\", \"b\": [1, 2,],}").0,
            serde_json::json!({"a": "x\ny\u{fffd}zq", "b": [1, 2]})
        );
        assert_eq!(one("{\"a\": 1} trailing <html>").0, serde_json::json!({"a": 1}));
        assert_eq!(one("\"{\\\"a\\\": 1}\"").0, serde_json::json!({"a": 1}));
    }

    #[test]
    fn a_torn_end_leaves_the_whole_members() {
        assert_eq!(
            one("{\"a\": [{\"b\": \"whole\", \"c\": \"hal"),
            (serde_json::json!({"a": [{"b": "whole"}]}), true)
        );
        assert_eq!(
            one("{\"a\": \"whole\", \"usage\": {\"x\": 1"),
            (serde_json::json!({"a": "whole", "usage": {}}), true)
        );
        assert_eq!(one("{\"a\": \"whole\", \"us"), (serde_json::json!({"a": "whole"}), true));
        assert!(read(b"<html>").is_none() && read(b"").is_none() && read(b"upstream error").is_none());
    }

    #[test]
    fn hostile_depth_is_no_end_of_the_program() {
        for text in ["[".repeat(200_000), "{\"a\":".repeat(100_000), "\"".repeat(99_999), "\\u".repeat(9999)]
        {
            let _ = read(text.as_bytes());
            let _ = read(format!("{{\"a\":{text}").as_bytes());
        }
    }
}
