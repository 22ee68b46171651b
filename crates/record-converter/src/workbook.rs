//! Reading workbooks back into JSON lines: which sheets, where their headers are, and what is lost.

use std::collections::HashSet;
use std::path::Path;

use crawl_core::{Error, Kind, Result};

use crate::losses::visible;
use crate::meta::{self, Meta};
use crate::request::Options;
use crate::summary::Summary;
use crate::table::{Table, is_empty_record, known_headers};
use crate::xlsx::{Row, Rows, Workbook};

/// In our own sheets the header is looked for in so many rows.
const LOOKED_AT: usize = 20;

/// Gives each record of the workbook to `each`, as one line of JSON without its end. Temporary files lie in
/// `folder`, or where the system has them.
///
/// # Errors
/// [`Kind::Shape`] if the file is no workbook or is damaged; [`Kind::Config`] if it, a sheet or the header cannot be
/// found; those of `each`.
pub(crate) fn read(
    path: &Path,
    options: &Options,
    folder: Option<&Path>,
    summary: &mut Summary,
    mut each: impl FnMut(&str) -> Result<()>,
) -> Result<()> {
    let mut book = Workbook::open(path, folder)?;
    let at =
        |error: Error| if error.place().is_empty() { error.at(path.display().to_string()) } else { error };
    let meta = meta(&mut book).map_err(at)?;
    let chosen = choose(&book, meta.as_ref(), options, summary).map_err(at)?;
    let (mut keys, mut empty) = (HashSet::new(), None);
    for number in chosen {
        let name = book.sheets()[number].name.clone();
        let Some(rows) = book.rows(number)? else {
            summary.note_lost(|| (name, "the file lacks this sheet".into()));
            continue;
        };
        summary.sheets += 1;
        let meta = meta.as_ref().filter(|meta| meta.sheets.contains(&name));
        let sheet = Sheet { rows, name: &name, meta, options, summary, each: &mut each };
        let found = sheet.read().map_err(at)?;
        if found.is_empty() {
            empty.get_or_insert(name);
        }
        keys.extend(found);
    }
    if let (Some(wanted), Some(name), true) = (options.header_row, empty, keys.is_empty()) {
        return Err(at(no_header(wanted, &name)));
    }
    summary.columns = keys.len();
    Ok(())
}

/// A sheet that is being read.
struct Sheet<'a, E> {
    rows: Rows<'a>,
    name: &'a str,
    /// If Gleaner wrote the sheet.
    meta: Option<&'a Meta>,
    options: &'a Options,
    summary: &'a mut Summary,
    each: &'a mut E,
}

impl<E: FnMut(&str) -> Result<()>> Sheet<'_, E> {
    /// Reads the sheet; gives its keys.
    fn read(mut self) -> Result<HashSet<String>> {
        let mut row = Row::default();
        // Nothing is in it: new workbooks have such sheets.
        if !self.rows.next_row(&mut row)? {
            return Ok(HashSet::new());
        }
        let mut table = match (self.options.header_row, self.meta) {
            (Some(wanted), _) => self.at_row(wanted, &mut row)?,
            // No record has any key, so nobody wrote a header.
            (None, Some(meta)) if meta.headers.is_empty() && is_empty_record(&row) => {
                let mut table = self.table(&Row::default());
                self.record(&mut table, &mut row)?;
                table
            }
            (None, Some(meta)) if !meta.headers.is_empty() => self.below_known_header(meta, &mut row)?,
            (None, _) => self.header(&mut row),
        };
        while self.rows.next_row(&mut row)? {
            self.record(&mut table, &mut row)?;
        }
        Ok(table.into_keys())
    }

    /// Goes to the header that the caller named, from `row` on.
    fn at_row(&mut self, wanted: u32, row: &mut Row) -> Result<Table> {
        while row.number < wanted.into() {
            if !self.rows.next_row(row)? {
                break;
            }
        }
        if row.number != u64::from(wanted) {
            return Err(no_header(wanted, self.name));
        }
        Ok(self.header(row))
    }

    /// Goes to the first row, from `row` on, that has headers of ours. Rows that people put above it are lost.
    fn below_known_header(&mut self, meta: &Meta, row: &mut Row) -> Result<Table> {
        let mut above = Vec::new();
        while known_headers(row, meta) < if above.is_empty() { 1 } else { row.cells.len().max(1) } {
            above.push(format!("{}!{}", self.name, row.number));
            if above.len() > LOOKED_AT || !self.rows.next_row(row)? {
                return Err(Error::new(
                    Kind::Config,
                    format!("the header of the sheet `{}` is not there", visible(self.name)),
                )
                .advise("put it back above the records, or say which row it is with --header-row"));
            }
        }
        for place in above {
            self.summary.note_lost(|| (place, "a row above the header is no record, and is left out".into()));
        }
        Ok(self.header(row))
    }

    fn header(&mut self, row: &mut Row) -> Table {
        let losses = std::mem::take(&mut row.losses);
        self.summary.note_losses(self.name, losses);
        self.table(row)
    }

    fn table(&self, header: &Row) -> Table {
        Table::new(header, self.meta, self.options)
    }

    fn record(&mut self, table: &mut Table, row: &mut Row) -> Result<()> {
        self.summary.note_losses(self.name, std::mem::take(&mut row.losses));
        if row.cells.is_empty() {
            return Ok(());
        }
        self.summary.records_read += 1;
        (self.each)(table.line(row))?;
        self.summary.records_written += 1;
        Ok(())
    }
}

