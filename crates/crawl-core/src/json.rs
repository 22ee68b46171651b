//! Reading JSON where it lies: members, elements and scalars as slices of text that is known to be valid.
//!
//! A [`Raw`] is only made from text that a real parser has accepted ([`split`], [`Raw::parse`]) or that this
//! crate wrote itself. On such text, skipping a value is a search for quotes and brackets; nothing is copied
//! and nothing is parsed that nobody asked for. On other text the readers give `None` and never panic.

use std::borrow::Cow;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::{Error, Kind, Result};

/// Splits the text of a JSON array into its elements, without copying.
///
/// # Errors
/// [`Kind::Shape`] if the body is not one valid JSON array in UTF-8; the first 2 KB of it are in the cause.
pub fn split(body: &Bytes) -> Result<Vec<Bytes>> {
    let elements: Vec<&RawValue> = serde_json::from_slice(body).map_err(|cause| not_json(body, &cause))?;
    Ok(elements.into_iter().map(|element| body.slice_ref(element.get().as_bytes())).collect())
}

/// The [`Kind::Shape`] error for a body that is not the JSON we expect, with the beginning of that body.
pub fn not_json(body: &[u8], cause: &serde_json::Error) -> Error {
    let head = String::from_utf8_lossy(&body[..body.len().min(2048)]).into_owned();
    Error::new(Kind::Shape, format!("the answer is not the JSON we expect ({cause})"))
        .because(format!("the answer begins: {head}"))
}

/// One JSON value as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raw<'a>(&'a [u8]);

impl<'a> Raw<'a> {
    /// Takes `text` if it is one valid JSON value.
    ///
    /// # Errors
    /// [`Kind::Shape`] if it is not.
    pub fn parse(text: &'a [u8]) -> Result<Self> {
        let raw: &RawValue = serde_json::from_slice(text).map_err(|cause| not_json(text, &cause))?;
        Ok(Raw(raw.get().as_bytes()))
    }

    /// Takes text that is already known to be one valid JSON value.
    pub(crate) fn known(text: &'a [u8]) -> Self {
        Raw(text.trim_ascii())
    }

    /// The text.
    pub fn text(self) -> &'a str {
        std::str::from_utf8(self.0).unwrap_or_default()
    }

    /// Whether it is `null`.
    pub fn is_null(self) -> bool {
        self.0 == b"null"
    }

    /// Whether it is a string.
    pub fn is_str(self) -> bool {
        self.0.first() == Some(&b'"')
    }

    /// The string, unescaped; borrowed when it holds no escapes. `None` for a number: [`Raw::text`] spells any scalar.
    pub fn str(self) -> Option<Cow<'a, str>> {
        let inner = self.0.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        if memchr::memchr(b'\\', inner).is_none() {
            return std::str::from_utf8(inner).ok().map(Cow::Borrowed);
        }
        serde_json::from_slice::<String>(self.0).ok().map(Cow::Owned)
    }

    /// The boolean.
    pub fn bool(self) -> Option<bool> {
        match self.0 {
            b"true" => Some(true),
            b"false" => Some(false),
            _ => None,
        }
    }

    /// The number, if it is a whole one that fits.
    pub fn u64(self) -> Option<u64> {
        self.number()?.parse().ok()
    }

    /// The number.
    pub fn f64(self) -> Option<f64> {
        self.number()?.parse().ok()
    }

    fn number(self) -> Option<&'a str> {
        let first = *self.0.first()?;
        (first == b'-' || first.is_ascii_digit()).then(|| self.text())
    }

    /// The members of the object, in order; `None` if it is not an object.
    pub fn members(self) -> Option<Members<'a>> {
        self.0.strip_prefix(b"{").map(Members)
    }

    /// The elements of the array, in order; `None` if it is not an array.
    pub fn elements(self) -> Option<Elements<'a>> {
        self.0.strip_prefix(b"[").map(Elements)
    }

    /// The member of that name of the object; of several, the first.
    pub fn get(self, name: &str) -> Option<Raw<'a>> {
        self.members()?.find(|(key, _)| key.is(name)).map(|(_, value)| value)
    }

    /// Reads it as any type.
    ///
    /// # Errors
    /// Those of `serde_json`.
    pub fn to<T: DeserializeOwned>(self) -> serde_json::Result<T> {
        serde_json::from_slice(self.0)
    }
}

