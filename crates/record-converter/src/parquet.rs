//! Parquet: typed columns, and by default a column with each record word for word, from which it is read back.

mod field;
mod read;
mod write;

pub(crate) use read::read;
pub(crate) use write::Writer;

/// The key of the file's own metadata that names the column with the records.
const RAW_KEY: &str = "gleaner.raw";
