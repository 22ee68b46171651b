//! Records to ask about, and their rows by name.

use std::collections::BTreeMap;

use crawl_core::Record;
use crawl_core::table::Value;
use model_facts::{CATALOGUE, Described, Facts, LEGACY, row};
use serde_json::Value as Json;

pub(crate) fn record(json: &Json) -> Record {
    Record::write(json).unwrap()
}

/// The row of the catalogue, by column.
pub(crate) fn catalogue(json: Json) -> Row {
    of(CATALOGUE, &json)
}

/// The row of the 37 columns, by column.
pub(crate) fn legacy(json: Json) -> Row {
    of(LEGACY, &json)
}

fn of(columns: &[Described], json: &Json) -> Row {
    let record = record(json);
    let values = row(columns, &Facts::of(&record));
    assert_eq!(values.len(), columns.len());
    Row(columns.iter().map(|own| own.name).zip(values.into_iter().map(owned)).collect())
}

fn owned(value: Value<'_>) -> Value<'static> {
    match value {
        Value::Null => Value::Null,
        Value::Int(number) => Value::Int(number),
        Value::Float(number) => Value::Float(number),
        Value::Bool(yes) => Value::Bool(yes),
        Value::Text(text) => Value::Text(text.into_owned().into()),
        Value::Texts(list) => Value::Texts(list.into_iter().map(|text| text.into_owned().into()).collect()),
        Value::Time(time) => Value::Time(time),
    }
}

pub(crate) struct Row(BTreeMap<&'static str, Value<'static>>);

impl Row {
    pub(crate) fn int(&self, name: &str) -> Option<i64> {
        match &self.0[name] {
            Value::Int(number) => Some(*number),
            Value::Null => None,
            other => panic!("{name}: {other:?}"),
        }
    }

    pub(crate) fn float(&self, name: &str) -> Option<f64> {
        match &self.0[name] {
            Value::Float(number) => Some(*number),
            Value::Null => None,
            other => panic!("{name}: {other:?}"),
        }
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match &self.0[name] {
            Value::Text(text) => Some(text),
            Value::Null => None,
            other => panic!("{name}: {other:?}"),
        }
    }

    pub(crate) fn texts(&self, name: &str) -> Vec<&str> {
        match &self.0[name] {
            Value::Texts(list) => list.iter().map(AsRef::as_ref).collect(),
            Value::Null => Vec::new(),
            other => panic!("{name}: {other:?}"),
        }
    }

    pub(crate) fn bool(&self, name: &str) -> Option<bool> {
        match &self.0[name] {
            Value::Bool(yes) => Some(*yes),
            Value::Null => None,
            other => panic!("{name}: {other:?}"),
        }
    }

    pub(crate) fn value(&self, name: &str) -> &Value<'static> {
        &self.0[name]
    }
}