/// The name of a member as it is spelled in the text.
#[derive(Clone, Copy, Debug)]
pub struct Key<'a>(&'a [u8]);

impl<'a> Key<'a> {
    /// Whether this is the name, however it is escaped.
    pub fn is(self, name: &str) -> bool {
        self.0 == name.as_bytes() || (memchr::memchr(b'\\', self.0).is_some() && self.name() == name)
    }

    /// The bytes between the quotes, still escaped: enough for a `match` on plain names.
    pub fn bytes(self) -> &'a [u8] {
        self.0
    }

    /// The name, unescaped.
    pub fn name(self) -> Cow<'a, str> {
        if memchr::memchr(b'\\', self.0).is_none() {
            return String::from_utf8_lossy(self.0);
        }
        let quoted = [b"\"", self.0, b"\""].concat();
        Cow::Owned(serde_json::from_slice(&quoted).unwrap_or_default())
    }
}

/// The members of an object. See [`Raw::members`].
#[derive(Clone, Debug)]
pub struct Members<'a>(&'a [u8]);

impl<'a> Iterator for Members<'a> {
    type Item = (Key<'a>, Raw<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let at = start(self.0);
        let end = string_end(at)?;
        let key = Key(&at[1..end - 1]);
        let value = start(&at[end..]);
        let end = value_end(value)?;
        self.0 = &value[end..];
        Some((key, Raw(&value[..end])))
    }
}

/// The elements of an array. See [`Raw::elements`].
#[derive(Clone, Debug)]
pub struct Elements<'a>(&'a [u8]);

impl<'a> Iterator for Elements<'a> {
    type Item = Raw<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let at = start(self.0);
        if at.first()? == &b']' {
            return None;
        }
        let end = value_end(at)?;
        self.0 = &at[end..];
        Some(Raw(&at[..end]))
    }
}

/// Skips white space and the separators before a name or a value.
fn start(text: &[u8]) -> &[u8] {
    let skip = text.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b',' | b':'));
    &text[skip.unwrap_or(text.len())..]
}

