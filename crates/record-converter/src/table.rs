//! What the header of a sheet says about its columns, and the records that the rows below it are.

use std::collections::{HashMap, HashSet};

use crate::cell::{self, Said};
use crate::meta::Meta;
use crate::number;
use crate::request::Options;
use crate::xlsx::{Row, Value, letters};

/// The columns of a sheet.
pub(crate) struct Table {
    columns: Vec<Option<Column>>,
    /// The keys of all columns, as JSON text.
    keys: HashSet<String>,
    /// For a name that came twice, the number that the next one gets.
    numbers: HashMap<String, u32>,
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
    /// The table below `header`; `meta` if Gleaner wrote the sheet.
    pub(crate) fn new(header: &Row, meta: Option<&Meta>, options: &Options) -> Self {
        let mut table = Table {
            columns: Vec::new(),
            keys: HashSet::new(),
            numbers: HashMap::new(),
            ours: meta.is_some(),
            line: String::new(),
        };
        for (place, value) in &header.cells {
            let text = plain(header, value);
            if text.is_empty() {
                // No name: letters, once the column holds anything.
                continue;
            }
            let name = if table.ours { cell::decode_name(&text) } else { text.clone() };
            let floats = meta.is_some_and(|meta| meta.floats.contains(&text));
            let json = table.ours || options.json_columns.contains(&name);
            table.add(*place, &name, floats, json);
        }
        table
    }

    /// The keys of all columns, as JSON text.
    pub(crate) fn into_keys(self) -> HashSet<String> {
        self.keys
    }

    /// The record of a row as one line of JSON.
    pub(crate) fn line(&mut self, row: &Row) -> &str {
        self.line.clear();
        self.line.push('{');
        for (place, value) in &row.cells {
            if self.columns.get(*place).is_none_or(Option::is_none) {
                if self.ours && is_mark(row, value) {
                    continue;
                }
                self.add(*place, &letters(*place as u64), false, self.ours);
            }
            let Some(Some(column)) = self.columns.get(*place) else { continue };
            let Some(json) = column.json(row, value) else { continue };
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

    fn add(&mut self, place: usize, name: &str, floats: bool, json: bool) {
        let mut key = cell::literal(name);
        if self.keys.contains(&key) {
            let number = self.numbers.entry(name.to_owned()).or_insert(2);
            while self.keys.contains(&key) {
                key = cell::literal(&format!("{name}_{number}"));
                *number += 1;
            }
        }
        if self.columns.len() <= place {
            self.columns.resize_with(place + 1, || None);
        }
        self.keys.insert(key.clone());
        self.columns[place] = Some(Column { key, floats, json });
    }
}

impl Column {
    /// The JSON text of a cell; `None` where it says that there is nothing.
    fn json(&self, row: &Row, value: &Value) -> Option<String> {
        let text = match value {
            Value::Number(digits) => return Some(number::from_text(row.text(digits), self.floats)),
            Value::Bool(truth) => return Some(truth.to_string()),
            Value::Unknown => return Some("null".to_owned()),
            Value::Text(text) => row.text(text),
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

/// Whether the row is that of a record without any key: the mark alone.
pub(crate) fn is_empty_record(row: &Row) -> bool {
    matches!(row.cells.as_slice(), [(_, value)] if is_mark(row, value))
}

/// How many cells of the row are headers that `meta` knows.
pub(crate) fn known_headers(row: &Row, meta: &Meta) -> usize {
    row.cells.iter().filter(|(_, value)| meta.headers.contains(&plain(row, value))).count()
}

fn is_mark(row: &Row, value: &Value) -> bool {
    matches!(value, Value::Text(text) if row.text(text) == cell::MARK)
}

/// The text of a cell, as a person would copy it.
fn plain(row: &Row, value: &Value) -> String {
    match value {
        Value::Number(digits) => number::from_text(row.text(digits), false),
        Value::Bool(truth) => truth.to_string(),
        Value::Text(text) => row.text(text).to_owned(),
        Value::Unknown => String::new(),
    }
}
