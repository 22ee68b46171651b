//! Records, and the typed views of them: a file a service.

pub mod conversation;
mod field;
mod hf;
mod hf_model;

use bytes::Bytes;
use serde::Serialize;

use crate::Result;
use crate::json::{Raw, not_json};

pub use conversation::Conversation;
pub use field::{Census, Field};
pub use hf::HfDataset;
pub use hf_model::{Gguf, HfModel, Safetensors};

/// One thing a source told us: a JSON value on one line, word for word as it came. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record(Bytes);

impl Record {
    /// Takes one valid JSON value; line breaks between its tokens become spaces, nothing else changes.
    ///
    /// # Errors
    /// [`crate::Kind::Shape`] if it is not valid JSON.
    pub fn parse(text: impl Into<Bytes>) -> Result<Self> {
        let text = text.into();
        Raw::parse(&text)?;
        Ok(Record::known(text))
    }

    /// Writes a value as a record.
    ///
    /// # Errors
    /// [`crate::Kind::Shape`] if the value cannot be written as JSON.
    pub fn write(value: &impl Serialize) -> Result<Self> {
        serde_json::to_vec(value).map(|text| Record(text.into())).map_err(|cause| not_json(b"", &cause))
    }

    /// Takes text that is already known to be one valid JSON value: it was checked, such as an element of
    /// [`crate::json::split`], or made of such. It is not checked again.
    pub fn known(text: Bytes) -> Self {
        // In valid JSON a raw line break can only stand between tokens.
        if memchr::memchr2(b'\n', b'\r', &text).is_none() {
            return Record(text);
        }
        let space = |byte: &u8| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte };
        Record(text.iter().map(space).collect())
    }

    /// The elements of a JSON array as records, without copying.
    ///
    /// # Errors
    /// [`crate::Kind::Shape`] if the body is not one valid JSON array in UTF-8.
    pub fn split(body: &Bytes) -> Result<Vec<Record>> {
        Ok(crate::json::split(body)?.into_iter().map(Record::known).collect())
    }

    /// This record with the members of `more`, which must be written as an object, behind its own. Its own text
    /// stays word for word.
    ///
    /// # Errors
    /// [`crate::Kind::Shape`] if this record or `more` is not an object.
    pub fn with_members(&self, more: &impl Serialize) -> Result<Record> {
        let no_object = || crate::Error::new(crate::Kind::Shape, "only objects have members");
        let more = Record::write(more)?;
        let more = more.0.strip_prefix(b"{").ok_or_else(no_object)?;
        let own = self.0.trim_ascii_end().strip_suffix(b"}").ok_or_else(no_object)?.trim_ascii_end();
        let comma: &[u8] = if own == b"{" || more == b"}" { b"" } else { b"," };
        Ok(Record([own, comma, more].concat().into()))
    }

    /// The text, one line.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The JSON value.
    pub fn raw(&self) -> Raw<'_> {
        Raw::known(&self.0)
    }
}

/// A copy of a part of an answer, such as a row of a list that stands within an object.
impl From<Raw<'_>> for Record {
    fn from(raw: Raw<'_>) -> Self {
        Record::known(Bytes::copy_from_slice(raw.text().as_bytes()))
    }
}
