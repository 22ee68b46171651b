//! The part of an address behind the `?`: read, made into a query, and written again with a change.
//!
//! The page and the JSON API have the same parameters. What is no parameter is the name of a column, and its value a
//! filter: `?q=whisper&license=mit&license=apache-2.0&params=..1B&fits=RTX 4090&at=32k`.

use crawl_core::{Result, visible};
use url::form_urlencoded;

use crate::document::Kind;
use crate::hardware::CONTEXT;
use crate::index::Index;
use crate::query::{MOST_HITS, Mode, Query, Sort, no_column, wrong};

/// The most parameters of an address.
const MOST_PARAMETERS: usize = 200;
/// The most hits of a page.
pub(super) const MOST_LIMIT: usize = 100;
/// Hits of a page if nothing else is asked for.
const LIMIT: usize = 20;

/// What is no column. A column of one of these names is asked for by `f=column:value`.
const NAMES: &[&str] = &[
    "q", "like", "f", "sort", "by", "page", "limit", "fold", "fits", "at", "tight", "facet", "explain",
    "key", "since", "order",
];

/// The parameters of an address, in their order, without the empty ones.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Asked {
    pairs: Vec<(String, String)>,
}

impl Asked {
    /// # Errors
    /// `Config` if there are too many.
    pub(super) fn read(query: &str) -> Result<Self> {
        let pairs = form_urlencoded::parse(query.as_bytes())
            .map(|(name, value)| (name.into_owned(), value.trim().to_owned()))
            .filter(|(_, value)| !value.is_empty());
        let pairs: Vec<_> = pairs.take(MOST_PARAMETERS + 1).collect();
        if pairs.len() > MOST_PARAMETERS {
            return Err(wrong(
                format!("the address has more than {MOST_PARAMETERS} parameters"),
                "ask with fewer filters and facets",
            ));
        }
        Ok(Asked { pairs })
    }

