//! Reading JSONL in bounded memory: each line is a record, or is named as bad.

use std::io::{BufRead, BufReader, Read};

use crawl_core::json::Raw;
use crawl_core::{Error, Kind, Result};

use crate::unpack;

/// Longer lines are not kept in memory; they are bad.
const MAX_LINE: usize = 256 << 20;
const BUFFER: usize = 256 << 10;

/// A line that is not a JSON object, so that its record is missing from the output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// The file, or `stdin`.
    pub place: String,
    /// The line's number in that file, from 1.
    pub line: u64,
    /// Why it is no record.
    pub why: String,
}

/// What a line is.
#[derive(Debug)]
pub(crate) enum Line<'a> {
    Record(Raw<'a>),
    Bad(BadLine),
    Blank,
}

/// The lines of one file.
pub(crate) struct Lines<R> {
    reader: BufReader<R>,
    place: String,
    number: u64,
    line: Vec<u8>,
}

impl<R: Read> Lines<R> {
    /// Reads lines from `reader`; `place` is what errors call it.
    pub(crate) fn new(reader: R, place: impl Into<String>) -> Self {
        Lines {
            reader: BufReader::with_capacity(BUFFER, reader),
            place: place.into(),
            number: 0,
            line: Vec::new(),
        }
    }

    /// The next line, or `None` at the end.
    ///
    /// # Errors
    /// [`Kind::Storage`] if the file cannot be read; [`Kind::Shape`] if it is compressed and damaged.
    pub(crate) fn next_line(&mut self) -> Result<Option<Line<'_>>> {
        let whole = match self.fill() {
            Ok(Some(whole)) => whole,
            Ok(None) => return Ok(None),
            Err(cause) => return Err(cannot_read(&self.place, cause)),
        };
        if !whole {
            return Ok(Some(Line::Bad(self.bad(format!("longer than {MAX_LINE} bytes")))));
        }
        if self.line.trim_ascii().is_empty() {
            return Ok(Some(Line::Blank));
        }
        Ok(Some(match record(&self.line) {
            Ok(record) => Line::Record(record),
            Err(why) => Line::Bad(self.bad(why)),
        }))
    }

    /// Reads a line without its end into `self.line`. `Some(false)`: it was too long and is cut.
    fn fill(&mut self) -> std::io::Result<Option<bool>> {
        self.line.clear();
        let limit = MAX_LINE as u64 + 1;
        if (&mut self.reader).take(limit).read_until(b'\n', &mut self.line)? == 0 {
            return Ok(None);
        }
        self.number += 1;
        let whole = self.line.len() <= MAX_LINE;
        if !whole && self.line.last() != Some(&b'\n') {
            self.reader.skip_until(b'\n')?;
        }
        if self.number == 1 && self.line.starts_with(b"\xef\xbb\xbf") {
            self.line.drain(..3);
        }
        Ok(Some(whole))
    }

    fn bad(&self, why: String) -> BadLine {
        BadLine { place: self.place.clone(), line: self.number, why }
    }
}

/// The error for bytes of [`unpacked`](crate::unpacked) that cannot be read: the file's fault if they are compressed, or the disk's.
pub fn cannot_read(place: &str, cause: std::io::Error) -> Error {
    if unpack::is_damage(&cause) {
        return Error::new(Kind::Shape, "the compressed file is damaged or cut short")
            .at(place)
            .advise("get it again")
            .because(cause);
    }
    Error::new(Kind::Storage, "cannot read the records").at(place).because(cause)
}

/// The object in a line, or why there is none.
pub(crate) fn record(line: &[u8]) -> Result<Raw<'_>, String> {
    let raw = Raw::parse(line).map_err(|_| reason(line))?;
    let mut members = raw.members().ok_or("JSON, but not an object")?;
    // A name with half a surrogate pair is JSON, but no text: it would read as an empty name.
    if members.any(|(key, _)| !key.bytes().is_empty() && key.name().is_empty()) {
        return Err("a key is not valid text (half a surrogate pair)".into());
    }
    Ok(raw)
}

/// Why a line is not JSON, without quoting it.
fn reason(line: &[u8]) -> String {
    if let Err(cause) = std::str::from_utf8(line) {
        return format!("not UTF-8 from byte {}", cause.valid_up_to() + 1);
    }
    match serde_json::from_slice::<serde::de::IgnoredAny>(line.trim_ascii_end()) {
        // It says `at line 1` of what is one line of the file.
        Err(cause) => {
            format!("not JSON: {}", cause.to_string().replace(" at line 1 column ", " at character "))
        }
        Ok(_) => "not JSON".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &[u8]) -> Vec<String> {
        let mut lines = Lines::new(text, "x");
        let mut seen = Vec::new();
        while let Some(line) = lines.next_line().unwrap() {
            seen.push(match line {
                Line::Record(raw) => raw.text().to_owned(),
                Line::Bad(bad) => format!("{}: {}", bad.line, bad.why),
                Line::Blank => "blank".to_owned(),
            });
        }
        seen
    }

    #[test]
    fn every_line_is_a_record_or_named() {
        let seen = check(b"\xef\xbb\xbf{\"a\":1}\r\n\n[1]\n{\"a\":\n\"\xff\"\n{\"\\ud800\":1}\n {} ");
        assert_eq!(seen[0], r#"{"a":1}"#);
        assert_eq!(seen[1], "blank");
        assert_eq!(seen[2], "3: JSON, but not an object");
        assert!(seen[3].starts_with("4: not JSON: ") && seen[3].ends_with(" at character 5"), "{}", seen[3]);
        assert_eq!(seen[4], "5: not UTF-8 from byte 2");
        assert!(seen[5].starts_with("6: a key is not valid text"));
        assert_eq!(seen[6], "{}");
    }
}
