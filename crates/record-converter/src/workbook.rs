//! Reading workbooks back into JSON lines, cell by cell.

use std::collections::HashSet;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use calamine::{DataRef, ExcelDateTime, Reader, SheetType, SheetVisible, Xlsx, XlsxCellReader};
use crawl_core::{Error, Kind, Result};

use crate::cell::{self, Said};
use crate::meta::{self, Meta};
use crate::number;
use crate::request::Options;
use crate::summary::Summary;
use crate::supply::cannot_open;

/// The most columns of a sheet. A damaged file may say anything.
const MAX_COLUMNS: u32 = 16_384;

type Source = BufReader<File>;
/// The cells of a row that hold anything, with the numbers of their columns.
type Cells<'a> = Vec<(u32, DataRef<'a>)>;

/// Gives each record of the workbook to `each`, as one line of JSON without its end.
///
/// # Errors
/// [`Kind::Shape`] if the file is no workbook or is damaged; [`Kind::Config`] if it cannot be found; those of
/// `each`.
pub(crate) fn read(
    path: &Path,
    options: &Options,
    summary: &mut Summary,
    mut each: impl FnMut(&str) -> Result<()>,
) -> Result<()> {
    let file = File::open(path).map_err(|cause| cannot_open(path, cause))?;
    let mut book =
        Xlsx::new(BufReader::with_capacity(256 << 10, file)).map_err(|cause| damaged(path, cause))?;
    let meta = meta(&mut book, path)?;
    let names = sheets(&book, meta.as_ref(), path)?;
    let mut keys = HashSet::new();
    for name in names {
        let cells = book.worksheet_cells_reader(&name).map_err(|cause| damaged(path, cause))?;
        let rows = Rows { cells, ahead: None, path, ended: false };
        summary.sheets += 1;
        let table = read_sheet(
            rows,
            |header| Table::new(header, meta.as_ref(), options),
            |line| {
                summary.records_read += 1;
                each(line)?;
                summary.records_written += 1;
                Ok(())
            },
        )?;
        keys.extend(table.into_iter().flat_map(Table::into_keys));
    }
    summary.columns = keys.len();
    Ok(())
}

