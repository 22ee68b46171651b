//! Notebooks of nbformat 2 to 4: the cells one after the other as they stand in the JSON, never all at once.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::language::Language;
use super::repair::repaired;
use super::{Flags, Found, Hints, ipython, r};

/// What a pass over a notebook wants to know.
trait Pass {
    /// A list of cells begins. False ends the pass.
    fn begins(&mut self) -> bool;
    fn wants_cells(&self) -> bool;
    fn cell(&mut self, raw: &str);
    fn metadata(&mut self, raw: &str);
}

/// Whether `text` is a JSON object with a list `cells` or `worksheets`.
pub(super) fn is_one(text: &str) -> bool {
    struct Look(bool);
    impl Pass for Look {
        fn begins(&mut self) -> bool {
            self.0 = true;
            false
        }
        fn wants_cells(&self) -> bool {
            false
        }
        fn cell(&mut self, _: &str) {}
        fn metadata(&mut self, _: &str) {}
    }
    if !text.trim_ascii_start().starts_with('{') {
        return false;
    }
    let mut look = Look(false);
    if run(text, &mut look).is_err() && !look.0 {
        // What stands before the cells may be what Python's reader takes and JSON does not know.
        let _ = run(&repaired(text), &mut look);
    }
    look.0
}

/// Reads every cell; the answer is the language of the notebook.
pub(super) fn read(text: &str, hints: &Hints<'_>, found: &mut Found) -> Option<Language> {
    let mut head = Head::default();
    let mut text = Cow::Borrowed(text);
    let mut outcome = run(&text, &mut head);
    if outcome.is_err() {
        // Python's reader takes NaN, control characters and halves of surrogate pairs.
        text = Cow::Owned(repaired(&text));
        head = Head::default();
        outcome = run(&text, &mut head);
    }
    match outcome {
        Ok(false) => {}
        Ok(true) => found.warn("data behind the notebook's JSON was not read".into()),
        Err(error) => found.warn(format!("the notebook's JSON breaks: {error}; what comes before was read")),
    }
    let language = head.language.or_else(|| Language::hinted(hints)).or_else(|| {
        let mut looks = Looks::default();
        let _ = run(&text, &mut looks);
        let sniffed = Language::sniffed(&looks.0)?;
        found.warn(format!("the language is guessed from the text: {}", sniffed.word()));
        Some(sniffed)
    });
    match &language {
        Some(Language::Other(name)) => found.warn(format!("{name} is not a language whose imports are read")),
        None => found.warn("the language is not known; no imports were read".into()),
        Some(language) => {
            if head.irkernel && *language == Language::R {
                found.r("IRkernel", Flags { implied: true, ..Flags::default() });
            }
            let _ = run(&text, &mut Cells { language, found, at: 0 });
        }
    }
    language
}

/// The first pass: what the metadata says, wherever it stands.
#[derive(Default)]
struct Head {
    language: Option<Language>,
    irkernel: bool,
}

impl Pass for Head {
    fn begins(&mut self) -> bool {
        true
    }
    fn wants_cells(&self) -> bool {
        false
    }
    fn cell(&mut self, _: &str) {}
    fn metadata(&mut self, raw: &str) {
        #[derive(Deserialize)]
        struct Metadata<'a> {
            #[serde(borrow, default)]
            kernelspec: Option<&'a RawValue>,
            #[serde(borrow, default)]
            language_info: Option<&'a RawValue>,
        }
        let Ok(metadata) = serde_json::from_str::<Metadata<'_>>(raw) else { return };
        let spec = metadata.kernelspec.map(|raw| named(raw.get())).unwrap_or_default();
        let info = metadata.language_info.map(|raw| named(raw.get())).unwrap_or_default();
        self.irkernel = spec.name.as_deref() == Some("ir");
        let words = [spec.language, info.name, spec.name];
        self.language = words.iter().flatten().find_map(|word| Language::named(word));
    }
}

#[derive(Default)]
struct Named {
    name: Option<String>,
    language: Option<String>,
}

/// `name` and `language` of an object, as far as they are strings.
fn named(raw: &str) -> Named {
    #[derive(Deserialize)]
    struct Raw<'a> {
        #[serde(borrow, default)]
        name: Option<&'a RawValue>,
        #[serde(borrow, default)]
        language: Option<&'a RawValue>,
    }
    let word = |raw: Option<&RawValue>| raw.and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
    serde_json::from_str::<Raw<'_>>(raw)
        .map(|raw| Named { name: word(raw.name), language: word(raw.language) })
        .unwrap_or_default()
}

/// A pass that gathers code to guess its language from.
#[derive(Default)]
struct Looks(String);

