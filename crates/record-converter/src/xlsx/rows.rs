//! The rows of a sheet: what each cell holds, and which cells hold what cannot be known.

use std::ops::Range;
use std::path::Path;

use crawl_core::Result;
use quick_xml::events::{BytesStart, Event};

use super::strings::Strings;
use super::styles::{Form, Styles};
use super::xml::{Xml, cut_short};
use super::{Fault, address, damaged, dates, escapes};
use crate::losses::Losses;

/// The most columns of a sheet.
const MAX_COLUMNS: u64 = 16_384;
/// The most bytes of a row, as it lies in memory.
const MAX_ROW: usize = 256 << 20;
/// What is kept in memory from row to row.
const KEPT: usize = 1 << 20;
/// Characters of a formula that are shown.
const SHOWN: usize = 60;

/// What a cell holds. Texts lie in the row: [`Row::text`].
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// The digits of a number, as the file spells them.
    Number(Range<usize>),
    Bool(bool),
    /// A text; also a date in ISO form, or the word of an error (`#N/A`).
    Text(Range<usize>),
    /// The cell holds something, but the file does not say what. It is among the losses of the row.
    Unknown,
}

/// The cells of a row that hold anything, in the order of their columns, one a column.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    /// From 1, as Excel shows it.
    pub(crate) number: u64,
    /// The column, from 0, and what the cell holds.
    pub(crate) cells: Vec<(usize, Value)>,
    /// Cells whose value is not known. Their place is the address alone.
    pub(crate) losses: Losses,
    text: String,
}

impl Row {
    /// The text of a value.
    pub(crate) fn text(&self, place: &Range<usize>) -> &str {
        self.text.get(place.clone()).unwrap_or_default()
    }

    fn is_empty(&self) -> bool {
        self.cells.is_empty() && self.losses.count == 0
    }

    fn clear(&mut self) {
        self.cells.clear();
        self.text.clear();
        self.cells.shrink_to(KEPT / 64);
        self.text.shrink_to(KEPT);
        self.losses = Losses::default();
    }

    fn push(&mut self, column: u64, value: Value) {
        self.cells.push((column as usize, value));
    }

    fn push_text(&mut self, text: &str) -> Range<usize> {
        let start = self.text.len();
        self.text.push_str(text);
        start..self.text.len()
    }

    fn lose(&mut self, column: u64, why: impl Into<String>) {
        self.losses.note(|| (format!("{}{}", address::letters(column), self.number), why.into()));
    }

    /// Puts the cells into order. Of cells with the same address the last counts, as in other programs.
    fn settle(&mut self) {
        if self.cells.is_sorted_by(|one, other| one.0 < other.0) {
            return;
        }
        let mut cells = std::mem::take(&mut self.cells);
        cells.sort_by_key(|(column, _)| *column);
        for cell in cells {
            match self.cells.last_mut() {
                Some(last) if last.0 == cell.0 => {
                    let same = self.same(&self.cells[self.cells.len() - 1].1, &cell.1);
                    if !same {
                        self.lose(cell.0 as u64, "the cell is given twice; the last value is kept");
                    }
                    self.cells.pop();
                    self.cells.push(cell);
                }
                _ => self.cells.push(cell),
            }
        }
    }

    fn same(&self, one: &Value, other: &Value) -> bool {
        match (one, other) {
            (Value::Number(one), Value::Number(other)) | (Value::Text(one), Value::Text(other)) => {
                self.text(one) == self.text(other)
            }
            (Value::Bool(one), Value::Bool(other)) => one == other,
            (Value::Unknown, Value::Unknown) => true,
            _ => false,
        }
    }
}

/// Reads a sheet row by row.
pub(crate) struct Rows<'a> {
    xml: Xml<'a>,
    strings: &'a mut Strings,
    styles: &'a Styles,
    since_1904: bool,
    path: &'a Path,
    /// Whether the rows have begun, and ended.
    inside: bool,
    ended: bool,
    number: u64,
    /// The number of the last row that was given.
    last: u64,
    /// A row that has begun and is not read yet, and the number that it gives itself.
    begun: Option<Option<u64>>,
    parts: Parts,
}

/// What stands in the elements of one cell.
#[derive(Default)]
struct Parts {
    kind: String,
    style: usize,
    address: String,
    value: Part,
    inline: Part,
    formula: Part,
}

/// The text of an element, if it is there. The buffer is used again for the next cell.
#[derive(Default)]
struct Part {
    here: bool,
    text: String,
}

