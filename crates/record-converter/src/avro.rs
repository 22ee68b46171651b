//! Avro: typed columns, and by default a field with each record word for word, from which it is read back.
//!
//! Read and written here: the library at hand takes a text that is cut short for null, and unpacks blocks of any size.

mod block;
mod decode;
mod read;
mod schema;
mod write;

pub(crate) use read::read;
pub(crate) use write::Writer;

/// What a file begins with.
const MAGIC: &[u8; 4] = b"Obj\x01";
/// Marks the field with the records word for word.
const RAW_KEY: &str = "gleaner.raw";
/// The key of a field whose name Avro does not allow.
const NAME_KEY: &str = "gleaner.key";
/// Marks a field whose texts are JSON.
const JSON_KEY: &str = "gleaner.json";
