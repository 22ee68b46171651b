//! Cutting CSV into rows and fields in bounded memory, and telling which fields were quoted (libraries do not).

use std::io::{self, BufRead, BufReader, Cursor, Read};

use crawl_core::{Error, Kind, Result};

use crate::columns::MAX_COLUMNS;
use crate::lines;

/// Longer rows are refused: mostly a quote that is never closed.
const MAX_ROW: usize = 256 << 20;
const BUFFER: usize = 256 << 10;

/// One row.
#[derive(Debug, Default)]
pub(crate) struct Row {
    text: Vec<u8>,
    fields: Vec<Field>,
    /// The line in which it begins, from 1.
    pub(crate) line: u64,
    /// Whether text stands between a closing quote and the next delimiter.
    pub(crate) odd: bool,
}

#[derive(Clone, Copy, Debug)]
struct Field {
    end: usize,
    quoted: bool,
}

impl Row {
    /// The bytes of each field, and whether it was quoted.
    pub(crate) fn fields(&self) -> impl ExactSizeIterator<Item = (&[u8], bool)> {
        self.fields.iter().enumerate().map(|(place, field)| {
            let begin = place.checked_sub(1).map_or(0, |before| self.fields[before].end);
            (&self.text[begin..field.end], field.quoted)
        })
    }

    /// Whether nothing stands on the line.
    pub(crate) fn is_blank(&self) -> bool {
        self.text.is_empty() && matches!(self.fields[..], [Field { quoted: false, .. }])
    }
}

/// Where in a row the parser is.
#[derive(Clone, Copy, PartialEq)]
enum At {
    FieldStart,
    Plain,
    Quoted,
    /// Behind a quote in a quoted field: its end, or the first of two.
    Quote,
}

/// The rows of a file.
pub(crate) struct Rows<R> {
    reader: BufReader<io::Chain<Cursor<Vec<u8>>, R>>,
    place: String,
    delimiter: u8,
    line: u64,
    /// The last row ended in CR: a LF may follow, and belongs to it.
    after_cr: bool,
}

impl<R: Read> Rows<R> {
    /// Reads rows from `reader`; `place` is what errors call it.
    ///
    /// # Errors
    /// [`Kind::Shape`] if it is UTF-16; those of [`Self::next_row`].
    pub(crate) fn new(mut reader: R, place: String, delimiter: u8) -> Result<Self> {
        let mut start = Vec::new();
        (&mut reader).take(3).read_to_end(&mut start).map_err(|cause| lines::cannot_read(&place, cause))?;
        if start.starts_with(&[0xFF, 0xFE]) || start.starts_with(&[0xFE, 0xFF]) {
            return Err(Error::new(Kind::Shape, "the file is UTF-16")
                .at(place)
                .advise("save it as UTF-8 (in Excel: CSV UTF-8)"));
        }
        if start == b"\xef\xbb\xbf" {
            start.clear();
        }
        let reader = BufReader::with_capacity(BUFFER, Cursor::new(start).chain(reader));
        Ok(Rows { reader, place, delimiter, line: 1, after_cr: false })
    }

    /// Reads the next row into `row`; whether there was one.
    ///
    /// # Errors
    /// [`Kind::Shape`] if a quote is not closed, a row is too long or has too many fields, or compressed bytes are
    /// damaged; [`Kind::Storage`] if the file cannot be read.
    pub(crate) fn next_row(&mut self, row: &mut Row) -> Result<bool> {
        row.text.clear();
        row.fields.clear();
        row.odd = false;
        let mut at = At::FieldStart;
        let mut quoted = false;
        let mut begun = false;
        loop {
            let bytes = match self.reader.fill_buf() {
                Ok(bytes) => bytes,
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => continue,
                Err(cause) => return Err(lines::cannot_read(&self.place, cause)),
            };
            if bytes.is_empty() {
                if at == At::Quoted {
                    let what = format!("a quote in the row of line {} is never closed", row.line);
                    return Err(self.damaged(what));
                }
                if begun {
                    row.fields.push(Field { end: row.text.len(), quoted });
                }
                return Ok(begun);
            }
            let mut used = 0;
            let mut ended = false;
            for &byte in bytes {
                used += 1;
                if std::mem::take(&mut self.after_cr) && byte == b'\n' {
                    continue;
                }
                if !begun {
                    (begun, row.line) = (true, self.line);
                }
                match (at, byte) {
                    (At::Quoted, b'"') => at = At::Quote,
                    (At::Quoted, _) => {
                        self.line += u64::from(byte == b'\n');
                        row.text.push(byte);
                    }
                    (At::Quote, b'"') => {
                        row.text.push(byte);
                        at = At::Quoted;
                    }
                    (At::FieldStart, b'"') => (at, quoted) = (At::Quoted, true),
                    (_, b'\r' | b'\n') => {
                        self.after_cr = byte == b'\r';
                        self.line += 1;
                        row.fields.push(Field { end: row.text.len(), quoted });
                        ended = true;
                        break;
                    }
                    (_, other) if other == self.delimiter => {
                        row.fields.push(Field { end: row.text.len(), quoted });
                        (at, quoted) = (At::FieldStart, false);
                    }
                    (before, _) => {
                        row.odd |= before == At::Quote;
                        row.text.push(byte);
                        at = At::Plain;
                    }
                }
            }
            self.reader.consume(used);
            if row.text.len() > MAX_ROW || row.fields.len() > MAX_COLUMNS {
                let what = format!(
                    "the row of line {} is longer than {MAX_ROW} bytes or has more than {MAX_COLUMNS} fields",
                    row.line
                );
                return Err(self.damaged(what));
            }
            if ended {
                return Ok(true);
            }
        }
    }

    /// What errors call the file.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    fn damaged(&self, what: String) -> Error {
        Error::new(Kind::Shape, what).at(&self.place).advise(
            "look at that line: a quote in text is written twice, and the file may be cut short or no CSV",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fields of rows; quoted ones in brackets.
    fn rows(text: &[u8]) -> Vec<Vec<String>> {
        let mut rows = Rows::new(text, "x".into(), b',').unwrap();
        let mut row = Row::default();
        let mut all = Vec::new();
        while rows.next_row(&mut row).unwrap() {
            let shown = |(bytes, quoted): (&[u8], bool)| {
                let text = String::from_utf8_lossy(bytes);
                if quoted { format!("[{text}]") } else { text.into_owned() }
            };
            all.push(row.fields().map(shown).collect());
        }
        all
    }

    #[test]
    fn rows_end_at_line_breaks_of_any_kind_outside_of_quotes() {
        let text = b"\xef\xbb\xbfa,\"b\r\n\"\"c\"\"\"\r\n1,\r\"\",x\"y\n\n,";
        let expected: [&[&str]; 5] = [&["a", "[b\r\n\"c\"]"], &["1", ""], &["[]", "x\"y"], &[""], &["", ""]];
        assert_eq!(rows(text), expected);
        assert!(rows(b"").is_empty());
    }

    #[test]
    fn a_quote_that_is_never_closed_is_an_error_with_its_line() {
        let mut rows = Rows::new(&b"a\n1\n\"x\n\n"[..], "x".into(), b',').unwrap();
        let mut row = Row::default();
        assert!(rows.next_row(&mut row).unwrap() && rows.next_row(&mut row).unwrap());
        let error = rows.next_row(&mut row).unwrap_err();
        assert!(error.to_string().contains("line 3"), "{error}");
        assert!(Rows::new(&b"\xff\xfea\0"[..], "x".into(), b',').is_err());
    }
}
