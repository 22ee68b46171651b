//! Writing XML: a `<record>` for each object, and in it a `<field>` for each member.
//!
//! A name and a type are attributes, so that no key has to be a name of XML. Texts stand as they are; what XML cannot
//! hold (control characters, U+FFFE, half a surrogate pair) stands as its JSON text, which the attribute `json` says.

use std::io::Write;

use crawl_core::Result;
use crawl_core::json::Raw;

use crate::cell;
use crate::convert::not_written;

/// Lists and objects that are nested deeper stand as their JSON text.
const DEEPEST: usize = 64;

/// An XML file being written.
pub(crate) struct Writer<W: Write> {
    to: W,
    text: String,
}

impl<W: Write> Writer<W> {
    pub(crate) fn new(mut to: W) -> Result<Self> {
        to.write_all(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<records>\n").map_err(not_written)?;
        Ok(Writer { to, text: String::new() })
    }

    pub(crate) fn push(&mut self, record: Raw<'_>) -> Result<()> {
        self.text.clear();
        self.text.push_str("<record>");
        for (key, value) in record.members().into_iter().flatten() {
            element(&mut self.text, "field", Some(&key.name()), value, 0);
        }
        self.text.push_str("</record>\n");
        self.to.write_all(self.text.as_bytes()).map_err(not_written)
    }

    pub(crate) fn finish(mut self) -> Result<()> {
        self.to.write_all(b"</records>\n").map_err(not_written)
    }
}

fn element(to: &mut String, tag: &str, name: Option<&str>, value: Raw<'_>, depth: usize) {
    to.push('<');
    to.push_str(tag);
    if let Some(name) = name {
        if is_xml(name) {
            to.push_str(" name=\"");
            escape(to, name);
        } else {
            to.push_str(" json-name=\"");
            escape(to, &cell::literal(name));
        }
        to.push('"');
    }
    let text = value.text();
    let kind = match text.as_bytes().first() {
        Some(b'"') => "string",
        Some(b'[') => "list",
        Some(b'{') => "object",
        Some(b't' | b'f') => "boolean",
        Some(b'n') => "null",
        _ => "number",
    };
    to.push_str(&format!(" type=\"{kind}\""));
    let json = match kind {
        "null" => return to.push_str("/>"),
        "string" => !value.str().is_some_and(|text| is_xml(&text)),
        "list" | "object" => depth >= DEEPEST,
        _ => false,
    };
    to.push_str(if json { " json=\"true\">" } else { ">" });
    match (value.members(), value.elements(), value.str()) {
        _ if json => escape(to, &cell::compact(text)),
        (Some(members), ..) => {
            members.for_each(|(key, value)| element(to, "field", Some(&key.name()), value, depth + 1));
        }
        (_, Some(elements), _) => elements.for_each(|value| element(to, "item", None, value, depth + 1)),
        (.., Some(string)) => escape(to, &string),
        _ => to.push_str(text),
    }
    to.push_str(&format!("</{tag}>"));
}

/// Whether XML 1.0 has all of its characters.
fn is_xml(text: &str) -> bool {
    !text.contains(|letter| {
        matches!(letter, '\0'..='\x08' | '\x0B' | '\x0C' | '\x0E'..='\x1F' | '\u{FFFE}' | '\u{FFFF}')
    })
}

/// Adds text so that no reader takes it for anything else, and none makes a space or another line break of its own.
fn escape(to: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '&' => to.push_str("&amp;"),
            '<' => to.push_str("&lt;"),
            '>' => to.push_str("&gt;"),
            '"' => to.push_str("&quot;"),
            '\t' | '\n' | '\r' => to.push_str(&format!("&#{};", u32::from(letter))),
            _ => to.push(letter),
        }
    }
}
