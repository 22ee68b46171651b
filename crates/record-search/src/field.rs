//! A field of a record, as mapping files name it.

use serde::Deserialize;
use serde_json::Value as Json;

use crate::document::{MOST_CARD, MOST_VALUES};

/// One field, and what is taken of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Spelled")]
pub struct Field {
    /// Names with dots between; a list is looked into element by element.
    path: Vec<String>,
    /// Only texts that begin with this, without it.
    prefix: Option<String>,
    /// Only what is behind the first such text; nothing where there is none.
    after: Option<String>,
    /// Only what is before the first such text; nothing where there is none.
    before: Option<String>,
    /// Only texts without this in them.
    without: Option<String>,
    /// What it holds was worked out, not told.
    derived: bool,
    /// A text that stands for all records.
    constant: Option<String>,
    /// `yes` or `no`: whether there is anything.
    present: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Spelled {
    Path(String),
    Table(Table),
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Table {
    path: String,
    prefix: Option<String>,
    after: Option<String>,
    before: Option<String>,
    without: Option<String>,
    derived: bool,
    constant: Option<String>,
    present: bool,
}

impl From<Spelled> for Field {
    fn from(spelled: Spelled) -> Self {
        let table = match spelled {
            Spelled::Path(path) => Table { path, ..Table::default() },
            Spelled::Table(table) => table,
        };
        Field {
            path: table.path.split('.').filter(|part| !part.is_empty()).map(str::to_owned).collect(),
            prefix: table.prefix,
            after: table.after,
            before: table.before,
            without: table.without,
            derived: table.derived,
            constant: table.constant,
            present: table.present,
        }
    }
}

/// Fields of which the first that holds anything counts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "OneOrSeveral")]
pub struct Fields(Vec<Field>);

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrSeveral {
    // First: a list of two texts would do as a table, too.
    Several(Vec<Field>),
    One(Field),
}

impl From<OneOrSeveral> for Fields {
    fn from(fields: OneOrSeveral) -> Self {
        Fields(match fields {
            OneOrSeveral::One(field) => vec![field],
            OneOrSeveral::Several(fields) => fields,
        })
    }
}

impl Fields {
    pub(crate) fn all(&self) -> impl Iterator<Item = &Field> {
        self.0.iter()
    }

    /// What `read` makes of the first field of which it makes anything, and whether that one is derived.
    pub(crate) fn first<T>(&self, read: impl Fn(&Field) -> Option<T>) -> Option<(T, bool)> {
        self.0.iter().find_map(|field| Some((read(field)?, field.derived)))
    }

    pub(crate) fn text(&self, record: &Json) -> Option<String> {
        self.first(|field| field.text(record)).map(|(text, _)| text)
    }

    pub(crate) fn texts(&self, record: &Json) -> Option<(Vec<String>, bool)> {
        let (mut texts, derived) = self.first(|field| {
            let mut texts = Vec::new();
            field.texts(record, &mut texts);
            (!texts.is_empty()).then_some(texts)
        })?;
        texts.sort_unstable();
        texts.dedup();
        Some((texts, derived))
    }

    pub(crate) fn number(&self, record: &Json) -> Option<(f64, bool)> {
        self.first(|field| {
            let mut number = None;
            walk(record, &field.path, &mut |value| {
                number = number.or(value.as_f64().filter(|number| number.is_finite()));
                number.is_none()
            });
            number
        })
    }
}

impl Field {
    /// The name of the member of a record that it looks into.
    pub(crate) fn member(&self) -> Option<&str> {
        self.path.first().map(String::as_str)
    }

    /// The first text of it.
    pub(crate) fn text(&self, record: &Json) -> Option<String> {
        let mut texts = Vec::new();
        self.texts(record, &mut texts);
        (!texts.is_empty()).then(|| texts.swap_remove(0))
    }

    /// All texts of it that are not empty, behind those that are there; scalars as they are spelled.
    pub(crate) fn texts(&self, record: &Json, out: &mut Vec<String>) {
        if let Some(constant) = &self.constant {
            out.push(constant.clone());
            return;
        }
        let (mut bytes, before) = (0, out.len());
        let mut found = Vec::new();
        walk(record, &self.path, &mut |value| {
            let text = match value {
                Json::String(text) => self.part(text).map(str::to_owned),
                Json::Bool(_) | Json::Number(_) => self.part(&value.to_string()).map(str::to_owned),
                Json::Null | Json::Array(_) | Json::Object(_) => None,
            };
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                bytes += text.len();
                found.push(text);
            }
            bytes <= 4 * MOST_CARD && before + found.len() <= 2 * MOST_VALUES
        });
        match self.present {
            true => out.push(if found.is_empty() { "no" } else { "yes" }.to_owned()),
            false => out.append(&mut found),
        }
    }

    fn part<'a>(&self, text: &'a str) -> Option<&'a str> {
        let mut text = text.trim();
        if let Some(prefix) = &self.prefix {
            text = text.strip_prefix(prefix.as_str())?;
        }
        if let Some(after) = &self.after {
            text = text.split_once(after.as_str())?.1;
        }
        if let Some(before) = &self.before {
            text = text.split_once(before.as_str())?.0;
        }
        if self.without.as_ref().is_some_and(|without| text.contains(without.as_str())) {
            return None;
        }
        Some(text)
    }
}

/// Calls `each` with every scalar at the path, until it wants no more. As deep as the path and the lists at its end.
fn walk(value: &Json, path: &[String], each: &mut dyn FnMut(&Json) -> bool) -> bool {
    match value {
        // serde_json refuses what is nested deeper than 128.
        Json::Array(elements) => elements.iter().all(|element| walk(element, path, each)),
        Json::Object(members) => match path.split_first() {
            Some((name, rest)) => members.get(name).is_none_or(|value| walk(value, rest, each)),
            None => true,
        },
        scalar if path.is_empty() => each(scalar),
        _ => true,
    }
}
