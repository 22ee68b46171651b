//! What can be asked, and how a typed query is read.

use std::collections::BTreeMap;

use crawl_core::{Error, Kind as Why, Result};
use model_facts::Devices;

use crate::absent;
use crate::document::Kind;
use crate::filter::Filter;
use crate::hardware;
use crate::schema::TEXTS;
use crate::words::{plain, words};

/// The most bytes of a query.
pub const MOST_QUERY: usize = 4_096;
/// The most words, phrases and filters of a query, together.
pub const MOST_PARTS: usize = 64;
/// The most words that all of these may hold together, each run of letters or digits being one.
pub const MOST_WORDS: usize = 256;
/// How far one may page.
pub const MOST_HITS: usize = 10_000;
/// The most facets that are counted for one query, and the most texts of each.
pub const MOST_FACETS: usize = 1_000;

/// What is asked of an index.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// Words, `"phrases"`, `-words`, `field:value`, `begin*`; see [`Query::parse`].
    pub text: String,
    /// Documents like the one of this key or id, by meaning.
    pub like: Option<String>,
    /// More filters, each spelled `column:value`.
    pub filters: Vec<String>,
    /// By relevance if it is none.
    pub sort: Option<Sort>,
    /// Which legs rank.
    pub mode: Mode,
    /// At most so many hits,
    pub limit: usize,
    /// behind so many.
    pub offset: usize,
    /// Of which facets the texts are counted.
    pub facets: Vec<String>,
    /// How many texts of each.
    pub facet_texts: usize,
    /// Whether variants stand under their base.
    pub fold: bool,
    /// Whether each hit says why it is there.
    pub explain: bool,
}

impl Default for Query {
    fn default() -> Self {
        Query {
            text: String::new(),
            like: None,
            filters: Vec::new(),
            sort: None,
            mode: Mode::Both,
            limit: 10,
            offset: 0,
            facets: Vec::new(),
            facet_texts: 10,
            fold: false,
            explain: false,
        }
    }
}

/// An order by a column of numbers or times. Where it is unknown comes last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sort {
    /// The column.
    pub column: String,
    /// The smallest first.
    pub ascending: bool,
}

impl Sort {
    /// Reads `downloads`, `downloads:desc` or `created:asc`.
    ///
    /// # Errors
    /// `Config` if it is neither.
    pub fn parse(text: &str) -> Result<Self> {
        let (column, order) = text.split_once(':').unwrap_or((text, "desc"));
        match order {
            "asc" | "desc" => Ok(Sort { column: column.to_owned(), ascending: order == "asc" }),
            _ => Err(wrong(format!("`{text}` is no order"), "write a column, and :asc or :desc behind it")),
        }
    }
}

/// Which legs rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Words and meaning, each where it can.
    Both,
    /// Words alone.
    Words,
    /// Meaning alone.
    Meaning,
}

/// A word, the beginning of one, or a phrase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// As it was typed.
    pub text: String,
    /// The place in [`TEXTS`] of the only field in which it counts.
    pub field: Option<usize>,
    /// All its words beside one another, if it has several.
    pub phrase: bool,
    /// Any word that begins so; of several the last.
    pub open: bool,
}

/// A typed query, read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parsed {
    /// The more of these, the better; one must be there where `must` is empty.
    pub words: Vec<Word>,
    /// Each of these.
    pub must: Vec<Word>,
    /// None of these.
    pub not: Vec<Word>,
    /// What must hold.
    pub filters: Vec<Filter>,
}

impl Parsed {
    /// Reads a typed query. `word` counts in all texts; `"two words"` must stand so; `-word` must not stand there
    /// (`-llama-3` is one word of two parts: what has both, beside one another, goes); `begin*` is any word that begins so; `column:value` is a filter ([`Filter::parse`]), and `name:word` a word
    /// that must stand in that text; `fits:`, `memory:` and `speed:` look at several columns. What has a colon and is meant as words is quoted.
    ///
    /// # Errors
    /// `Config`: it is longer than [`MOST_QUERY`], has more than [`MOST_PARTS`] parts, or a part that is none.
    pub fn of(text: &str, columns: &BTreeMap<String, Kind>, devices: &Devices) -> Result<Self> {
        if text.len() > MOST_QUERY {
            return Err(wrong(
                format!("the query has {} bytes, and {MOST_QUERY} are the most", text.len()),
                "ask with fewer words; to find what is like a text, index it and use `like`",
            ));
        }
        let mut parsed = Parsed::default();
        let is_name = |name: &str| {
            columns.contains_key(name) || TEXTS.contains(&name) || hardware::NAMES.contains(&name)
        };
        for part in split(text, is_name)? {
            parsed.take(&part, columns, devices)?;
            if parsed.words.len() + parsed.must.len() + parsed.not.len() + parsed.filters.len() > MOST_PARTS {
                return Err(wrong(
                    format!("the query has more than {MOST_PARTS} parts"),
                    "ask with fewer words",
                ));
            }
        }
        let all = parsed.words.iter().chain(&parsed.must).chain(&parsed.not);
        let held: usize = all.map(|word| words(&mut plain(), &word.text).len()).sum();
        if held > MOST_WORDS {
            return Err(wrong(
                format!("the query has {held} words, and {MOST_WORDS} are the most"),
                "ask with fewer words",
            ));
        }
        Ok(parsed)
    }