impl Part {
    fn get(&self) -> Option<&str> {
        self.here.then_some(self.text.as_str())
    }

    fn clear(&mut self) {
        self.here = false;
        self.text.clear();
        self.text.shrink_to(KEPT);
    }
}

impl<'a> Rows<'a> {
    pub(super) fn new(
        xml: Xml<'a>,
        strings: &'a mut Strings,
        styles: &'a Styles,
        since_1904: bool,
        path: &'a Path,
    ) -> Self {
        Rows {
            xml,
            strings,
            styles,
            since_1904,
            path,
            inside: false,
            ended: false,
            number: 0,
            last: 0,
            begun: None,
            parts: Parts::default(),
        }
    }

    /// Reads the next row that holds anything into `row`; `false` at the end.
    ///
    /// # Errors
    /// [`crawl_core::Kind::Shape`] if the sheet is damaged; [`crawl_core::Kind::Storage`] if the disk refuses.
    pub(crate) fn next_row(&mut self, row: &mut Row) -> Result<bool> {
        self.next(row).map_err(|cause| damaged(self.path, cause))
    }

    fn next(&mut self, row: &mut Row) -> Result<bool, Fault> {
        row.clear();
        while let Some(given) = self.begin_row()? {
            if !row.is_empty() && given != Some(row.number) {
                self.begun = Some(given);
                break;
            }
            // Some programs spread a row over several elements.
            self.read_row(given, row)?;
        }
        row.settle();
        if let Some((column, _)) = row.cells.first()
            && row.number <= self.last
        {
            row.lose(
                *column as u64,
                "the row stands behind a later one, or twice; it is read as a record of its own",
            );
        }
        self.last = row.number;
        Ok(!row.is_empty())
    }

    /// Goes into the next row; gives the number that it gives itself. `None` behind the last one.
    fn begin_row(&mut self) -> Result<Option<Option<u64>>, Fault> {
        if let Some(given) = self.begun.take() {
            return Ok(Some(given));
        }
        while !self.ended {
            match self.xml.next()? {
                Event::Start(element) => match element.local_name().as_ref() {
                    "sheetData" => self.inside = true,
                    "row" if self.inside => return Ok(Some(number_of(&element))),
                    _ => {}
                },
                Event::End(element) if element.local_name().as_ref() == "sheetData" => self.ended = true,
                Event::Eof if self.inside => return Err(cut_short()),
                Event::Eof => self.ended = true,
                _ => {}
            }
        }
        Ok(None)
    }

    fn read_row(&mut self, given: Option<u64>, row: &mut Row) -> Result<(), Fault> {
        let depth = self.xml.depth();
        self.number = given.unwrap_or(self.number + 1);
        row.number = self.number;
        // Without a number of its own, a row has that of its first cell.
        let mut open = given.is_none();
        let mut next = 0;
        loop {
            match self.xml.next()? {
                Event::Start(element) if element.local_name().as_ref() == "c" => self.parts.begin(&element),
                Event::Eof => return Err(cut_short()),
                _ => {
                    if self.xml.depth() < depth {
                        break;
                    }
                    continue;
                }
            }
            self.read_parts()?;
            let mut column = next;
            let address = std::mem::take(&mut self.parts.address);
            let placed = address::parse(&address);
            if let Some((said, number)) = placed {
                column = said;
                if std::mem::take(&mut open) {
                    self.number = number;
                    row.number = number;
                }
                if number != row.number {
                    row.lose(
                        column,
                        format!("the cell is in row {}, and says that it is in row {number}", row.number),
                    );
                }
            } else if !address.is_empty() {
                row.lose(column, "the cell's own address is none; it is read as the next cell");
            }
            open = false;
            self.parts.address = address;
            next = column + 1;
            self.read_cell(column, row)?;
            if row.text.len() + row.cells.len() * size_of::<(usize, Value)>() > MAX_ROW {
                return Err(format!("row {} is larger than {} MiB", row.number, MAX_ROW >> 20).into());
            }
        }
        Ok(())
    }

