//! Files of records: a record a line, and tables.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;

use crawl_core::table::{Type, Value};
use crawl_core::{Error, Kind as Why, Result};
use serde_json::Value as Json;

use super::Reading;
use crate::mapping::Mapping;

/// A longer line of a file is no record.
const MOST_LINE: usize = 64 << 20;

impl<'a> Reading<'a> {
    pub(super) fn lines(&mut self, path: &Path) -> Result<()> {
        let mapping = self.mapping_of_file(path)?;
        let place = path.display().to_string();
        let failed = |cause| record_converter::cannot_read(&place, cause);
        let file = File::open(path).map_err(|cause| Error::io("cannot read the file", path, cause))?;
        let mut file = BufReader::with_capacity(1 << 18, record_converter::unpacked(file));
        let (mut line, mut row) = (Vec::new(), 0);
        loop {
            line.clear();
            let read =
                file.by_ref().take(MOST_LINE as u64 + 1).read_until(b'\n', &mut line).map_err(failed)?;
            if read == 0 {
                return Ok(());
            }
            row += 1;
            if line.len() > MOST_LINE {
                self.missing(&place, row, format!("the line is longer than {MOST_LINE} bytes"));
                file.skip_until(b'\n').map_err(failed)?;
            } else if !line.trim_ascii().is_empty() {
                self.take(&place, row, &line, mapping)?;
            }
            if row % self.part_rows() == 0 {
                self.part()?;
            }
            if self.ends() {
                return Ok(());
            }
        }
    }

    pub(super) fn table(&mut self, path: &Path) -> Result<()> {
        let table = record_converter::parquet::Reader::open(path)?;
        let has = |name: &str| table.columns().iter().any(|column| column.name == name);
        let fits =
            |mapping: &&Mapping| !mapping.table.is_empty() && mapping.table.iter().all(|column| has(column));
        let mapping = match self.inputs.mappings.iter().find(fits) {
            Some(mapping) => mapping,
            None => self.mapping_of_file(path)?,
        };
        let members: Vec<&str> = mapping.members().into_iter().filter(|name| has(name)).collect();
        let json: Vec<bool> = members
            .iter()
            .map(|name| {
                table.columns().iter().any(|column| column.name == *name && column.kind == Type::Json)
            })
            .collect();
        let place = path.display().to_string();
        let mut number = 0;
        for row in table.rows(&members)? {
            number += 1;
            let values = members.iter().zip(&json).zip(row?);
            let record =
                values.map(|((name, json), value)| ((*name).to_owned(), in_json(value, *json))).collect();
            self.record(&place, number, &Json::Object(record), mapping)?;
            if number % self.part_rows() == 0 {
                self.part()?;
            }
            if self.ends() {
                break;
            }
        }
        Ok(())
    }

    fn mapping_of_file(&self, path: &Path) -> Result<&'a Mapping> {
        match self.inputs.mappings.as_slice() {
            [only] => Ok(only),
            _ => Err(Error::new(Why::Config, "which fields of this file are what?")
                .at(path.display().to_string())
                .advise("name one mapping, such as --mapping hf-models")),
        }
    }
}

/// A value of a table as a record would have it.
fn in_json(value: Value<'_>, json: bool) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Int(number) => number.into(),
        Value::Float(number) => number.into(),
        Value::Bool(truth) => truth.into(),
        Value::Text(text) if json => serde_json::from_str(&text).unwrap_or_else(|_| text.into()),
        Value::Text(text) => text.into(),
        Value::Texts(texts) => texts.into_iter().map(Json::from).collect(),
        Value::Time(time) => time.to_string().into(),
    }
}