fn read_sheet(
    mut rows: Rows<'_>,
    table_of: impl Fn(&Cells<'_>) -> Table,
    mut each: impl FnMut(&str) -> Result<()>,
) -> Result<Option<Table>> {
    let Some((number, first)) = rows.next_row()? else { return Ok(None) };
    let mut table = table_of(&first);
    if table.ours && number > 0 {
        // No record has any key, so the header is empty and this is a record already.
        table = table_of(&Cells::new());
        each(table.line(&first))?;
    }
    while let Some((_, row)) = rows.next_row()? {
        each(table.line(&row))?;
    }
    Ok(Some(table))
}

/// The rows of a sheet that hold anything.
struct Rows<'a> {
    cells: XlsxCellReader<'a, Source>,
    ahead: Option<(u32, u32, DataRef<'a>)>,
    path: &'a Path,
    /// The library's reader must not be asked again after its end.
    ended: bool,
}

impl<'a> Rows<'a> {
    /// The number of the next row that holds anything, from 0, and its cells.
    fn next_row(&mut self) -> Result<Option<(u32, Cells<'a>)>> {
        let Some((row, column, value)) = self.next_cell()? else { return Ok(None) };
        let mut cells = vec![(column, value)];
        while let Some((at, column, value)) = self.next_cell()? {
            if at != row {
                self.ahead = Some((at, column, value));
                break;
            }
            cells.push((column, value));
        }
        Ok(Some((row, cells)))
    }

    fn next_cell(&mut self) -> Result<Option<(u32, u32, DataRef<'a>)>> {
        if let Some(ahead) = self.ahead.take() {
            return Ok(Some(ahead));
        }
        while !self.ended {
            let Some(cell) = self.cells.next_cell().map_err(|cause| damaged(self.path, cause))? else {
                break;
            };
            let (row, column) = cell.get_position();
            if column >= MAX_COLUMNS {
                let what = format!("a cell in column {column}, where a sheet has {MAX_COLUMNS}");
                return Err(damaged(self.path, what));
            }
            let value = cell.get_value().clone();
            if value != DataRef::Empty {
                return Ok(Some((row, column, value)));
            }
        }
        self.ended = true;
        Ok(None)
    }
}

/// What a sheet's header says about its columns.
struct Table {
    columns: Vec<Option<Column>>,
    ours: bool,
    line: String,
}

struct Column {
    /// The key as JSON text.
    key: String,
    floats: bool,
    json: bool,
}

impl Table {
    fn new(header: &Cells<'_>, meta: Option<&Meta>, options: &Options) -> Self {
        let mut table = Table { columns: Vec::new(), ours: meta.is_some(), line: String::new() };
        for (place, value) in header {
            let text = plain(value);
            let name = if table.ours { cell::decode_name(&text) } else { text.clone() };
            let floats = meta.is_some_and(|meta| meta.floats.contains(&text));
            let json = table.ours || options.json_columns.contains(&name);
            table.add(*place as usize, &name, floats, json);
        }
        table
    }

    fn add(&mut self, place: usize, name: &str, floats: bool, json: bool) {
        let taken = |key: &str| self.columns.iter().flatten().any(|column| column.key == key);
        let mut key = cell::literal(name);
        let mut number = 2;
        while taken(&key) {
            key = cell::literal(&format!("{name}_{number}"));
            number += 1;
        }
        if self.columns.len() <= place {
            self.columns.resize_with(place + 1, || None);
        }
        self.columns[place] = Some(Column { key, floats, json });
    }

    fn into_keys(self) -> impl Iterator<Item = String> {
        self.columns.into_iter().flatten().map(|column| column.key)
    }

    /// The record of a row as one line of JSON.
    fn line(&mut self, row: &Cells<'_>) -> &str {
        self.line.clear();
        self.line.push('{');
        for (place, value) in row {
            let place = *place as usize;
            if self.columns.get(place).is_none_or(Option::is_none) {
                if self.ours && plain(value) == cell::MARK {
                    continue;
                }
                self.add(place, &letters(place), false, self.ours);
            }
            let Some(Some(column)) = self.columns.get(place) else { continue };
            let Some(json) = column.json(value) else { continue };
            if self.line.len() > 1 {
                self.line.push(',');
            }
            self.line.push_str(&column.key);
            self.line.push(':');
            self.line.push_str(&json);
        }
        self.line.push('}');
        &self.line
    }
}

impl Column {
    /// The JSON text of a cell; `None` where it says that there is nothing.
    fn json(&self, value: &DataRef<'_>) -> Option<String> {
        let text = match value {
            DataRef::Empty => return None,
            DataRef::Int(number) => return Some(number.to_string()),
            DataRef::Float(number) => return Some(number::from_cell(*number, self.floats)),
            DataRef::Bool(truth) => return Some(truth.to_string()),
            DataRef::String(text) => text.as_str(),
            DataRef::SharedString(text) => text,
            other => return Some(cell::literal(&plain(other))),
        };
        if !self.json {
            return Some(cell::literal(text));
        }
        match cell::decode(text) {
            Said::Nothing => None,
            // A line break between the parts of JSON that somebody typed must not break the line.
            Said::Json(json) => Some(cell::compact(json).into_owned()),
            Said::Plain(text) => Some(cell::literal(text)),
        }
    }
}

/// The text of a cell, as a person would copy it; dates in ISO form.
fn plain(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Empty => String::new(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number::from_cell(*number, false),
        DataRef::Bool(truth) => truth.to_string(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::DateTime(time) => iso(time),
        DataRef::Error(error) => error.to_string(),
    }
}

/// A date, a time of day, a date with time, or a duration (`PT26H30M0S`).
fn iso(time: &ExcelDateTime) -> String {
    let value = time.as_f64();
    if time.is_duration() {
        let seconds = (value * 86_400.0).round() as i64;
        let (sign, seconds) = if seconds < 0 { ("-", -seconds) } else { ("", seconds) };
        return format!("{sign}PT{}H{}M{}S", seconds / 3600, seconds / 60 % 60, seconds % 60);
    }
    let (year, month, day, hour, minute, second, milli) = time.to_ymd_hms_milli();
    let mut clock = format!("{hour:02}:{minute:02}:{second:02}");
    if milli > 0 {
        clock.push_str(&format!(".{milli:03}"));
    }
    let date = format!("{year:04}-{month:02}-{day:02}");
    if (0.0..1.0).contains(&value) {
        clock
    } else if clock == "00:00:00" {
        date
    } else {
        format!("{date}T{clock}")
    }
}

/// The letters of a column: `A` for 0. They name columns without a header.
fn letters(place: usize) -> String {
    let last = char::from(b'A' + (place % 26) as u8);
    if place < 26 { last.to_string() } else { format!("{}{last}", letters(place / 26 - 1)) }
}

fn meta(book: &mut Xlsx<Source>, path: &Path) -> Result<Option<Meta>> {
    if !book.sheet_names().iter().any(|name| name == meta::SHEET) {
        return Ok(None);
    }
    let sheet = book.worksheet_range(meta::SHEET).map_err(|cause| damaged(path, cause))?;
    Meta::read(&sheet).map_err(|error| error.at(path.display().to_string()))
}

/// The sheets to read, in order: those that the hidden sheet names, or all that people can see.
fn sheets(book: &Xlsx<Source>, meta: Option<&Meta>, path: &Path) -> Result<Vec<String>> {
    let all = book.sheets_metadata();
    let Some(meta) = meta else {
        let seen = all
            .iter()
            .filter(|sheet| sheet.typ == SheetType::WorkSheet && sheet.visible == SheetVisible::Visible);
        return Ok(seen.map(|sheet| sheet.name.clone()).collect());
    };
    match meta.sheets.iter().find(|name| all.iter().all(|sheet| &sheet.name != *name)) {
        None => Ok(meta.sheets.clone()),
        Some(gone) => Err(Error::new(Kind::Config, format!("the sheet `{gone}` is not in the workbook any more"))
            .at(path.display().to_string())
            .advise("give the sheet its name back, or delete the hidden sheet `_gleaner` to read the others as they are")),
    }
}

fn damaged(path: &Path, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(Kind::Shape, "this is no Excel workbook (.xlsx), or it is damaged")
        .at(path.display().to_string())
        .advise("open it in Excel or LibreOffice and save it as .xlsx")
        .because(cause)
}
