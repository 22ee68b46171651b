//! Reading the XML of strangers: no piece is larger, and no element deeper, than a workbook needs.

use std::io::{self, BufRead, BufReader, Read};

use quick_xml::XmlVersion;
use quick_xml::encoding::DecodingReader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::reader::Reader;

use super::Fault;

/// The most bytes of one piece of XML: a text, a tag with its attributes, a comment.
pub(crate) const MAX_PIECE: usize = 64 << 20;
/// Workbooks nest about ten elements.
const MAX_DEPTH: u32 = 100;
const BUFFER: usize = 64 << 10;

/// One part of a workbook, event by event. An empty element is a start and an end.
pub(crate) struct Xml<'a> {
    reader: Reader<Meter<'a>>,
    piece: Vec<u8>,
    depth: u32,
}

impl<'a> Xml<'a> {
    /// Reads from `part`, which is UTF-8 or UTF-16.
    ///
    /// # Errors
    /// If nothing can be read.
    pub(crate) fn new(part: impl Read + 'a) -> Result<Self, Fault> {
        Self::up_to(u64::MAX, part)
    }

    /// As [`Xml::new`], of a part that is small in any true workbook, because it is held in memory.
    ///
    /// # Errors
    /// As [`Xml::new`]; and later, if the part is large all the same.
    pub(crate) fn small(part: impl Read + 'a) -> Result<Self, Fault> {
        Self::up_to(MAX_PIECE as u64, part)
    }

    fn up_to(most: u64, part: impl Read + 'a) -> Result<Self, Fault> {
        let mut bytes = BufReader::with_capacity(BUFFER, part);
        let wide =
            matches!(bytes.fill_buf()?, [0xFE, 0xFF, ..] | [0xFF, 0xFE, ..] | [0, b'<', ..] | [b'<', 0, ..]);
        let inner: Box<dyn BufRead + 'a> =
            if wide { Box::new(DecodingReader::new(bytes)) } else { Box::new(bytes) };
        let mut reader = Reader::from_reader(Meter { inner, left: MAX_PIECE, in_all: most });
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        config.allow_dangling_amp = true;
        Ok(Xml { reader, piece: Vec::new(), depth: 0 })
    }

    /// The next event.
    ///
    /// # Errors
    /// If this is no XML, a piece is too large or too deep, or the file cannot be read.
    pub(crate) fn next(&mut self) -> Result<Event<'_>, Fault> {
        self.piece.clear();
        self.reader.get_mut().left = MAX_PIECE;
        let event = self.reader.read_event_into(&mut self.piece)?;
        match event {
            Event::Start(_) if self.depth == MAX_DEPTH => {
                return Err("elements are nested deeper than in any workbook".into());
            }
            Event::Start(_) => self.depth += 1,
            Event::End(_) => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        Ok(event)
    }

    /// How many elements are open.
    pub(crate) fn depth(&self) -> u32 {
        self.depth
    }

    /// Appends the text of the element that has just begun, up to its end. What lies in elements within is skipped.
    pub(crate) fn text(&mut self, into: &mut String) -> Result<(), Fault> {
        let depth = self.depth;
        while self.text_piece(depth, depth, into)? {}
        Ok(())
    }

    /// Appends the text of a shared or inline string (an element with `t`, or with `r` with `t`) that has just
    /// begun, up to its end. How East Asian text is read aloud (`rPh`) is left out.
    pub(crate) fn rich_text(&mut self, into: &mut String) -> Result<(), Fault> {
        let depth = self.depth;
        loop {
            let inner = match self.next()? {
                Event::Start(element) => match element.local_name().as_ref() {
                    "t" => Inner::Text,
                    "rPh" => Inner::Aloud,
                    _ => Inner::Other,
                },
                Event::Eof => return Err(cut_short()),
                _ => Inner::Other,
            };
            match inner {
                Inner::Text => self.text(into)?,
                Inner::Aloud => self.skip()?,
                Inner::Other if self.depth < depth => return Ok(()),
                Inner::Other => {}
            }
        }
    }

    /// Goes behind the end of the element that has just begun.
    pub(crate) fn skip(&mut self) -> Result<(), Fault> {
        let depth = self.depth;
        while self.depth >= depth {
            if matches!(self.next()?, Event::Eof) {
                return Err(cut_short());
            }
        }
        Ok(())
    }

