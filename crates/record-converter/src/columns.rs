//! The first look at the records: which columns they need, how wide, and how many records there are.

use std::collections::HashMap;

use crawl_core::json::{Key, Raw};
use crawl_core::table::Type;
use crawl_core::{Error, Kind, Result};

use crate::losses::visible;
use crate::names::nearest;
use crate::number;
use crate::typed::Seen;

/// The most columns of a sheet.
pub(crate) const MAX_COLUMNS: usize = 16_384;
/// The most bytes of the names of all columns, which are kept in memory.
const MAX_NAMES: usize = 64 << 20;
/// Widths are guessed from this many records.
const SAMPLE: u64 = 1_000;
/// The narrowest and the widest column, in characters.
const WIDTHS: (usize, usize) = (8, 60);

/// One column: a key of the records.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) key: String,
    /// Characters.
    pub(crate) width: usize,
    wholes: bool,
    fractions: bool,
    seen: Seen,
}

impl Column {
    /// Whether the column holds numbers, and all are spelled as floats.
    pub(crate) fn floats(&self) -> bool {
        self.fractions && !self.wholes
    }

    /// How many digits of a second the times of a column of times have.
    pub(crate) fn digits(&self) -> Option<usize> {
        self.seen.digits()
    }

    /// The type that holds all of its values, if they were looked at for that.
    pub(crate) fn column_type(&self) -> Type {
        self.seen.column_type()
    }
}

/// The union of the keys of all records, in the order in which they were first seen.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    all: Vec<Column>,
    places: HashMap<String, usize>,
    /// The bytes of their names.
    names: usize,
    records: u64,
    /// The places of the columns that a table has, in its order; `None`: all, as they are.
    chosen: Option<Vec<usize>>,
    /// Whether the types of the values matter.
    typed: bool,
}

impl Columns {
    /// None yet; of those that come, the types are learnt too.
    pub(crate) fn typed() -> Self {
        Columns { typed: true, ..Columns::default() }
    }

    /// Takes a record into account.
    ///
    /// # Errors
    /// [`Kind::Config`] when the records have more keys than a sheet has columns.
    pub(crate) fn learn(&mut self, record: Raw<'_>) -> Result<()> {
        let sampled = self.records < SAMPLE;
        self.records += 1;
        let mut next = 0;
        for (key, value) in record.members().into_iter().flatten() {
            let place = match self.place(key, next) {
                Some(place) => place,
                None => self.add(key.name().into_owned())?,
            };
            next = place + 1;
            let column = &mut self.all[place];
            column.note_number(value.text());
            if self.typed {
                column.seen.note(value);
            }
            if sampled {
                column.widen(value.text());
            }
        }
        Ok(())
    }

    /// The columns, in order.
    pub(crate) fn all(&self) -> &[Column] {
        &self.all
    }

    /// How many records were taken into account.
    pub(crate) fn records(&self) -> u64 {
        self.records
    }

    /// The column of `key`. Records mostly have the same keys in the same order: `likely` is looked at first.
    pub(crate) fn place(&self, key: Key<'_>, likely: usize) -> Option<usize> {
        let guess = self.all.get(likely);
        if guess.is_some_and(|column| column.key.as_bytes() == key.bytes()) {
            return Some(likely);
        }
        self.places.get(key.name().as_ref()).copied()
    }

    /// Leaves a table only the columns of these names, in this order; none are named: all. Without records it has them too.
    ///
    /// # Errors
    /// [`Kind::Config`] if there are records, and none has one of them.
    pub(crate) fn choose(&mut self, names: &[String]) -> Result<()> {
        if names.is_empty() {
            return Ok(());
        }
        let mut chosen = Vec::new();
        for name in names {
            let place = match self.places.get(name) {
                Some(place) => *place,
                None if self.records == 0 => self.add(name.clone())?,
                None => return Err(self.unknown(name)),
            };
            if !chosen.contains(&place) {
                chosen.push(place);
            }
        }
        self.chosen = Some(chosen);
        Ok(())
    }

    /// Leaves one column out of a table.
    ///
    /// # Errors
    /// [`Kind::Config`] if there are records, and none has it.
    pub(crate) fn leave_out(&mut self, name: &str) -> Result<()> {
        if self.records == 0 {
            return Ok(());
        }
        let place = self.places.get(name).copied().ok_or_else(|| self.unknown(name))?;
        let mut chosen = self.chosen.take().unwrap_or_else(|| (0..self.all.len()).collect());
        chosen.retain(|other| *other != place);
        self.chosen = Some(chosen);
        Ok(())
    }

    /// The columns of a table, in order.
    pub(crate) fn chosen(&self) -> impl Iterator<Item = &Column> {
        let all = self.chosen.is_none().then_some(&self.all);
        let some = self.chosen.iter().flatten().map(|place| &self.all[*place]);
        all.into_iter().flatten().chain(some)
    }

