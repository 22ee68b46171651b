//! The hidden sheet by which Gleaner knows its own workbooks, and what it remembers there.
//!
//! Each row is a word and what it says: `format` (always `gleaner-records`), `version`, `records`, a `sheet` row
//! for each sheet in order, and a `column` row for each column with the text of its header and, where all its
//! numbers are floats, `float`.

use std::collections::HashSet;

use crawl_core::{Error, Kind, Result};
use rust_xlsxwriter::{Format, Worksheet, XlsxError};

use crate::cell;
use crate::columns::{Columns, MAX_COLUMNS};
use crate::xlsx::{MAX_SHEETS, Row, Rows, Value};

/// The name of the hidden sheet.
pub(crate) const SHEET: &str = "_gleaner";
const FORMAT: &str = "gleaner-records";
const VERSION: f64 = 1.0;

/// The name of the sheet of records `number`, from 1.
pub(crate) fn sheet_name(number: usize) -> String {
    if number == 1 { "records".to_owned() } else { format!("records_{number}") }
}

/// What the hidden sheet says.
#[derive(Debug, Default)]
pub(crate) struct Meta {
    /// The sheets of records, in order.
    pub(crate) sheets: Vec<String>,
    /// Headers of the columns, as they were written.
    pub(crate) headers: HashSet<String>,
    /// Those of the columns in which all numbers are floats.
    pub(crate) floats: HashSet<String>,
}

impl Meta {
    /// Reads the hidden sheet; `None` if it is a sheet of somebody else.
    ///
    /// # Errors
    /// [`Kind::Config`] if a newer version wrote it; those of the rows.
    pub(crate) fn read(mut rows: Rows<'_>) -> Result<Option<Self>> {
        let mut meta = Meta::default();
        let mut ours = false;
        let mut row = Row::default();
        while rows.next_row(&mut row)? {
            let text = |column| match value(&row, column) {
                Some(Value::Text(text)) => row.text(text),
                _ => "",
            };
            match text(0) {
                "format" => ours = text(1) == FORMAT,
                "version" => check_version(value(&row, 1), &row)?,
                "sheet" if meta.sheets.len() < MAX_SHEETS => meta.sheets.push(text(1).to_owned()),
                "column" if meta.headers.len() < MAX_COLUMNS => {
                    meta.headers.insert(text(1).to_owned());
                    if text(2) == "float" {
                        meta.floats.insert(text(1).to_owned());
                    }
                }
                _ => {}
            }
            if !ours {
                break;
            }
        }
        Ok(ours.then_some(meta))
    }
}

fn value(row: &Row, column: usize) -> Option<&Value> {
    row.cells.iter().find(|(place, _)| *place == column).map(|(_, value)| value)
}

/// Writes the hidden sheet.
///
/// # Errors
/// Those of the library.
pub(crate) fn write(
    sheet: &mut Worksheet,
    columns: &Columns,
    names: &[String],
    text: &Format,
) -> Result<(), XlsxError> {
    sheet.set_name(SHEET)?.set_hidden(true);
    sheet.write_string(0, 0, "format")?.write_string(0, 1, FORMAT)?;
    sheet.write_string(1, 0, "version")?.write_number(1, 1, VERSION)?;
    sheet.write_string(2, 0, "records")?.write_number(2, 1, columns.records() as f64)?;
    let mut row = 3;
    for name in names {
        sheet.write_string(row, 0, "sheet")?.write_string(row, 1, name)?;
        row += 1;
    }
    for column in columns.all() {
        sheet.write_string(row, 0, "column")?;
        sheet.write_string_with_format(row, 1, cell::header(&column.key).0, text)?;
        if column.floats() {
            sheet.write_string(row, 2, "float")?;
        }
        row += 1;
    }
    Ok(())
}

fn check_version(version: Option<&Value>, row: &Row) -> Result<()> {
    let version = match version {
        Some(Value::Number(digits)) => row.text(digits),
        _ => "unknown",
    };
    if version.parse() == Ok(VERSION) {
        return Ok(());
    }
    Err(Error::new(
        Kind::Config,
        format!("the workbook has version {version} of Gleaner's scheme, this program knows 1"),
    )
    .advise("use a newer record-converter"))
}