    /// Takes one event of an element at `end`; text at depth `at` is appended. `false` behind its end.
    fn text_piece(&mut self, end: u32, at: u32, into: &mut String) -> Result<bool, Fault> {
        let here = self.depth == at;
        match self.next()? {
            Event::Text(text) if here => into.push_str(&text.xml10_content()),
            Event::CData(text) if here => into.push_str(&text.xml10_content()),
            Event::GeneralRef(reference) if here => push_reference(&reference, into),
            Event::Eof => return Err(cut_short()),
            _ => {}
        }
        if into.len() > MAX_PIECE {
            return Err(format!("a text is longer than {} MiB", MAX_PIECE >> 20).into());
        }
        Ok(self.depth >= end)
    }
}

enum Inner {
    Text,
    Aloud,
    Other,
}

/// The value of an attribute, by its name without prefix.
pub(crate) fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = element.attributes();
    let found =
        attributes.with_checks(false).flatten().find(|found| found.key.local_name().as_ref() == name)?;
    let value = found.normalized_value(XmlVersion::Implicit1_0);
    Some(value.unwrap_or_else(|_| found.value.clone()).into_owned())
}

/// The error for XML that ends too early.
pub(crate) fn cut_short() -> Fault {
    "the XML ends too early".into()
}

/// Appends what `&name;` stands for. Only XML's own names are known; others stay as they are spelled, so that no
/// declaration of a stranger is ever followed.
fn push_reference(reference: &BytesRef<'_>, into: &mut String) {
    let name: &str = reference;
    match reference.resolve_char_ref() {
        Ok(Some(character)) => into.push(character),
        _ => match resolve_xml_entity(name) {
            Some(text) => into.push_str(text),
            None => {
                into.push('&');
                into.push_str(name);
                into.push(';');
            }
        },
    }
}

/// A reader that refuses to give more than what is left for one piece, and in all.
struct Meter<'a> {
    inner: Box<dyn BufRead + 'a>,
    left: usize,
    in_all: u64,
}

impl Read for Meter<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(into)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for Meter<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 || self.in_all == 0 {
            return Err(io::Error::other(format!("a piece of XML is larger than {} MiB", MAX_PIECE >> 20)));
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.left = self.left.saturating_sub(amount);
        self.in_all = self.in_all.saturating_sub(amount as u64);
        self.inner.consume(amount);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(xml: &str) -> String {
        let mut xml = Xml::new(xml.as_bytes()).unwrap();
        xml.next().unwrap();
        let mut text = String::new();
        xml.rich_text(&mut text).unwrap();
        text
    }

    #[test]
    fn a_string_is_the_text_of_its_runs_and_not_how_it_is_read_aloud() {
        let runs = "<x:si><x:r><x:rPr><x:b/></x:rPr><x:t>a &amp;&#x41;</x:t></x:r><x:r><x:t xml:space=\"preserve\"> b</x:t></x:r>";
        assert_eq!(
            text(&format!("{runs}<x:rPh sb=\"0\" eb=\"1\"><x:t>aloud</x:t></x:rPh></x:si>")),
            "a &A b"
        );
        assert_eq!(text("<si><t><![CDATA[<a>]]>\r\nb</t></si>"), "<a>\nb");
        assert_eq!(text("<si/>"), "");
    }

    #[test]
    fn an_entity_of_a_stranger_is_never_followed() {
        let mut xml =
            Xml::new(&b"<!DOCTYPE t [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><t>&x; &lt;</t>"[..])
                .unwrap();
        while !matches!(xml.next().unwrap(), Event::Start(_)) {}
        let mut text = String::new();
        xml.text(&mut text).unwrap();
        assert_eq!(text, "&x; <");
    }

    #[test]
    fn depth_and_size_are_bounded() {
        let deep = "<a>".repeat(1_000_000);
        let mut xml = Xml::new(deep.as_bytes()).unwrap();
        assert!((0..200).any(|_| xml.next().is_err()));
        let mut xml = Xml::new(io::repeat(b'x')).unwrap();
        assert!(xml.next().is_err());
        let mut xml = Xml::new((&b"<a b='"[..]).chain(io::repeat(b'x'))).unwrap();
        assert!(xml.next().is_err());
    }

    #[test]
    fn utf_16_is_read() {
        let bytes: Vec<u8> = "\u{FEFF}<?xml version=\"1.0\" encoding=\"UTF-16\"?><t>é</t>"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let mut xml = Xml::new(bytes.as_slice()).unwrap();
        while !matches!(xml.next().unwrap(), Event::Start(_)) {}
        let mut text = String::new();
        xml.text(&mut text).unwrap();
        assert_eq!(text, "é");
    }
}