fn no_header(wanted: u32, sheet: &str) -> Error {
    Error::new(Kind::Config, format!("row {wanted} of the sheet `{}` is empty and no header", visible(sheet)))
        .advise("name the row with the header; --sheet leaves out sheets that have none there")
}

fn meta(book: &mut Workbook) -> Result<Option<Meta>> {
    let Some(number) = book.sheets().iter().position(|sheet| sheet.name == meta::SHEET) else {
        return Ok(None);
    };
    let Some(rows) = book.rows(number)? else { return Ok(None) };
    Meta::read(rows)
}

/// The numbers of the sheets to read, in order: those that the caller names, those that the hidden sheet names, or
/// all that people see.
fn choose(
    book: &Workbook,
    meta: Option<&Meta>,
    options: &Options,
    summary: &mut Summary,
) -> Result<Vec<usize>> {
    let sheets = book.sheets();
    let find = |name: &String| {
        let exact = sheets.iter().position(|sheet| sheet.name == *name);
        exact.or_else(|| sheets.iter().position(|sheet| sheet.name.to_lowercase() == name.to_lowercase()))
    };
    let names = || sheets.iter().map(|sheet| visible(&sheet.name)).filter(|name| name != meta::SHEET);
    let list = || names().take(LOOKED_AT).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if !options.sheets.is_empty() {
        let found = options.sheets.iter().map(|name| find(name).ok_or(name)).collect::<Result<Vec<_>, _>>();
        let found = found.map_err(|gone| {
            Error::new(Kind::Config, format!("there is no sheet `{gone}` in the workbook"))
                .advise(format!("name one of its sheets: {}", list()))
        })?;
        let mut seen = HashSet::new();
        return Ok(found.into_iter().filter(|number| seen.insert(*number)).collect());
    }
    let chosen: Vec<usize> = match meta {
        Some(meta) => {
            let found = meta
                .sheets
                .iter()
                .map(|name| sheets.iter().position(|sheet| sheet.name == *name).ok_or(name));
            found.collect::<Result<_, _>>().map_err(|gone| {
                Error::new(Kind::Config, format!("the sheet `{}` is not in the workbook any more", visible(gone))).advise(
                    "give the sheet its name back, name those to read with --sheet, or delete the hidden sheet `_gleaner` to read the others as they are",
                )
            })?
        }
        None => (0..sheets.len()).filter(|number| sheets[*number].visible).collect(),
    };
    let read: HashSet<usize> = chosen.iter().copied().collect();
    let rest =
        (0..sheets.len()).filter(|number| !read.contains(number)).map(|number| visible(&sheets[number].name));
    summary.sheets_left_out = rest.filter(|name| meta.is_none() || name != meta::SHEET).collect();
    if chosen.is_empty() && !sheets.is_empty() {
        return Err(Error::new(Kind::Config, "all sheets of the workbook are hidden")
            .advise(format!("name those to read with --sheet: {}", list())));
    }
    Ok(chosen)
}
