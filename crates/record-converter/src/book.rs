//! Writing a workbook row by row, in constant memory.

use std::borrow::Cow;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

use crawl_core::json::Raw;
use crawl_core::{Error, Kind, Result};
use rust_xlsxwriter::{Format, IgnoreError, Url, Workbook, Worksheet, XlsxError};

use crate::cell::{self, Cell};
use crate::columns::{Columns, changed};
use crate::meta;
use crate::request::Options;
use crate::summary::Summary;
use crate::xlsx::letters;

/// Excel's limits for links: how many in a sheet, how many characters in one.
const MAX_LINKS: u32 = 65_530;
const MAX_LINK_UNITS: usize = 2_079;
/// Above this size of input a sheet may need more than the 4 GiB of a plain ZIP entry.
const LARGE: u64 = 1 << 30;

/// A workbook being written.
pub(crate) struct Book<'a> {
    workbook: Workbook,
    columns: &'a Columns,
    options: &'a Options,
    formats: Formats,
    sheet: Worksheet,
    sheet_names: Vec<String>,
    /// Records in the current sheet, which is also the number of its last row.
    rows: u32,
    /// Links in the current sheet.
    links: u32,
}

struct Formats {
    header: Format,
    /// Text that Excel must not read anew when somebody edits the cell.
    quoted: Format,
    null: Format,
    link: Format,
}

impl Formats {
    fn new() -> Self {
        Formats {
            header: Format::new().set_bold().set_quote_prefix(),
            quoted: Format::new().set_quote_prefix(),
            null: Format::new().set_italic().set_font_color(0x0080_8080),
            link: Format::new().set_hyperlink(),
        }
    }
}

impl<'a> Book<'a> {
    /// Begins a workbook for about `bytes` of records; its temporary files live in `folder`.
    ///
    /// # Errors
    /// [`Kind::Storage`] if they cannot be made.
    pub(crate) fn new(folder: &Path, columns: &'a Columns, options: &'a Options, bytes: u64) -> Result<Self> {
        let mut workbook = Workbook::new();
        workbook.use_zip_large_file(bytes > LARGE);
        workbook.set_tempdir(folder).map_err(refused)?;
        let sheet = workbook.new_worksheet_with_constant_memory().map_err(refused)?;
        let formats = Formats::new();
        let mut book =
            Book { workbook, columns, options, formats, sheet, sheet_names: Vec::new(), rows: 0, links: 0 };
        book.begin_sheet().map_err(refused)?;
        Ok(book)
    }

    /// Writes a record as the next row.
    ///
    /// # Errors
    /// [`Kind::Config`] if the record has a key that the first look did not see; [`Kind::Storage`] if the disk
    /// refuses.
    pub(crate) fn push(&mut self, record: Raw<'_>, summary: &mut Summary) -> Result<()> {
        let cells = self.place(record)?;
        if self.rows == self.options.sheet_rows {
            self.next_sheet().map_err(refused)?;
        }
        self.rows += 1;
        self.write_row(&cells, summary).map_err(refused)?;
        summary.records_written += 1;
        Ok(())
    }

    /// Writes what is left and the whole file.
    ///
    /// # Errors
    /// [`Kind::Storage`] if the disk refuses.
    pub(crate) fn finish(mut self, file: impl Write + Send, summary: &mut Summary) -> Result<()> {
        summary.columns = self.columns.all().len();
        for (place, column) in self.columns.all().iter().enumerate() {
            if cell::header(&column.key).1 {
                summary
                    .note_cut(|| (address(&self.sheet_names[0], place, 0), too_long("the key", &column.key)));
            }
        }
        self.save(file, summary).map_err(refused)
    }

    fn save(&mut self, file: impl Write + Send, summary: &mut Summary) -> Result<(), XlsxError> {
        let mut hidden = self.workbook.new_worksheet_with_constant_memory()?;
        meta::write(&mut hidden, self.columns, &self.sheet_names, &self.formats.quoted)?;
        summary.sheets = u32::try_from(self.sheet_names.len()).unwrap_or(u32::MAX);
        self.end_sheet(hidden)?;
        // What was the next sheet a moment ago is the hidden one; nothing follows it.
        let hidden = std::mem::replace(&mut self.sheet, Worksheet::new());
        self.workbook.push_worksheet(hidden);
        self.workbook.save_to_writer(file)
    }