/// Where the string that begins at 0 ends, behind its closing quote.
fn string_end(text: &[u8]) -> Option<usize> {
    if text.first()? != &b'"' {
        return None;
    }
    let mut at = 1;
    loop {
        at += quote_or_escape(text.get(at..)?)?;
        if text[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// Where the value that begins at 0 ends.
fn value_end(text: &[u8]) -> Option<usize> {
    match text.first()? {
        b'"' => string_end(text),
        b'{' | b'[' => nested_end(text),
        b'}' | b']' => None,
        _ => {
            let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r');
            Some(text.iter().position(ends).unwrap_or(text.len()))
        }
    }
}

fn nested_end(text: &[u8]) -> Option<usize> {
    let mut nest = Nest::default();
    let (words, rest) = text.as_chunks::<8>();
    for (index, bytes) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*bytes);
        if nest.escaped || equal(word, b'\\') != 0 {
            if let Some(end) = bytes.iter().position(|byte| nest.ends_at(*byte)) {
                return Some(index * 8 + end + 1);
            }
            continue;
        }
        // With this bit set, `[` is `{` and `]` is `}`. What is marked wrongly is passed over by `ends_at`.
        let low = word | (ONES * 0x20);
        let mut marked = equal(word, b'"') | equal(low, b'{') | equal(low, b'}');
        while marked != 0 {
            let at = marked.trailing_zeros() as usize / 8;
            if nest.ends_at(bytes[at]) {
                return Some(index * 8 + at + 1);
            }
            marked &= marked - 1;
        }
    }
    Some(words.len() * 8 + rest.iter().position(|byte| nest.ends_at(*byte))? + 1)
}

/// Where in nested values a reader is.
#[derive(Default)]
struct Nest {
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Nest {
    /// Takes the next byte that matters; whether it closes the outermost value.
    fn ends_at(&mut self, byte: u8) -> bool {
        if std::mem::take(&mut self.escaped) {
            return false;
        }
        match byte {
            b'"' => self.in_string = !self.in_string,
            b'\\' => self.escaped = self.in_string,
            b'{' | b'[' if !self.in_string => self.depth += 1,
            b'}' | b']' if !self.in_string => {
                self.depth = self.depth.saturating_sub(1);
                return self.depth == 0;
            }
            _ => {}
        }
        false
    }
}

// Eight bytes at a time: most names and values are short, and starting a vector search costs more than it saves.

const ONES: u64 = u64::from_ne_bytes([1; 8]);
const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);

/// Has the high bit set in every byte that is `byte`, in none below the lowest of them, and perhaps in some above.
const fn equal(word: u64, byte: u8) -> u64 {
    let zero_there = word ^ (ONES * byte as u64);
    zero_there.wrapping_sub(ONES) & !zero_there & HIGHS
}

fn quote_or_escape(text: &[u8]) -> Option<usize> {
    const NEAR: usize = 64;
    let near = &text[..text.len().min(NEAR)];
    let found =
        first(near, |word| equal(word, b'"') | equal(word, b'\\'), |byte| matches!(byte, b'"' | b'\\'));
    found.or_else(|| Some(NEAR + memchr::memchr2(b'"', b'\\', text.get(NEAR..)?)?))
}

/// The first place that `marks` marks in eight bytes, or that `is` accepts in the rest.
fn first(text: &[u8], marks: impl Fn(u64) -> u64, is: impl Fn(u8) -> bool) -> Option<usize> {
    let (words, rest) = text.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let marked = marks(u64::from_le_bytes(*word));
        if marked != 0 {
            return Some(index * 8 + marked.trailing_zeros() as usize / 8);
        }
    }
    Some(words.len() * 8 + rest.iter().position(|byte| is(*byte))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_elements_and_scalars_are_read_where_they_lie() {
        let text = br#" {"a" : 1 , "b\"c":[ "x", {"y":"]}"} , [] ],"d":"\u00e9\\","e":null,"f":-2.5,"g":true,"h":{}} "#;
        let raw = Raw::parse(text).unwrap();
        let names: Vec<_> = raw.members().unwrap().map(|(key, _)| key.name().into_owned()).collect();
        assert_eq!(names, ["a", "b\"c", "d", "e", "f", "g", "h"]);
        assert_eq!(raw.get("a").unwrap().u64(), Some(1));
        let list: Vec<_> = raw.get("b\"c").unwrap().elements().unwrap().map(Raw::text).collect();
        assert_eq!(list, ["\"x\"", "{\"y\":\"]}\"}", "[]"]);
        assert_eq!(raw.get("d").unwrap().str().unwrap(), "é\\");
        assert!(raw.get("e").unwrap().is_null());
        assert_eq!(raw.get("f").unwrap().f64(), Some(-2.5));
        assert_eq!(raw.get("f").unwrap().u64(), None);
        assert_eq!(raw.get("g").unwrap().bool(), Some(true));
        assert_eq!(raw.get("h").unwrap().members().unwrap().count(), 0);
        assert!(raw.get("z").is_none());
    }

    #[test]
    fn text_that_is_not_json_gives_none_and_never_panics() {
        for text in
            ["", "{", "{\"a", "{\"a\"", "{\"a\":", "[", "[1", "{\"a\":[}", "}", "\"\\", "[\"\\\"", "{]", "[}"]
        {
            let raw = Raw::known(text.as_bytes());
            let _ = raw.members().map(Iterator::count);
            let _ = raw.elements().map(Iterator::count);
            let _ = (raw.str(), raw.bool(), raw.u64(), raw.f64(), raw.get("a"));
        }
    }

    #[test]
    fn a_body_that_is_not_an_array_is_an_error_with_its_beginning() {
        let error = split(&Bytes::from_static(b"<html>busy</html>")).unwrap_err();
        assert_eq!(error.kind(), Kind::Shape);
        assert!(format!("{error:?}").contains("<html>busy"));
        assert!(split(&Bytes::from_static(b"[\"\xff\"]")).is_err());
    }
}