    /// Reads the elements within a cell, up to its end.
    fn read_parts(&mut self) -> Result<(), Fault> {
        let depth = self.xml.depth();
        loop {
            let (part, rich) = match self.xml.next()? {
                Event::Start(element) => match element.local_name().as_ref() {
                    "v" => (&mut self.parts.value, false),
                    "is" => (&mut self.parts.inline, true),
                    "f" => (&mut self.parts.formula, false),
                    _ => {
                        self.xml.skip()?;
                        continue;
                    }
                },
                Event::Eof => return Err(cut_short()),
                _ => {
                    if self.xml.depth() < depth {
                        return Ok(());
                    }
                    continue;
                }
            };
            part.here = true;
            if rich { self.xml.rich_text(&mut part.text)? } else { self.xml.text(&mut part.text)? }
        }
    }

    /// Puts what the parts of a cell say into the row.
    fn read_cell(&mut self, column: u64, row: &mut Row) -> Result<(), Fault> {
        let parts = &self.parts;
        let value = match parts.kind.as_str() {
            "inlineStr" => parts.inline.get().or(parts.value.get()),
            _ => parts.value.get().or(parts.inline.get()),
        };
        let is_text = !matches!(parts.kind.as_str(), "" | "n" | "s" | "b" | "e" | "d");
        // The text of a formula may be empty; anything else that is empty was never there.
        let value = value.filter(|value| is_text || parts.inline.here || !value.trim().is_empty());
        let Some(value) = value else {
            let why = match (parts.formula.get(), parts.kind.as_str()) {
                (Some(formula), _) => no_value(formula),
                (None, "e") => "an error without a word".into(),
                (None, _) => return Ok(()),
            };
            if column < MAX_COLUMNS {
                row.push(column, Value::Unknown);
            }
            row.lose(column, why);
            return Ok(());
        };
        if column >= MAX_COLUMNS {
            row.lose(column, format!("beyond the {MAX_COLUMNS} columns of a sheet"));
            return Ok(());
        }
        let found = match parts.kind.as_str() {
            "" | "n" => number(value, self.styles.form(parts.style), self.since_1904, row),
            "s" => {
                let index = value.trim().parse();
                let start = row.text.len();
                match index {
                    Ok(index) if self.strings.append(index, &mut row.text)? => {
                        Value::Text(start..row.text.len())
                    }
                    _ => {
                        row.lose(column, "the table of shared strings lacks the text of the cell");
                        Value::Unknown
                    }
                }
            }
            "b" => match value.trim() {
                "1" | "true" | "TRUE" | "True" => Value::Bool(true),
                "0" | "false" | "FALSE" | "False" => Value::Bool(false),
                other => Value::Text(row.push_text(other)),
            },
            "e" | "d" => Value::Text(row.push_text(value.trim())),
            _ => Value::Text(row.push_text(&escapes::decode(value))),
        };
        row.push(column, found);
        Ok(())
    }
}

impl Parts {
    /// Begins with the attributes of a cell.
    fn begin(&mut self, cell: &BytesStart<'_>) {
        self.kind.clear();
        self.address.clear();
        self.style = 0;
        self.value.clear();
        self.inline.clear();
        self.formula.clear();
        for attribute in cell.attributes().with_checks(false).flatten() {
            match attribute.key.local_name().as_ref() {
                "r" => self.address.push_str(&attribute.value),
                "t" => self.kind.push_str(&attribute.value),
                "s" => self.style = attribute.value.trim().parse().unwrap_or(0),
                _ => {}
            }
        }
    }
}

/// A number, or the date that its format makes of it. What is no number stays text.
fn number(value: &str, form: Form, since_1904: bool, row: &mut Row) -> Value {
    let digits = value.trim();
    if form != Form::Number
        && let Ok(serial) = digits.parse()
    {
        let start = row.text.len();
        if dates::append(serial, form, since_1904, &mut row.text) {
            return Value::Text(start..row.text.len());
        }
    }
    if crate::number::is_number(digits) {
        return Value::Number(row.push_text(digits));
    }
    Value::Text(row.push_text(&escapes::decode(value)))
}

/// Why a cell with a formula and without a value is lost. The formula of a shared one stands in another cell.
fn no_value(formula: &str) -> String {
    if formula.is_empty() {
        return "the file holds no computed value of this formula".into();
    }
    let mut shown: String = formula.chars().take(SHOWN).collect();
    if shown.len() < formula.len() {
        shown.push('…');
    }
    format!("the file holds no computed value of the formula `={shown}`")
}

/// The number that a row gives itself.
fn number_of(row: &BytesStart<'_>) -> Option<u64> {
    super::attribute(row, "r")?.trim().parse().ok().filter(|number| (1..1 << 50).contains(number))
}
