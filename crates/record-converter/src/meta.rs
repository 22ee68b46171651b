//! The hidden sheet by which Gleaner knows its own workbooks, and what it remembers there.
//!
//! Each row is a word and what it says: `format` (always `gleaner-records`), `version`, `records`, a `sheet` row
//! for each sheet in order, and a `column` row for each column with the text of its header and, where all its
//! numbers are floats, `float`.

use std::collections::HashSet;

use calamine::{Data, DataType, Range};
use crawl_core::{Error, Kind, Result};
use rust_xlsxwriter::{Format, Worksheet, XlsxError};

use crate::cell;
use crate::columns::Columns;

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
    /// Headers of the columns in which all numbers are floats.
    pub(crate) floats: HashSet<String>,
}

impl Meta {
    /// Reads the hidden sheet; `None` if it is a sheet of somebody else.
    ///
    /// # Errors
    /// [`Kind::Config`] if a newer version wrote it.
    pub(crate) fn read(sheet: &Range<Data>) -> Result<Option<Self>> {
        let mut meta = Meta::default();
        let mut ours = false;
        for row in sheet.rows() {
            let text = |column: usize| row.get(column).and_then(DataType::get_string).unwrap_or_default();
            match text(0) {
                "format" => ours = text(1) == FORMAT,
                "version" => check_version(row.get(1).and_then(DataType::as_f64))?,
                "sheet" => meta.sheets.push(text(1).to_owned()),
                "column" if text(2) == "float" => {
                    meta.floats.insert(text(1).to_owned());
                }
                _ => {}
            }
        }
        Ok(ours.then_some(meta))
    }
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

fn check_version(version: Option<f64>) -> Result<()> {
    if version == Some(VERSION) {
        return Ok(());
    }
    let found = version.map_or("unknown".to_owned(), |version| version.to_string());
    Err(Error::new(
        Kind::Config,
        format!("the workbook has version {found} of Gleaner's scheme, this program knows 1"),
    )
    .advise("use a newer record-converter"))
}