    /// The value of a record, or nothing, for each of [`Self::chosen`]. Of several values of one key the last counts.
    ///
    /// # Errors
    /// [`Kind::Config`] if the record has a key that the first look did not see.
    pub(crate) fn spread<'r>(&self, record: Raw<'r>) -> Result<Vec<Option<Raw<'r>>>> {
        let mut values = vec![None; self.all.len()];
        let mut next = 0;
        for (key, value) in record.members().into_iter().flatten() {
            let place = self.place(key, next).ok_or_else(changed)?;
            next = place + 1;
            values[place] = Some(value);
        }
        match &self.chosen {
            Some(chosen) => Ok(chosen.iter().map(|place| values[*place]).collect()),
            None => Ok(values),
        }
    }

    fn unknown(&self, name: &str) -> Error {
        const SHOWN: usize = 40;
        let known = nearest(name, self.all.iter().map(|column| column.key.as_str()));
        let known = known.take(SHOWN).map(|key| format!("`{}`", visible(key)));
        let more = if self.all.len() > SHOWN { ", ..." } else { "" };
        Error::new(Kind::Config, format!("no record has a member `{}`", visible(name)))
            .advise(format!("there are: {}{more}", known.collect::<Vec<_>>().join(", ")))
    }

    fn add(&mut self, key: String) -> Result<usize> {
        self.names = self.names.saturating_add(key.len());
        if self.all.len() == MAX_COLUMNS || self.names > MAX_NAMES {
            return Err(too_many(&key));
        }
        let width = key.chars().count().saturating_add(4).clamp(WIDTHS.0, WIDTHS.1);
        self.places.insert(key.clone(), self.all.len());
        self.all.push(Column { key, width, wholes: false, fractions: false, seen: Seen::default() });
        Ok(self.all.len() - 1)
    }
}

impl Column {
    fn note_number(&mut self, text: &str) {
        if matches!(text.as_bytes().first(), Some(b'-' | b'0'..=b'9')) {
            let whole = number::is_whole_form(text);
            self.wholes |= whole;
            self.fractions |= !whole;
        }
    }

    fn widen(&mut self, text: &str) {
        if self.width < WIDTHS.1 {
            let length = text.chars().take(WIDTHS.1 + 2).count();
            let quotes = if text.starts_with('"') { 2 } else { 0 };
            self.width = self.width.max(length - quotes + 1).min(WIDTHS.1);
        }
    }
}

/// The error for an input that is another one at the second look.
pub(crate) fn changed() -> Error {
    Error::new(Kind::Config, "the input changed while it was read")
        .advise("run again when nothing writes to it")
}

fn too_many(key: &str) -> Error {
    let shown: String = key.chars().take(80).collect();
    Error::new(
        Kind::Config,
        format!(
            "the records have more than {MAX_COLUMNS} different keys, or more than {MAX_NAMES} bytes of them, the most of a sheet or a table"
        ),
    )
    .at(shown)
    .advise("put what varies into one nested object, or keep JSONL")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_the_union_of_the_keys_in_the_order_first_seen() {
        let mut columns = Columns::default();
        for record in [r#"{"a":1,"b":1.5}"#, r#"{"c":"x","b":2.0,"a":2.5,"A":null}"#] {
            columns.learn(Raw::parse(record.as_bytes()).unwrap()).unwrap();
        }
        let keys: Vec<_> = columns.all().iter().map(|column| column.key.as_str()).collect();
        assert_eq!(keys, ["a", "b", "c", "A"]);
        assert!(!columns.all()[0].floats() && columns.all()[1].floats() && !columns.all()[2].floats());
        assert_eq!(columns.records(), 2);
    }

    #[test]
    fn more_keys_than_columns_is_an_error_that_says_what_to_do() {
        let mut columns = Columns::default();
        let members: Vec<_> = (0..=MAX_COLUMNS).map(|n| format!("\"k{n}\":1")).collect();
        let record = format!("{{{}}}", members.join(","));
        let error = columns.learn(Raw::parse(record.as_bytes()).unwrap()).unwrap_err();
        assert_eq!(error.kind(), Kind::Config);
        assert!(error.to_string().contains("16384"));
        let mut columns = Columns::default();
        let mut learn = |letters: usize| {
            let record = format!("{{\"{}\":1}}", "k".repeat(letters));
            columns.learn(Raw::parse(record.as_bytes()).unwrap())
        };
        learn(MAX_NAMES / 2 - 1).unwrap();
        learn(MAX_NAMES / 2 - 1).unwrap();
        learn(MAX_NAMES / 2).unwrap();
        assert_eq!(learn(3).unwrap_err().kind(), Kind::Config);
    }
}
