//! A workbook for people: a first sheet that sums up, then the records, readable and ready to filter. It is not read back:
//! the lossless workbook is for that.

mod front;
mod layout;
mod looked;
mod sheet;
mod steps;

use std::io::Write;
use std::path::Path;

use crawl_core::json::Raw;
use crawl_core::{Error, Kind, Result};
use rust_xlsxwriter::{Workbook, XlsxError};

use crate::request::Options;
use crate::summary::Summary;
use layout::Layout;
use sheet::Sheet;

pub(crate) use looked::Looked;
pub(crate) use steps::Step;

/// Above this size of input a sheet may need more than the 4 GiB of a plain ZIP entry.
const LARGE: u64 = 1 << 30;

/// A report being written.
pub(crate) struct Report<'a> {
    workbook: Workbook,
    layout: Layout,
    options: &'a Options,
    names: Names,
    /// The sheet that is written, or one for each label and one for records without: all at once.
    sheets: Vec<Sheet>,
    /// How many sheets of all records are full.
    full: u32,
}

impl<'a> Report<'a> {
    /// Begins a report of the records that `looked` saw; its temporary files live in `folder`.
    ///
    /// # Errors
    /// [`Kind::Config`] if sheets by label are wanted, and there are records, none of which has labels; [`Kind::Storage`] if the disk refuses.
    pub(crate) fn new(
        folder: &Path,
        looked: &Looked,
        steps: &[Step],
        options: &'a Options,
        bytes: u64,
    ) -> Result<Self> {
        let layout = Layout::of(looked, options.links);
        if options.by_label && layout.labels.is_empty() && looked.records > 0 {
            return Err(Error::new(Kind::Config, "no record has labels: there are no sheets by label")
                .advise("leave --by-label out"));
        }
        let mut workbook = Workbook::new();
        workbook.use_zip_large_file(bytes > LARGE);
        workbook.set_tempdir(folder).map_err(refused)?;
        let mut names = Names::default();
        let front = front::write(&names.take("Summary"), looked, steps).map_err(refused)?;
        workbook.push_worksheet(front);
        let mut report = Report { workbook, layout, options, names, sheets: Vec::new(), full: 0 };
        let titles = if options.by_label {
            let labels = report.layout.labels.iter().cloned();
            let others = if report.layout.more_labels { "(no label, or another one)" } else { "(no label)" };
            labels.chain([others.to_owned()]).collect()
        } else {
            vec!["Records".to_owned()]
        };
        for title in titles {
            let sheet = report.begin(&title)?;
            report.sheets.push(sheet);
        }
        Ok(report)
    }

    /// Writes a record: into the sheet of each of its labels, if there are such.
    ///
    /// # Errors
    /// [`Kind::Storage`] if the disk refuses.
    pub(crate) fn push(&mut self, record: Raw<'_>, summary: &mut Summary) -> Result<()> {
        let row = self.layout.row(record);
        if !self.options.by_label {
            if self.sheets[0].rows == self.options.sheet_rows {
                self.full += 1;
                let next = self.begin(&format!("Records {}", self.full + 1))?;
                let full = std::mem::replace(&mut self.sheets[0], next);
                self.workbook.push_worksheet(full.end(&self.layout).map_err(refused)?);
            }
            self.sheets[0].push(&self.layout, &row, summary).map_err(refused)?;
        } else {
            let none = self.sheets.len() - 1;
            let mut places: Vec<_> = self.layout.places(&row).collect();
            if places.is_empty() {
                places.push(none);
            }
            for place in places {
                let sheet = &mut self.sheets[place];
                if sheet.rows == self.options.sheet_rows {
                    return Err(Error::new(Kind::Config, "one label has more records than a sheet holds")
                        .advise("leave --by-label out"));
                }
                sheet.push(&self.layout, &row, summary).map_err(refused)?;
            }
        }
        summary.records_written += 1;
        Ok(())
    }

    /// Writes what is left and the whole file.
    ///
    /// # Errors
    /// [`Kind::Storage`] if the disk refuses.
    pub(crate) fn finish(mut self, file: impl Write + Send, summary: &mut Summary) -> Result<()> {
        summary.columns = self.layout.width();
        for sheet in std::mem::take(&mut self.sheets) {
            if sheet.rows > 0 || !self.options.by_label {
                summary.sheets += 1;
                self.workbook.push_worksheet(sheet.end(&self.layout).map_err(refused)?);
            }
        }
        summary.sheets += self.full;
        self.workbook.save_to_writer(file).map_err(refused)
    }

    fn begin(&mut self, title: &str) -> Result<Sheet> {
        let sheet = self.workbook.new_worksheet_with_constant_memory().map_err(refused)?;
        Sheet::begin(sheet, self.names.take(title), &self.layout).map_err(refused)
    }
}

/// What the library refused: mostly the disk, else a bug of ours.
fn refused(error: XlsxError) -> Error {
    let disk = matches!(error, XlsxError::IoError(_) | XlsxError::TempFileError(..) | XlsxError::ZipError(_));
    let kind = if disk { Kind::Storage } else { Kind::Shape };
    Error::new(kind, "cannot write the report").because(error)
}

/// Names of sheets: as Excel allows them, and none twice.
#[derive(Default)]
struct Names(Vec<String>);

impl Names {
    /// The name for a sheet that is to be called `title`.
    fn take(&mut self, title: &str) -> String {
        const LONGEST: usize = 31;
        let plain: String = title
            .chars()
            .map(|letter| if letter.is_control() || r"[]:*?/\".contains(letter) { ' ' } else { letter })
            .collect();
        let plain = plain.trim_matches(|letter: char| letter == '\'' || letter.is_whitespace());
        // Excel keeps this name for itself.
        let plain = if plain.is_empty() || plain.eq_ignore_ascii_case("history") { "Sheet" } else { plain };
        let cut = |most: usize| {
            let mut units = 0;
            let short: String = plain
                .chars()
                .take_while(|letter| {
                    units += letter.len_utf16();
                    units <= most
                })
                .collect();
            short.trim_end_matches(|letter: char| letter == '\'' || letter.is_whitespace()).to_owned()
        };
        let mut name = cut(LONGEST);
        let mut number = 1;
        while self.0.contains(&name.to_lowercase()) {
            number += 1;
            let end = format!(" {number}");
            name = cut(LONGEST - end.len()) + &end;
        }
        self.0.push(name.to_lowercase());
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sheets_have_names_that_excel_takes() {
        let mut names = Names::default();
        for (title, expected) in [
            ("a/b[c]:*?\\", "a b c"),
            ("A B C", "A B C 2"),
            ("'quoted'", "quoted"),
            ("", "Sheet"),
            ("History", "Sheet 2"),
            ("\u{1}\n", "Sheet 3"),
            ("This label is much longer than a sheet's name", "This label is much longer than"),
            ("This label is much longer than any other", "This label is much longer tha 2"),
            ("😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀", "😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀"),
        ] {
            assert_eq!(names.take(title), expected);
        }
    }
}
