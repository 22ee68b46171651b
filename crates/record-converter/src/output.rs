//! Tables that are written: one shape for all their formats.

use std::io::Write;
use std::path::Path;

use crawl_core::json::Raw;
use crawl_core::table::{Column, Type, Value};
use crawl_core::{Error, Kind, Result};

use crate::columns::{Columns, changed};
use crate::request::{Options, Output};
use crate::typed::typed;
use crate::{avro, csv, parquet};

/// The column by which rows are looked up.
const ID: &str = "id";

/// A table being written.
pub(crate) enum Table<W: Write + Send> {
    Csv(csv::Writer<W>),
    /// And whether there is a column with the records.
    Parquet(Box<parquet::Writer<W>>, Vec<Column>, bool),
    Avro(avro::Writer<W>, Vec<Column>),
}

impl<W: Write + Send> Table<W> {
    /// Begins the table `path` of the kind that `output` is.
    ///
    /// # Errors
    /// [`Kind::Config`] if it would have no columns; [`Kind::Storage`] if the disk refuses.
    pub(crate) fn new(
        to: W,
        path: &Path,
        output: &Output,
        columns: &Columns,
        options: &Options,
    ) -> Result<Self> {
        let keys = columns.chosen().map(|column| column.key.as_str());
        let mut typed: Vec<_> =
            columns.chosen().map(|column| Column::new(column.key.clone(), column.column_type())).collect();
        let raw = raw_name(columns, options).filter(|_| !matches!(output, Output::Csv(_)));
        if typed.is_empty() && raw.is_none() && columns.records() > 0 {
            return Err(Error::new(Kind::Config, "no record has any member, and a table has no columns")
                .advise("keep JSONL, or write a workbook"));
        }
        Ok(match output {
            Output::Parquet(_) => {
                let has_id = typed.iter().any(|column| column.name == ID && column.kind != Type::Texts);
                typed.extend(raw.clone().map(|raw| Column::new(raw, Type::Json)));
                let with_raw = raw.is_some();
                // The order of JSON texts is not that of their values.
                let sorted_by = options.sort_by.clone().filter(|by| {
                    let plain = |column: &Column| !matches!(column.kind, Type::Json | Type::Texts);
                    typed.iter().any(|column| column.name == *by && plain(column))
                });
                let digits = columns.chosen().filter_map(|column| {
                    Some((format!("{}{}", parquet::DIGITS_KEY, column.key), column.digits()?.to_string()))
                });
                let options = parquet::WriteOptions {
                    sorted_by,
                    metadata: digits.collect(),
                    compression: options.compression,
                    bloom: has_id.then(|| ID.to_owned()).into_iter().collect(),
                    raw,
                    raw_beside: false,
                };
                let writer = parquet::Writer::new(to, &typed, &options)?;
                if with_raw {
                    typed.pop();
                }
                Table::Parquet(Box::new(writer), typed, with_raw)
            }
            Output::Avro(_) => {
                // Avro keeps texts of times as they are spelled.
                for column in typed.iter_mut().filter(|column| column.kind == Type::Time) {
                    column.kind = Type::Text;
                }
                let writer = avro::Writer::new(to, &typed, raw.as_deref(), options.compression)?;
                Table::Avro(writer, typed)
            }
            _ => Table::Csv(csv::Writer::new(to, options.delimiter_of(path), keys)?),
        })
    }

    /// Writes a record as a row.
    ///
    /// # Errors
    /// [`Kind::Config`] if the first look did not see such a record; [`Kind::Storage`] if the
    /// disk refuses.
    pub(crate) fn push(&mut self, record: Raw<'_>, columns: &Columns) -> Result<()> {
        let values = columns.spread(record)?;
        match self {
            Table::Csv(writer) => writer.push(&values),
            Table::Parquet(writer, columns, with_raw) => {
                let mut values = row(columns, &values)?;
                values.extend(with_raw.then(|| Value::Text(record.text().into())));
                writer.push(&values)
            }
            Table::Avro(writer, columns) => writer.push(&row(columns, &values)?, record.text()),
        }
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// [`Kind::Storage`] if the disk refuses.
    pub(crate) fn finish(self) -> Result<()> {
        match self {
            Table::Csv(writer) => writer.finish(),
            Table::Parquet(writer, ..) => writer.finish().map(drop),
            Table::Avro(writer, _) => writer.finish(),
        }
    }
}

fn row<'r>(columns: &[Column], values: &[Option<Raw<'r>>]) -> Result<Vec<Value<'r>>> {
    columns.iter().zip(values).map(|(column, value)| typed(column.kind, *value).ok_or_else(changed)).collect()
}

/// The name of the column with the records: none where columns are chosen, or it is not wanted.
fn raw_name(columns: &Columns, options: &Options) -> Option<String> {
    let taken = |name: &String| columns.all().iter().any(|column| column.key == *name);
    let names = std::iter::once("raw".to_owned()).chain((2..).map(|number| format!("raw_{number}")));
    options.has_raw().then(|| names.into_iter().find(|name| !taken(name))).flatten()
}

/// All columns of a table, with that of the records.
pub(crate) fn all_columns(output: &Output, columns: &Columns, options: &Options) -> Vec<Column> {
    let raw = raw_name(columns, options).filter(|_| !matches!(output, Output::Csv(_)));
    let typed = columns.chosen().map(|column| Column::new(column.key.clone(), column.column_type()));
    typed.chain(raw.map(|raw| Column::new(raw, Type::Json))).collect()
}