impl Pass for Looks {
    fn begins(&mut self) -> bool {
        self.0.len() < 1 << 20
    }
    fn wants_cells(&self) -> bool {
        self.0.len() < 1 << 20
    }
    fn cell(&mut self, raw: &str) {
        if let Ok(Some(cell)) = code(raw) {
            self.0.push_str(&cell.source);
            self.0.push('\n');
        }
    }
    fn metadata(&mut self, _: &str) {}
}

/// The pass that reads.
struct Cells<'a> {
    language: &'a Language,
    found: &'a mut Found,
    at: usize,
}

impl Pass for Cells<'_> {
    fn begins(&mut self) -> bool {
        true
    }
    fn wants_cells(&self) -> bool {
        true
    }
    fn cell(&mut self, raw: &str) {
        self.at += 1;
        let cell = match code(raw).or_else(|_| code(&repaired(raw))) {
            Ok(Some(cell)) => cell,
            Ok(None) => return,
            Err(what) => return self.found.warn(format!("cell {}: {what}; it was not read", self.at)),
        };
        let place = format!("cell {}", self.at);
        match cell.language.as_ref().unwrap_or(self.language) {
            Language::Python => ipython::cell(&cell.source, &place, self.found),
            Language::R => r::cell(&cell.source, &place, self.found),
            Language::Other(name) => {
                self.found.warn(format!("{place}: {name} is not a language whose imports are read"));
            }
        }
    }
    fn metadata(&mut self, _: &str) {}
}

struct Code {
    source: String,
    /// nbformat 3 names the language of each cell.
    language: Option<Language>,
}

/// The source of a code cell; `None` for prose.
fn code(raw: &str) -> Result<Option<Code>, String> {
    #[derive(Deserialize)]
    struct Cell<'a> {
        #[serde(borrow, default)]
        cell_type: Option<Cow<'a, str>>,
        #[serde(borrow, default)]
        source: Option<&'a RawValue>,
        #[serde(borrow, default)]
        input: Option<&'a RawValue>,
        #[serde(borrow, default)]
        language: Option<&'a RawValue>,
    }
    if !raw.starts_with('{') {
        return Err("not an object".into());
    }
    let cell: Cell<'_> = serde_json::from_str(raw).map_err(|error| format!("not a cell ({error})"))?;
    match cell.cell_type.as_deref() {
        Some("code") => {}
        Some(_) => return Ok(None),
        None => return Err("no cell_type".into()),
    }
    let Some(source) = cell.source.or(cell.input) else { return Err("no source".into()) };
    let source = match source.get().as_bytes().first() {
        Some(b'"') => serde_json::from_str(source.get()),
        _ => serde_json::from_str::<Vec<Cow<'_, str>>>(source.get()).map(|lines| lines.concat()),
    }
    .map_err(|_| "its source is neither a text nor a list of lines".to_owned())?;
    let language = cell.language.and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
    Ok(Some(Code { source, language: language.and_then(|name| Language::named(&name)) }))
}

/// One pass over the first JSON value of `text`; true if something follows it.
fn run(text: &str, pass: &mut dyn Pass) -> serde_json::Result<bool> {
    let mut reader = serde_json::Deserializer::from_str(text);
    Object { pass, inside: false }.deserialize(&mut reader)?;
    Ok(reader.end().is_err())
}

/// A notebook , or a worksheet inside one.
struct Object<'a> {
    pass: &'a mut dyn Pass,
    inside: bool,
}

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = ();
    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a notebook")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match &*key {
                "cells" => map.next_value_seed(List { pass: &mut *self.pass, sheets: false })?,
                "worksheets" if !self.inside => {
                    map.next_value_seed(List { pass: &mut *self.pass, sheets: true })?;
                }
                "metadata" if !self.inside => {
                    let raw = map.next_value::<&'de RawValue>()?;
                    self.pass.metadata(raw.get());
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// A list of cells, or of worksheets.
struct List<'a> {
    pass: &'a mut dyn Pass,
    sheets: bool,
}

impl<'de> DeserializeSeed<'de> for List<'_> {
    type Value = ();
    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.sheets { "a list of worksheets" } else { "a list of cells" })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        if !self.pass.begins() {
            return Err(A::Error::custom("enough"));
        }
        if self.sheets {
            while list.next_element_seed(Object { pass: &mut *self.pass, inside: true })?.is_some() {}
        } else if self.pass.wants_cells() {
            while let Some(raw) = list.next_element::<&'de RawValue>()? {
                self.pass.cell(raw.get());
                if !self.pass.wants_cells() {
                    return Err(A::Error::custom("enough"));
                }
            }
        } else {
            while list.next_element::<IgnoredAny>()?.is_some() {}
        }
        Ok(())
    }
}
