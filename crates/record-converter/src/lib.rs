//! Converts records between JSONL, Excel and tables (CSV, Parquet, Avro) without loss.
//!
//! JSONL of any size becomes a workbook or a table in constant memory (two looks at the input: one for the columns, one
//! to write), and comes back as the same JSON values. How a cell tells which value it holds is in
//! `docs/record-converter.md`.

mod avro;
mod book;
pub mod card;
mod cell;
mod columns;
mod convert;
mod csv;
mod foreign;
mod lines;
mod listing;
mod losses;
mod meta;
mod names;
mod number;
mod output;
mod packed;
pub mod parquet;
mod partitions;
mod pickle;
mod report;
mod request;
mod select;
mod sorted;
mod staged;
mod summary;
mod supply;
mod table;
mod typed;
mod unpack;
mod workbook;
mod xlsx;
mod xml;

pub use convert::convert;
pub use lines::{BadLine, cannot_read};
pub use losses::LostCell;
pub use names::nearest;
pub use request::{Compression, Input, MAX_SHEET_ROWS, Options, Output, Request};
pub use summary::Summary;
pub use unpack::unpacked;
