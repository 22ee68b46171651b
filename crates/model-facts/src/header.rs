//! Headers at the beginning of files of weights: how they are read from a prefix of the file.

use crawl_core::{Error, Kind};
use serde::Serialize;
use serde_json::Value;

/// What a prefix of a file gave.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading<T> {
    /// The header was whole.
    Whole(T),
    /// The prefix is too short: the file's first bytes are needed, at least so many in all. It is exact for
    /// safetensors; a GGUF file tells its length only as it is read, so double the prefix, and take no less than this.
    Needs(u64),
}

/// The error for a file that is not what it claims to be: it concerns this file alone.
pub(crate) fn broken(what: impl Into<String>) -> Error {
    Error::new(Kind::Shape, what).advise("the file is damaged or made to do harm: leave it out")
}

/// The product of the dimensions, if 64 bits can count it.
pub(crate) fn elements(shape: &[u64]) -> Option<u64> {
    // A zero makes nothing of all the others, however large they are.
    if shape.contains(&0) {
        return Some(0);
    }
    shape.iter().try_fold(1, |product: u64, dimension| product.checked_mul(*dimension))
}

/// A header as a JSON object with a path.
pub(crate) fn named(header: &impl Serialize, path: &str) -> Value {
    // Numbers, texts, lists and maps with text keys are always JSON.
    let mut value = serde_json::to_value(header).unwrap_or_default();
    if let Some(members) = value.as_object_mut() {
        members.insert("path".into(), path.into());
    }
    value
}
