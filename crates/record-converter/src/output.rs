//! Tables that are written: one shape for all their formats.

use std::io::Write;
use std::path::Path;

use crawl_core::json::Raw;
use crawl_core::{Error, Kind, Result};

use crate::columns::{Columns, changed};
use crate::request::{Options, Output};
use crate::typed::{Type, Typed, typed};
use crate::{avro, csv, parquet};

/// A table being written.
pub(crate) enum Table<W: Write + Send> {
    Csv(csv::Writer<W>),
    Parquet(parquet::Writer<W>, Vec<Type>),
    Avro(avro::Writer<W>, Vec<Type>),
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
        let types: Vec<_> = columns.chosen().map(|column| column.column_type()).collect();
        let keys = columns.chosen().map(|column| column.key.as_str());
        let raw = raw_name(columns, options).filter(|_| !matches!(output, Output::Csv(_)));
        if types.is_empty() && raw.is_none() && columns.records() > 0 {
            return Err(Error::new(Kind::Config, "no record has any member, and a table has no columns")
                .advise("keep JSONL, or write a workbook"));
        }
        Ok(match output {
            Output::Parquet(_) => {
                let columns = keys.zip(types.iter().copied());
                let writer = parquet::Writer::new(to, columns, raw.as_deref(), options.compression)?;
                Table::Parquet(writer, types)
            }
            Output::Avro(_) => {
                let columns = keys.zip(types.iter().copied());
                let writer = avro::Writer::new(to, columns, raw.as_deref(), options.compression)?;
                Table::Avro(writer, types)
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
            Table::Parquet(writer, types) => writer.push(row(types, &values)?, record.text()),
            Table::Avro(writer, types) => writer.push(row(types, &values)?, record.text()),
        }
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// [`Kind::Storage`] if the disk refuses.
    pub(crate) fn finish(self) -> Result<()> {
        match self {
            Table::Csv(writer) => writer.finish(),
            Table::Parquet(writer, _) => writer.finish(),
            Table::Avro(writer, _) => writer.finish(),
        }
    }
}

fn row<'r>(types: &[Type], values: &[Option<Raw<'r>>]) -> Result<Vec<Typed<'r>>> {
    types.iter().zip(values).map(|(kind, value)| typed(*kind, *value).ok_or_else(changed)).collect()
}

/// The name of the column with the records: none where columns are chosen, or it is not wanted.
fn raw_name(columns: &Columns, options: &Options) -> Option<String> {
    let wanted = options.raw && options.columns.is_empty();
    let taken = |name: &String| columns.all().iter().any(|column| column.key == *name);
    let names = std::iter::once("raw".to_owned()).chain((2..).map(|number| format!("raw_{number}")));
    wanted.then(|| names.into_iter().find(|name| !taken(name))).flatten()
}