    fn take(&mut self, part: &Part, columns: &BTreeMap<String, Kind>, devices: &Devices) -> Result<()> {
        let word = |text: &str, field: Option<usize>, quoted: bool| {
            let open = !quoted && text.ends_with('*');
            let text = if open { text.trim_end_matches('*') } else { text };
            // Words that only rank may be there in part (`llama-3` where there is a llama); what must be there or must
            // not is meant as a whole.
            let phrase = quoted || field.is_some() || part.not;
            Word { text: text.to_owned(), field, phrase, open }
        };
        let Some(field) = &part.field else {
            let word = word(&part.value, None, part.quoted);
            if word.text.is_empty() {
                return Ok(());
            }
            let list = match (part.not, part.quoted) {
                (true, _) => &mut self.not,
                (false, true) => &mut self.must,
                (false, false) => &mut self.words,
            };
            list.push(word);
            return Ok(());
        };
        if hardware::NAMES.contains(&field.as_str()) {
            self.filters.push(hardware::parse(field, &part.value, part.not, devices)?);
        } else if let Some(kind) = columns.get(field) {
            self.filters.push(Filter::parse(field, *kind, &part.value, part.not)?);
        } else if let Some(at) = TEXTS.iter().position(|text| text == field) {
            let word = word(&part.value, Some(at), part.quoted);
            if word.text.is_empty() {
                return Err(wrong(
                    format!("nothing stands behind `{field}:`"),
                    "write the word without a space",
                ));
            }
            (if part.not { &mut self.not } else { &mut self.must }).push(word);
        } else {
            return Err(no_column(field, columns));
        }
        Ok(())
    }

    /// The words that are asked for, as a text.
    pub fn meaning(&self) -> String {
        let words = self.words.iter().chain(&self.must).filter(|word| word.field.is_none());
        words.map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    }
}

/// The error for a column that an index does not have.
pub(crate) fn no_column(name: &str, columns: &BTreeMap<String, Kind>) -> Error {
    let known: Vec<&str> = columns.keys().map(String::as_str).chain(TEXTS).collect();
    let near = match absent::near(known.iter().copied(), &name.to_lowercase()) {
        near if near.is_empty() => String::new(),
        near => format!("; near: {}", near.join(", ")),
    };
    wrong(
        format!("this index has no column `{}`{near}", name.chars().take(60).collect::<String>()),
        &format!("the columns are: {}; quote what is meant as words", known.join(", ")),
    )
}

pub(crate) fn wrong(what: String, advice: &str) -> Error {
    Error::new(Why::Config, what).advise(advice)
}

/// A piece of a typed query: `-field:"value"`, of which all but the value may be missing.
#[derive(Debug)]
struct Part {
    not: bool,
    field: Option<String>,
    value: String,
    quoted: bool,
}

fn split(text: &str, is_name: impl Fn(&str) -> bool) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let mut part = Part { not: false, field: None, value: String::new(), quoted: false };
        if let Some(behind) = rest.strip_prefix('-').filter(|behind| !behind.starts_with(char::is_whitespace))
        {
            part.not = true;
            rest = behind;
        }
        let name = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(0);
        let field = rest[..name].to_ascii_lowercase();
        // In capitals (`Re: llama`) it is a name only where there is one.
        if name > 0 && rest[name..].starts_with(':') && (field == rest[..name] || is_name(&field)) {
            part.field = Some(field);
            rest = &rest[name + 1..];
        }
        if let Some(behind) = rest.strip_prefix('"') {
            let end = behind.find('"').ok_or_else(|| {
                wrong("a quotation mark is not closed".into(), "write \" behind the phrase too")
            })?;
            part.quoted = true;
            part.value = behind[..end].to_owned();
            rest = &behind[end + 1..];
        } else {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            part.value = rest[..end].to_owned();
            rest = &rest[end..];
        }
        parts.push(part);
        rest = rest.trim_start();
    }
    Ok(parts)
}
