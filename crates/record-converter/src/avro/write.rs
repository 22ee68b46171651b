//! Writing Avro, a block at a time.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufWriter, Write};

use crawl_core::table::{Column, Type, Value};
use crawl_core::{Error, Kind, Result};
use serde_json::{Value as Json, json};

use super::block::{Codec, pack};
use super::{JSON_KEY, MAGIC, NAME_KEY, RAW_KEY};
use crate::convert::not_written;
use crate::request::Compression;

/// A block ends at so many bytes before they are compressed.
const BLOCK: usize = 256 << 10;

/// An Avro file being written.
pub(crate) struct Writer<W: Write> {
    to: BufWriter<W>,
    codec: Codec,
    sync: [u8; 16],
    raw: bool,
    rows: i64,
    block: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// Begins a file with these columns; `raw` names one more, with the records word for word.
    ///
    /// # Errors
    /// [`Kind::Storage`] if the disk refuses.
    pub(crate) fn new(
        to: W,
        columns: &[Column],
        raw: Option<&str>,
        compression: Option<Compression>,
    ) -> Result<Self> {
        let codec = match compression {
            None => Codec::Deflate,
            Some(Compression::Zstd) => Codec::Zstd,
            Some(Compression::Snappy) => Codec::Snappy,
            Some(Compression::None) => Codec::Null,
        };
        let mut sync = [0; 16];
        sync[..8].copy_from_slice(&RandomState::new().hash_one(0).to_le_bytes());
        sync[8..].copy_from_slice(&RandomState::new().hash_one(1).to_le_bytes());
        let mut head = MAGIC.to_vec();
        long(&mut head, 2);
        text(&mut head, "avro.schema");
        text(&mut head, &schema(columns, raw).to_string());
        text(&mut head, "avro.codec");
        text(&mut head, codec.name());
        long(&mut head, 0);
        head.extend_from_slice(&sync);
        let mut to = BufWriter::new(to);
        to.write_all(&head).map_err(not_written)?;
        Ok(Writer { to, codec, sync, raw: raw.is_some(), rows: 0, block: Vec::new() })
    }

    /// Adds a row with a value for each column, and the record if there is a column for it.
    ///
    /// # Errors
    /// [`Kind::Storage`] if the disk refuses.
    pub(crate) fn push(&mut self, values: &[Value<'_>], record: &str) -> Result<()> {
        for value in values {
            long(&mut self.block, i64::from(*value != Value::Null));
            match value {
                Value::Null => {}
                Value::Int(number) => long(&mut self.block, *number),
                Value::Float(number) => self.block.extend_from_slice(&number.to_le_bytes()),
                Value::Bool(truth) => self.block.push(u8::from(*truth)),
                Value::Text(value) => text(&mut self.block, value),
                Value::Time(time) => long(&mut self.block, time.as_microsecond()),
                Value::Texts(texts) => {
                    if !texts.is_empty() {
                        long(&mut self.block, texts.len() as i64);
                        texts.iter().for_each(|value| text(&mut self.block, value));
                    }
                    long(&mut self.block, 0);
                }
            }
        }
        if self.raw {
            text(&mut self.block, record);
        }
        self.rows += 1;
        if self.block.len() >= BLOCK { self.end_block() } else { Ok(()) }
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// [`Kind::Storage`] if the disk refuses.
    pub(crate) fn finish(mut self) -> Result<()> {
        if self.rows > 0 {
            self.end_block()?;
        }
        self.to.flush().map_err(not_written)
    }

    fn end_block(&mut self) -> Result<()> {
        let packed = pack(self.codec, &self.block)
            .map_err(|cause| Error::new(Kind::Storage, "cannot compress a block").because(cause))?;
        let mut head = Vec::new();
        long(&mut head, self.rows);
        long(&mut head, packed.len() as i64);
        let mut write = |bytes: &[u8]| self.to.write_all(bytes).map_err(not_written);
        write(&head)?;
        write(&packed)?;
        write(&self.sync)?;
        self.rows = 0;
        self.block.clear();
        Ok(())
    }
}

fn schema(columns: &[Column], raw: Option<&str>) -> Json {
    let mut taken = HashSet::new();
    let mut fields = Vec::new();
    for Column { name: key, kind } in columns {
        let name = allowed(key, &mut taken);
        let base = match kind {
            Type::Int => json!("long"),
            Type::Float => json!("double"),
            Type::Bool => json!("boolean"),
            Type::Text | Type::Json => json!("string"),
            Type::Texts => json!({"type": "array", "items": "string"}),
            Type::Time => json!({"type": "long", "logicalType": "timestamp-micros"}),
        };
        let mut field = json!({"name": name, "type": ["null", base], "default": null});
        if name != *key {
            field[NAME_KEY] = key.as_ref().into();
        }
        if *kind == Type::Json {
            field[JSON_KEY] = true.into();
        }
        fields.push(field);
    }
    if let Some(raw) = raw {
        let mut field = json!({"name": allowed(raw, &mut taken), "type": "string"});
        field[RAW_KEY] = true.into();
        fields.push(field);
    }
    json!({"type": "record", "name": "record", "namespace": "gleaner", "fields": fields})
}

/// A name as Avro allows them: ASCII letters, digits and `_`, no digit in front, none twice.
fn allowed(key: &str, taken: &mut HashSet<String>) -> String {
    let mut name: String =
        key.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect();
    if !name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') {
        name.insert(0, '_');
    }
    let plain = name.clone();
    let mut number = 1;
    while !taken.insert(name.clone()) {
        number += 1;
        name = format!("{plain}_{number}");
    }
    name
}

/// A whole number, zigzag, seven bits a byte.
fn long(to: &mut Vec<u8>, number: i64) {
    let mut left = ((number << 1) ^ (number >> 63)) as u64;
    while left >= 0x80 {
        to.push((left as u8) | 0x80);
        left >>= 7;
    }
    to.push(left as u8);
}

fn text(to: &mut Vec<u8>, text: &str) {
    long(to, text.len() as i64);
    to.extend_from_slice(text.as_bytes());
}
