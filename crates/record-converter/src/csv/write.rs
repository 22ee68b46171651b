//! Writing CSV row by row.

use std::io::{BufWriter, Write};

use crawl_core::Result;
use crawl_core::json::Raw;

use super::is_formula;
use crate::cell::{self, Said};
use crate::convert::not_written;

/// A CSV file being written.
pub(crate) struct Writer<W: Write> {
    to: BufWriter<W>,
    delimiter: u8,
    row: String,
}

impl<W: Write> Writer<W> {
    /// Begins a file with its header.
    ///
    /// # Errors
    /// [`crawl_core::Kind::Storage`] if the disk refuses.
    pub(crate) fn new<'k>(to: W, delimiter: u8, keys: impl Iterator<Item = &'k str>) -> Result<Self> {
        let mut writer = Writer { to: BufWriter::new(to), delimiter, row: String::new() };
        for (place, key) in keys.enumerate() {
            writer.next_field(place);
            quote(&mut writer.row, &cell::encode_name(key));
        }
        writer.end_row()?;
        Ok(writer)
    }

    /// Writes a row with a value or nothing for each column.
    ///
    /// # Errors
    /// [`crawl_core::Kind::Storage`] if the disk refuses.
    pub(crate) fn push(&mut self, values: &[Option<Raw<'_>>]) -> Result<()> {
        for (place, value) in values.iter().enumerate() {
            self.next_field(place);
            match value.filter(|value| !value.is_null()) {
                Some(value) => field(&mut self.row, value),
                // An empty line would be no row at all.
                None if values.len() == 1 => self.row.push_str("null"),
                None => {}
            }
        }
        self.end_row()
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// [`crawl_core::Kind::Storage`] if the disk refuses.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.to.flush().map_err(not_written)
    }

    fn next_field(&mut self, place: usize) {
        if place > 0 {
            self.row.push(char::from(self.delimiter));
        }
    }

    fn end_row(&mut self) -> Result<()> {
        self.row.push('\n');
        self.to.write_all(self.row.as_bytes()).map_err(not_written)?;
        self.row.clear();
        Ok(())
    }
}

fn field(row: &mut String, value: Raw<'_>) {
    let text = value.text();
    match text.as_bytes().first() {
        Some(b'"') => match value.str() {
            Some(string) if is_plain(&string) => quote(row, &string),
            Some(string) => quote(row, &format!("{}{}", cell::MARK, cell::literal(&string))),
            // Half of a surrogate pair is JSON, but no text: its escape stays an escape.
            None => quote(row, &format!("{}{text}", cell::MARK)),
        },
        Some(b'[' | b'{') => quote(row, &cell::compact(text)),
        _ => row.push_str(text),
    }
}

/// Whether the string is read back as itself.
fn is_plain(string: &str) -> bool {
    string == "null" || !matches!(cell::decode(string), Said::Json(_))
}

fn quote(row: &mut String, text: &str) {
    row.push('"');
    if is_formula(text) {
        row.push('\'');
    }
    for (place, part) in text.split('"').enumerate() {
        if place > 0 {
            row.push_str("\"\"");
        }
        row.push_str(part);
    }
    row.push('"');
}
