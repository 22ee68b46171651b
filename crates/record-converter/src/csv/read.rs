//! Reading CSV, ours and that of others, into JSON lines.

use std::fs::File;
use std::path::Path;

use crawl_core::{Error, Kind, Result};

use super::parse::{Row, Rows};
use super::unguarded;
use crate::cell::{self, Said};
use crate::lines::BadLine;
use crate::names::Names;
use crate::request::Options;
use crate::summary::Summary;
use crate::supply::cannot_open;
use crate::unpack;
use crate::xlsx::letters;

/// Gives each row to `each`, as one line of JSON without its end.
///
/// # Errors
/// [`Kind::Config`] if the file cannot be found or the delimiter seems to be another; [`Kind::Shape`] if it is no CSV or
/// is damaged; [`Kind::Storage`] if it cannot be read; those of `each`.
pub(crate) fn read(
    path: &Path,
    options: &Options,
    summary: &mut Summary,
    mut each: impl FnMut(&str) -> Result<()>,
) -> Result<()> {
    let file = File::open(path).map_err(|cause| cannot_open(path, cause))?;
    let place = path.display().to_string();
    let mut rows = Rows::new(unpack::unpacked(file), place, options.delimiter_of(path))?;
    let mut row = Row::default();
    loop {
        if !rows.next_row(&mut row)? {
            return Ok(());
        }
        if !row.is_blank() {
            break;
        }
        summary.blank_lines += 1;
    }
    let mut table = Table::new(&row, options).map_err(|error| error.at(rows.place()))?;
    let header = table.columns.len();
    let mut line = String::new();
    while rows.next_row(&mut row)? {
        if row.is_blank() {
            summary.blank_lines += 1;
            continue;
        }
        if let Err(why) = table.line(&row, &mut line) {
            summary.note_bad(BadLine { place: rows.place().to_owned(), line: row.line, why });
            continue;
        }
        let at = || format!("{} line {}", rows.place(), row.line);
        let count = row.fields().len();
        if count < header {
            summary.note_lost(|| (at(), format!("the row has {count} fields, and the header {header}")));
        }
        if row.odd {
            summary.note_lost(|| (at(), "text stands behind a closing quote; it is kept, in doubt".into()));
        }
        summary.records_read += 1;
        each(&line)?;
        summary.records_written += 1;
    }
    summary.columns = table.columns.len();
    Ok(())
}

struct Column {
    /// The key as JSON text.
    key: String,
    json: bool,
}

/// What the header says.
struct Table<'a> {
    columns: Vec<Column>,
    names: Names,
    options: &'a Options,
}

impl<'a> Table<'a> {
    fn new(header: &Row, options: &'a Options) -> Result<Self> {
        let mut table = Table { columns: Vec::new(), names: Names::default(), options };
        for (bytes, quoted) in header.fields() {
            let text =
                std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0')).ok_or_else(|| {
                    Error::new(Kind::Shape, "the header is no text in UTF-8")
                        .advise("if this is a CSV file, save it as UTF-8")
                })?;
            let other = text.chars().find(|letter| matches!(letter, ';' | '\t' | '|' | ','));
            if let (1, Some(other), None) = (header.fields().len(), other, options.delimiter)
                && (!quoted || header.odd)
            {
                return Err(Error::new(
                    Kind::Config,
                    format!("the header has one column, with {other:?} in its name"),
                )
                .advise(
                    "say what stands between fields with --delimiter (`;`, `tab`, or `,` if it is really one column)",
                ));
            }
            if text.is_empty() {
                table.add(&letters(table.columns.len() as u64));
            } else if options.as_text {
                table.add(text);
            } else {
                table.add(&cell::decode_name(unguarded(text)));
            }
        }
        Ok(table)
    }

    /// Adds a column; a name that is taken gets a number.
    fn add(&mut self, name: &str) {
        let key = self.names.key(name);
        let json = self.options.json_columns.iter().any(|column| column == name);
        self.columns.push(Column { key, json });
    }

    /// Makes `line` the record of a row, or says why it is none.
    fn line(&mut self, row: &Row, line: &mut String) -> Result<(), String> {
        line.clear();
        line.push('{');
        for (place, (bytes, quoted)) in row.fields().enumerate() {
            let text = std::str::from_utf8(bytes).map_err(|_| format!("field {} is not UTF-8", place + 1))?;
            if place == self.columns.len() {
                self.add(&letters(place as u64));
            }
            if place > 0 {
                line.push(',');
            }
            let column = &self.columns[place];
            line.push_str(&column.key);
            line.push(':');
            value(line, text, quoted, column.json, self.options.as_text);
        }
        line.push('}');
        Ok(())
    }
}

/// Adds the JSON text of a field to `line`.
fn value(line: &mut String, text: &str, quoted: bool, json: bool, as_text: bool) {
    if !quoted && text.is_empty() {
        line.push_str("null");
    } else if json && cell::is_json(text) {
        line.push_str(&cell::compact(text));
    } else if as_text {
        line.push_str(&cell::literal(text));
    } else if !quoted && is_scalar(text) {
        line.push_str(text);
    } else {
        match cell::decode(text) {
            Said::Json(json) if json != "null" => line.push_str(&cell::compact(json)),
            _ => line.push_str(&cell::literal(unguarded(text))),
        }
    }
}

/// Whether the text is a number as JSON spells it, `true`, `false` or `null`.
fn is_scalar(text: &str) -> bool {
    matches!(text, "true" | "false" | "null")
        || (text.starts_with(|first: char| first == '-' || first.is_ascii_digit())
            && text.ends_with(|last: char| last.is_ascii_digit())
            && cell::is_json(text))
}
