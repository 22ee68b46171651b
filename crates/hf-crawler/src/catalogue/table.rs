//! A smaller table of a catalogue: chosen columns, as they are.

use std::path::Path;

use crawl_core::table::{Column, Value};
use crawl_core::{Error, Kind, Result, Staged};
use record_converter::parquet::{WriteOptions, Writer};

use super::Catalogue;
use super::columns::columns;
use crate::Repos;

/// The column that says whether a row is gone.
const GONE: &str = "gone_at";

/// Refuses names that are not those of columns, and such that come twice: before there is a catalogue.
///
/// # Errors
/// [`Kind::Config`] with the names that are most like one that is none.
pub fn check_columns(repos: Repos, names: &[String]) -> Result<()> {
    let known = columns(repos);
    for (place, name) in names.iter().enumerate() {
        if !known.iter().any(|column| column.name == name.as_str()) {
            let near = record_converter::nearest(name, known.iter().map(|column| column.name.as_ref()));
            let what = format!("a catalogue of {} has no column `{name}`", repos.name());
            return Err(Error::new(Kind::Config, what)
                .advise(format!("those most like it: {}", near.take(8).collect::<Vec<_>>().join(", "))));
        }
        if names[..place].contains(name) {
            return Err(Error::new(Kind::Config, format!("the column `{name}` is named twice")));
        }
    }
    Ok(())
}

/// Writes the columns `names`, in this order, as a table of their own; gives how many rows there are. Rows that are gone are
/// left out, unless `gone_at` is among the names and tells them apart.
///
/// # Errors
/// [`Kind::Config`] if a name is not that of a column, or comes twice; those of reading it; [`Kind::Storage`] if the
/// disk refuses.
pub fn table(
    catalogue: &Catalogue,
    names: &[String],
    to: &Path,
    compression: Option<record_converter::Compression>,
) -> Result<u64> {
    let told = names.iter().any(|name| name == GONE);
    let mut read: Vec<&str> = names.iter().map(String::as_str).collect();
    if !told {
        read.push(GONE);
    }
    let rows = catalogue.chosen(&read)?;
    let of = |name: &String| catalogue.columns().iter().find(|column| column.name == name.as_str()).cloned();
    let columns: Vec<Column> = names.iter().filter_map(of).collect();
    let options = WriteOptions { compression, ..WriteOptions::default() };
    let mut writer = Writer::new(Staged::create(to)?, &columns, &options)?;
    let mut count = 0;
    for values in rows {
        let mut values = values?;
        if told || values.pop() == Some(Value::Null) {
            writer.push(&values)?;
            count += 1;
        }
    }
    writer.finish()?.finish()?;
    Ok(count)
}
