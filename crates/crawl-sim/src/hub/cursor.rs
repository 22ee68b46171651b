//! The cursor of a listing: base64 of a key-set predicate, as on the Hub. It needs no memory on the server.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::calendar::Moment;
use super::world::{Key, UNKNOWN, World};

/// Where a page starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// At the first record.
    First,
    /// After the record with this key and index.
    After { number: i64, index: u64 },
}

/// A cursor, read or to be sent.
pub(super) struct Cursor {
    pub(super) start: Start,
    /// The predicate itself.
    text: String,
}

impl Cursor {
    /// The cursor of the first page, which real listings never send; faults do.
    pub(super) fn first() -> Self {
        Self { start: Start::First, text: r#"{"start":true}"#.into() }
    }

    pub(super) fn after(world: &World, key: Key, rising: bool, index: u64, search: bool) -> Self {
        let number = world.number(key, index);
        let value = match number {
            UNKNOWN => "null".to_owned(),
            _ if key.is_moment() => format!("\"{}\"", Moment(number)),
            _ => number.to_string(),
        };
        let (name, id) = (key.name(), world.object_id(index));
        let further = if rising { "$gt" } else { "$lt" };
        let mut text = format!(r#"{{"$or":[{{"{name}":{value},"_id":{{"$gt":"{id}"}}}}"#);
        // Behind those of which nothing is known there is nothing else.
        if number != UNKNOWN {
            text.push_str(&format!(r#",{{"{name}":{{"{further}":{value}}}}}"#));
            if !rising {
                text.push_str(&format!(r#",{{"{name}":null}}"#));
            }
        }
        text.push(']');
        if search {
            text.push_str(&format!(
                r#","searchSequenceToken":"{}""#,
                STANDARD.encode(format!("{index:016x}"))
            ));
        }
        text.push('}');
        Self { start: Start::After { number, index }, text }
    }

    /// `None` for what this server never sent.
    pub(super) fn decode(world: &World, key: Key, cursor: &str) -> Option<Self> {
        let text = String::from_utf8(STANDARD.decode(cursor).ok()?).ok()?;
        let predicate: Value = serde_json::from_str(&text).ok()?;
        if predicate.get("start").is_some() {
            return Some(Self { start: Start::First, text });
        }
        let tie = predicate.get("$or")?.get(0)?;
        let index = world.index_of(tie.get("_id")?.get("$gt")?.as_str()?)?;
        let value = tie.get(key.name())?;
        let number = match value {
            Value::Null => UNKNOWN,
            _ if key.is_moment() => Moment::parse(value.as_str()?)?.0,
            _ => value.as_i64()?,
        };
        Some(Self { start: Start::After { number, index }, text })
    }

    /// The same place in other words: one mark more.
    pub(super) fn marked(&self, mark: &str) -> Self {
        let body = self.text.trim_end_matches('}');
        let closing = self.text.len() - body.len();
        let text = format!("{body}{},\"{mark}\":true}}", "}".repeat(closing - 1));
        Self { start: self.start, text }
    }

    /// Whether it was made to point at itself.
    pub(super) fn repeats(&self) -> bool {
        self.text.contains(r#""repeat":true"#)
    }

    pub(super) fn encode(&self) -> String {
        STANDARD.encode(&self.text)
    }
}

/// The cursor of a tree or of a replayed listing: a position.
pub(super) fn encode_offset(offset: usize) -> String {
    STANDARD.encode(format!(r#"{{"offset":{offset}}}"#))
}

pub(super) fn decode_offset(text: &str) -> Option<usize> {
    let value: Value = serde_json::from_slice(&STANDARD.decode(text).ok()?).ok()?;
    usize::try_from(value.get("offset")?.as_u64()?).ok()
}