    /// The values with their columns, in the order of the columns. Of several values of one key the last counts.
    fn place<'r>(&self, record: Raw<'r>) -> Result<Vec<(usize, Raw<'r>)>> {
        let mut cells: Vec<(usize, Raw<'r>)> = Vec::with_capacity(self.columns.all().len());
        let mut sorted = true;
        let mut next = 0;
        for (key, value) in record.members().into_iter().flatten() {
            let place = self.columns.place(key, next).ok_or_else(changed)?;
            sorted &= place >= next;
            next = place + 1;
            cells.push((place, value));
        }
        if !sorted {
            cells.reverse();
            cells.sort_by_key(|(place, _)| *place);
            cells.dedup_by_key(|(place, _)| *place);
        }
        Ok(cells)
    }

    fn write_row(&mut self, cells: &[(usize, Raw<'_>)], summary: &mut Summary) -> Result<(), XlsxError> {
        if cells.is_empty() {
            // A record without keys still has a row.
            self.sheet.write_string(self.rows, 0, cell::MARK)?;
        }
        for (place, value) in cells {
            // At most 16,384 columns were let in.
            let column = *place as u16;
            match cell::encode(*value, self.columns.all()[*place].floats()) {
                Cell::Number(number) => {
                    self.sheet.write_number(self.rows, column, number)?;
                }
                Cell::Bool(truth) => {
                    self.sheet.write_boolean(self.rows, column, truth)?;
                }
                Cell::Null => {
                    self.sheet.write_string_with_format(self.rows, column, "null", &self.formats.null)?;
                }
                Cell::Plain(text) if self.options.links && is_address(&text) => {
                    self.write_link(column, &text, summary)?;
                }
                Cell::Plain(text) | Cell::Json(text) => self.write_text(column, text, summary)?,
            }
        }
        Ok(())
    }

    fn write_text(
        &mut self,
        column: u16,
        text: Cow<'_, str>,
        summary: &mut Summary,
    ) -> Result<(), XlsxError> {
        let text = match cell::cut(&text) {
            Some(cut) => {
                let place = usize::from(column);
                let sheet = self.sheet_names.last().map_or("", String::as_str);
                summary.note_cut(|| {
                    (
                        address(sheet, place, self.rows),
                        too_long("the value of", &self.columns.all()[place].key),
                    )
                });
                Cow::Owned(cut)
            }
            None => text,
        };
        if cell::tempts_excel(&text) {
            self.sheet.write_string_with_format(self.rows, column, text, &self.formats.quoted)?;
        } else {
            self.sheet.write_string(self.rows, column, text)?;
        }
        Ok(())
    }

    fn write_link(&mut self, column: u16, address: &str, summary: &mut Summary) -> Result<(), XlsxError> {
        if self.links < MAX_LINKS && address.encode_utf16().count() <= MAX_LINK_UNITS {
            let link = Url::new(address).set_text(address);
            match self.sheet.write_url_with_format(self.rows, column, link, &self.formats.link) {
                Ok(_) => {
                    self.links += 1;
                    return Ok(());
                }
                // The library's own escapes made it too long.
                Err(XlsxError::MaxUrlLengthExceeded) => {}
                Err(error) => return Err(error),
            }
        }
        summary.links_plain += 1;
        self.write_text(column, Cow::Borrowed(address), summary)
    }

    fn begin_sheet(&mut self) -> Result<(), XlsxError> {
        let name = meta::sheet_name(self.sheet_names.len() + 1);
        self.sheet.set_name(&name)?.set_freeze_panes(1, 0)?;
        self.sheet_names.push(name);
        (self.rows, self.links) = (0, 0);
        for (place, column) in self.columns.all().iter().enumerate() {
            self.sheet.set_column_width(place as u16, column.width as f64)?;
            self.sheet.write_string_with_format(
                0,
                place as u16,
                cell::header(&column.key).0,
                &self.formats.header,
            )?;
        }
        Ok(())
    }

    fn next_sheet(&mut self) -> Result<(), XlsxError> {
        let next = self.workbook.new_worksheet_with_constant_memory()?;
        self.end_sheet(next)?;
        self.begin_sheet()
    }

    /// Finishes the current sheet and goes on with `next`.
    fn end_sheet(&mut self, next: Worksheet) -> Result<(), XlsxError> {
        if let Some(last) = self.columns.all().len().checked_sub(1) {
            let last = last as u16;
            self.sheet.autofilter(0, 0, self.rows, last)?;
            // No green corners on ids: one click on them would turn the text into a number.
            self.sheet.ignore_error_range(0, 0, self.rows, last, IgnoreError::NumberStoredAsText)?;
        }
        self.workbook.push_worksheet(std::mem::replace(&mut self.sheet, next));
        Ok(())
    }
}

/// Runs `work`, which writes a workbook. The library panics where the disk is full; this makes it an error.
///
/// # Errors
/// Those of `work`, and [`Kind::Storage`] for such a panic.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default();
        if text.contains("Couldn't write") || text.contains("Os {") {
            return Err(
                Error::new(Kind::Storage, "cannot write a temporary file of the workbook").because(text)
            );
        }
        // A defect is not the disk's fault.
        resume_unwind(panic)
    })
}

/// Whether the text is a web address and nothing else.
fn is_address(text: &str) -> bool {
    let scheme = |name: &str| text.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
    (scheme("https://") || scheme("http://"))
        && !text.contains(|letter: char| letter.is_whitespace() || letter.is_control())
}

/// The address of a cell, as Excel shows it; `row` is counted from 0.
fn address(sheet: &str, column: usize, row: u32) -> String {
    format!("{sheet}!{}{}", letters(column as u64), u64::from(row) + 1)
}

fn too_long(what: &str, key: &str) -> String {
    const SHOWN: usize = 60;
    let shown: String = key.chars().take(SHOWN).collect();
    let dots = if shown.len() < key.len() { "…" } else { "" };
    format!(
        "{what} `{shown}{dots}` is longer than the {} characters that Excel keeps, and is cut",
        cell::MAX_UNITS
    )
}

/// What the library refused: mostly the disk, else a bug of ours.
fn refused(error: XlsxError) -> Error {
    let disk = matches!(error, XlsxError::IoError(_) | XlsxError::TempFileError(..) | XlsxError::ZipError(_));
    let kind = if disk { Kind::Storage } else { Kind::Shape };
    Error::new(kind, "cannot write the workbook").because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_an_error_and_a_defect_stays_a_panic() {
        let full: Result<()> =
            guarded(|| panic!("Couldn't write to xml file: Os {{ code: 28, kind: StorageFull }}"));
        assert_eq!(full.unwrap_err().kind(), Kind::Storage);
        assert!(catch_unwind(|| guarded(|| -> Result<()> { panic!("a defect") })).is_err());
    }

    #[test]
    fn only_web_addresses_become_links() {
        assert!(is_address("https://x.org") && is_address("HTTP://x.org/a?b#c"));
        assert!(!is_address("javascript:alert(1)") && !is_address("https://x.org see") && !is_address("é"));
    }
}