    pub(super) fn one(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs.iter().filter(move |(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }

    pub(super) fn has(&self, name: &str, value: &str) -> bool {
        self.all(name).any(|own| own == value)
    }

    /// An address with these parameters.
    pub(super) fn url(&self, path: &str) -> String {
        if self.pairs.is_empty() {
            return path.to_owned();
        }
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.pairs);
        format!("{path}?{}", query.finish())
    }

    /// With only one parameter of this name, or none. The number of the page goes: it is that of another list.
    pub(super) fn with(&self, name: &str, value: Option<&str>) -> Asked {
        let mut asked = self.clone();
        asked.pairs.retain(|(own, _)| own != name && own != "page");
        asked.pairs.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        asked
    }

    /// With one parameter more.
    pub(super) fn and(&self, name: &str, value: &str) -> Asked {
        let mut asked = self.with("page", None);
        asked.pairs.push((name.to_owned(), value.to_owned()));
        asked
    }

    /// Without this parameter.
    pub(super) fn without(&self, name: &str, value: &str) -> Asked {
        let mut asked = self.with("page", None);
        asked.pairs.retain(|(own, text)| own != name || text != value);
        asked
    }

    /// Only those that say what is searched for: without the page, and what pages need beside it.
    pub(super) fn search(&self) -> Asked {
        let mut asked = self.clone();
        asked.pairs.retain(|(name, _)| !matches!(name.as_str(), "page" | "limit" | "facet" | "explain"));
        asked
    }

    /// The filters: name and value of the parameter, without what is searched for and how it is shown.
    pub(super) fn filters(&self) -> impl Iterator<Item = (&str, &str)> {
        let is_filter = |name: &str| name == "f" || name == "fits" || !NAMES.contains(&name);
        let pairs = self.pairs.iter().filter(move |(name, _)| is_filter(name));
        pairs.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(super) fn page(&self) -> Result<usize> {
        self.whole("page", 1, MOST_HITS)
    }

    pub(super) fn limit(&self) -> Result<usize> {
        self.whole("limit", LIMIT, MOST_LIMIT)
    }

    /// The address of the next page, where there is one that can be asked for.
    ///
    /// # Errors
    /// `Config` if the page or the limit is no such number.
    pub(super) fn next(&self, path: &str, total: u64) -> Result<Option<String>> {
        let (page, limit) = (self.page()?, self.limit()?);
        let more = ((page * limit) as u64) < total && (page + 1) * limit <= MOST_HITS;
        Ok(more.then(|| self.with("page", Some(&(page + 1).to_string())).url(path)))
    }

    fn whole(&self, name: &str, default: usize, most: usize) -> Result<usize> {
        let Some(text) = self.one(name) else { return Ok(default) };
        text.parse().ok().filter(|number| (1..=most).contains(number)).ok_or_else(|| {
            wrong(format!("`{name}` is a number from 1 to {most}"), "leave it out, or write such a number")
        })
    }

    fn is_set(&self, name: &str) -> Result<bool> {
        match self.one(name) {
            None | Some("0") => Ok(false),
            Some("1") => Ok(true),
            Some(_) => Err(wrong(format!("`{name}` is 1, or is left out"), "leave it out")),
        }
    }

    /// Tokens of context that memory is told for.
    pub(super) fn context(&self) -> Result<u64> {
        let Some(at) = self.one("at") else { return Ok(CONTEXT) };
        crate::filter::number(at)
            .filter(|tokens| *tokens >= 1.0 && *tokens < 1e12)
            .map(|tokens| tokens as u64)
            .ok_or_else(|| wrong("`at` is a number of tokens".into(), "write one such as 8192 or 32k"))
    }

    /// What is asked of the index.
    ///
    /// # Errors
    /// `Config` if a parameter is none, or is not what it must be.
    pub(super) fn query(&self, index: &Index) -> Result<Query> {
        let (page, limit) = (self.page()?, self.limit()?);
        let mode = match self.one("by") {
            None | Some("both") => Mode::Both,
            Some("words") => Mode::Words,
            Some("meaning") => Mode::Meaning,
            Some(_) => return Err(wrong("`by` is both, words or meaning".into(), "leave it out")),
        };
        Ok(Query {
            text: self.one("q").unwrap_or_default().to_owned(),
            like: self.one("like").map(str::to_owned),
            filters: self.spelled(index, None)?,
            sort: self.one("sort").map(Sort::parse).transpose()?,
            mode,
            limit,
            offset: (page - 1).saturating_mul(limit),
            facets: self.all("facet").map(str::to_owned).collect(),
            fold: self.is_set("fold")?,
            explain: self.is_set("explain")?,
            ..Query::default()
        })
    }

    /// The filters as [`Query::filters`] has them; without those of one column.
    pub(super) fn spelled(&self, index: &Index, without: Option<&str>) -> Result<Vec<String>> {
        let mut spelled: Vec<String> = self.all("f").map(str::to_owned).collect();
        let context = self.context()?;
        if let Some(device) = self.one("fits") {
            let tight = if self.is_set("tight")? { ",tight" } else { "" };
            spelled.push(format!("fits:{}", quoted(&format!("{device}@{context}{tight}"))?));
        }
        let mut seen: Vec<&str> = Vec::new();
        for (name, value) in &self.pairs {
            if NAMES.contains(&name.as_str()) || seen.contains(&name.as_str()) {
                continue;
            }
            let column = name.strip_prefix('-').unwrap_or(name);
            let kind = index.columns().get(column).ok_or_else(|| no_column(column, index.columns()))?;
            if without == Some(name) {
                continue;
            }
            if *kind == Kind::Facet && column == name {
                // Several values of one facet: any of them.
                seen.push(name);
                let values: Vec<&str> = self.all(name).collect();
                spelled.push(format!("{name}:{}", quoted(&values.join(","))?));
            } else {
                spelled.push(format!("{name}:{}", quoted(value)?));
            }
        }
        Ok(spelled)
    }
}

/// As the grammar of queries has it.
fn quoted(value: &str) -> Result<String> {
    let spaces = value.contains(char::is_whitespace);
    match value.contains('"') {
        false if spaces => Ok(format!("\"{value}\"")),
        true if spaces || value.starts_with('"') => Err(wrong(
            "a filter cannot hold a quotation mark beside a space".into(),
            "ask for the beginning of it: value*",
        )),
        _ => Ok(value.to_owned()),
    }
}

/// Whether a filter can ask for just this text of a facet: commas, stars and question marks mean something there, and
/// a browser changes some characters.
pub(super) fn can_be_asked(text: &str) -> bool {
    !text.trim().is_empty()
        && text.trim() == text
        && !text.contains([',', '"'])
        && !text.ends_with('*')
        && text != "?"
        && visible(text) == text
        && text.len() <= 300
}

/// An address with one parameter.
pub(super) fn link(path: &str, name: &str, value: &str) -> String {
    Asked::default().and(name, value).url(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_and_written_again() {
        let asked = Asked::read("q=a+b&license=mit&license=apache-2.0&page=3&empty=&x=%22%3C").unwrap();
        assert_eq!(asked.one("q"), Some("a b"));
        assert_eq!(asked.all("license").count(), 2);
        assert_eq!(asked.url("/"), "/?q=a+b&license=mit&license=apache-2.0&page=3&x=%22%3C");
        assert_eq!(asked.without("license", "mit").url("/"), "/?q=a+b&license=apache-2.0&x=%22%3C");
        assert_eq!(
            asked.with("q", None).search().url("/feed"),
            "/feed?license=mit&license=apache-2.0&x=%22%3C"
        );
        assert_eq!(Asked::default().url("/"), "/");
    }

    #[test]
    fn more_parameters_than_are_read_are_an_error() {
        assert!(Asked::read(&"facet=license&".repeat(200)).is_ok());
        assert!(
            Asked::read(&"facet=license&".repeat(201)).unwrap_err().to_string().contains("more than 200")
        );
    }

    #[test]
    fn what_a_filter_cannot_spell_is_not_offered() {
        for text in ["", " mit", "a,b", "say \"x\"", "gpl*", "?", "a\u{202e}b", "a\0"] {
            assert!(!can_be_asked(text), "{text}");
        }
        assert!(can_be_asked("apache-2.0") && can_be_asked("with space"));
        assert_eq!(quoted("with space").unwrap(), "\"with space\"");
        assert!(quoted("a \" b").is_err());
    }
}
