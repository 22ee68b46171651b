//! Parquet: tables with typed columns. [`Writer`] makes one of rows, [`Reader`] gives rows of chosen columns; both keep
//! a row group or less in memory. Records that the converter writes have one more column, with each record word for word.

mod chunk;
mod field;
mod hint;
mod int96;
mod lines;
mod reader;
mod writer;

pub(crate) use lines::read;
pub use reader::{Reader, Rows};
pub use writer::{WriteOptions, Writer};

/// The key of the file's own metadata that names the column with the records.
const RAW_KEY: &str = "gleaner.raw";
/// What stands before the name of a column of times in a key that tells how many digits of a second their texts have.
pub(crate) const DIGITS_KEY: &str = "gleaner.digits.";
