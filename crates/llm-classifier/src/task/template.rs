//! Templates: text with placeholders, filled with the JSON of a record's fields.

use std::borrow::Cow;

use crawl_core::json::Raw;

use super::Field;
use super::disarm::disarmed;

/// Text with placeholders. `{name}` is one if the name is of letters, digits and `_`; other braces are text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Template {
    /// The text as the file has it, for the digest.
    pub(crate) text: String,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Text(String),
    /// The JSON of a field, by its place among the task's fields.
    Field(usize),
    /// The JSON string of the record's id.
    RecordId,
}

/// What the placeholders of one record are replaced with.
pub(crate) struct Values<'a> {
    id: &'a str,
    fields: &'a [Field],
    found: Vec<Option<Raw<'a>>>,
}

impl<'a> Values<'a> {
    /// Finds the fields of a record in one pass.
    pub(crate) fn new(record: Raw<'a>, id: &'a str, fields: &'a [Field]) -> Self {
        let mut found = vec![None; fields.len()];
        for (key, value) in record.members().into_iter().flatten() {
            for (place, field) in fields.iter().enumerate() {
                let (name, inner) = field.name.split_once('.').unwrap_or((&field.name, ""));
                if found[place].is_none() && key.is(name) {
                    found[place] = inside(value, inner);
                }
            }
        }
        Values { id, fields, found }
    }
}

impl<'a> Values<'a> {
    /// The value of a field, by its place; `None` if the record does not have it.
    pub(crate) fn field(&self, place: usize) -> Option<Raw<'a>> {
        self.found[place]
    }
}

/// The value at a path of names with dots between them.
fn inside<'a>(value: Raw<'a>, path: &str) -> Option<Raw<'a>> {
    path.split('.').filter(|name| !name.is_empty()).try_fold(value, |value, name| value.get(name))
}

impl Template {
    /// Reads a template; `words` are the placeholders that are the same for every record. The error is the name of an
    /// unknown placeholder.
    pub(crate) fn parse(text: &str, fields: &[Field], words: &[(&str, String)]) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some((before, name, after)) = next_placeholder(rest) {
            plain.push_str(before);
            if let Some((_, word)) = words.iter().find(|(known, _)| *known == name) {
                plain.push_str(word);
            } else {
                let field = || fields.iter().position(|field| field.name == name).map(Piece::Field);
                let piece = if name == "record_id" { Some(Piece::RecordId) } else { field() };
                pieces.extend([Piece::Text(std::mem::take(&mut plain)), piece.ok_or(name)?]);
            }
            rest = after;
        }
        plain.push_str(rest);
        pieces.push(Piece::Text(plain));
        pieces.retain(|piece| *piece != Piece::Text(String::new()));
        Ok(Template { text: text.to_owned(), pieces })
    }

    /// The fields that it shows.
    pub(crate) fn shown(&self) -> impl Iterator<Item = usize> + '_ {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Field(place) => Some(*place),
            _ => None,
        })
    }

    /// Whether it shows the record's id.
    pub(crate) fn shows_id(&self) -> bool {
        self.pieces.contains(&Piece::RecordId)
    }

    /// Its text if it has nothing of the record in it.
    pub(crate) fn fixed(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Puts the filled template behind `into`; gives how many fields were cut.
    pub(crate) fn fill(&self, values: &Values<'_>, into: &mut String) -> u64 {
        let mut cuts = 0;
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => into.push_str(text),
                Piece::RecordId => into.push_str(&disarmed(&quoted(values.id))),
                Piece::Field(place) => match values.found[*place] {
                    None => into.push_str("null"),
                    Some(value) => {
                        let cut = shortened(value, values.fields[*place].limit);
                        cuts += u64::from(cut.is_some());
                        into.push_str(&disarmed(cut.as_deref().unwrap_or(value.text())));
                    }
                },
            }
        }
        cuts
    }
}

/// The text before the next placeholder, its name, and the text behind it.
fn next_placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let open = from + text[from..].find('{')?;
        let inner = &text[open + 1..];
        let named = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
        let length = inner.bytes().take_while(named).count();
        if length > 0 && inner.as_bytes().get(length) == Some(&b'}') {
            return Some((&text[..open], &inner[..length], &inner[length + 1..]));
        }
        from = open + 1;
    }
}

/// The JSON of the value's first `limit` characters with a mark behind them, if it is longer. What is not a
/// string is shortened as JSON text, and becomes a string by that.
fn shortened(value: Raw<'_>, limit: usize) -> Option<String> {
    // A text has no more characters than bytes: most values are short and never looked at.
    if value.text().len() <= limit {
        return None;
    }
    let text = value.str().unwrap_or(Cow::Borrowed(value.text()));
    let (end, _) = text.char_indices().nth(limit)?;
    let left = text[end..].chars().count();
    Some(quoted(&format!("{} [... cut here, {left} more characters]", &text[..end])))
}

/// The text as a JSON string.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(template: &str, record: &str) -> (String, u64) {
        let fields = [
            Field { name: "a".into(), limit: 5 },
            Field { name: "b".into(), limit: 8 },
            Field { name: "c.d".into(), limit: 8 },
        ];
        let template = Template::parse(template, &fields, &[("labels", "- X".into())]).unwrap();
        let mut text = String::new();
        let raw = Raw::parse(record.as_bytes()).unwrap();
        let cuts = template.fill(&Values::new(raw, "o/n", &fields), &mut text);
        (text, cuts)
    }

    #[test]
    fn placeholders_become_json_and_other_braces_stay() {
        let (text, cuts) = fill(r#"{"id": {record_id}, "a": {a}, {labels} {} { a }}"#, r#"{"a":"x\"{b}"}"#);
        assert_eq!(text, r#"{"id": "o/n", "a": "x\"{b}", - X {} { a }}"#);
        assert_eq!(cuts, 0);
        assert_eq!(fill("{b}", r#"{"b":[1,2]}"#).0, "[1,2]");
        assert_eq!(fill("{b}", "{}").0, "null");
        assert_eq!(fill("{c.d}", r#"{"c":{"d":[1]}}"#).0, "[1]");
        assert_eq!(fill("{c.d}", r#"{"c":1}"#).0, "null");
    }

    #[test]
    fn a_long_field_is_cut_by_characters_with_a_mark() {
        let (text, cuts) = fill("{a}", r#"{"a":"ééééé"}"#);
        assert_eq!((text.as_str(), cuts), ("\"ééééé\"", 0));
        let (text, cuts) = fill("{a}{b}", r#"{"a":"éé\néé\"é","b":{"k":"123"}}"#);
        assert_eq!(
            text,
            r#""éé\néé [... cut here, 2 more characters]""{\"k\":\"12 [... cut here, 3 more characters]""#
        );
        assert_eq!(cuts, 2);
    }

    #[test]
    fn an_unknown_placeholder_is_named() {
        assert_eq!(
            Template::parse("{a} {typo}", &[Field { name: "a".into(), limit: 1 }], &[]).unwrap_err(),
            "typo"
        );
    }
}
