//! `--where`: which records are wanted, as a text that people write.
//!
//! `a.b >= 10 and not (language = "en" or tags contains "x")`. A comparison with what is not there, or null, is neither true
//! nor false, and a record is kept where the whole is true; only `is null` matches null. Types are never mixed: a number
//! is not equal to any text, and neither smaller nor larger.

mod parse;
mod word;

use std::cell::RefCell;
use std::cmp::Ordering;

use crawl_core::Result;
use crawl_core::json::Raw;

/// Which records are wanted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Selection {
    rule: Rule,
    /// The members that it names and no record had so far: mostly misspelled.
    unseen: RefCell<Vec<Vec<String>>>,
}

#[derive(Clone, Debug, PartialEq)]
enum Rule {
    All(Vec<Rule>),
    Any(Vec<Rule>),
    Not(Box<Rule>),
    Compare(Vec<String>, Sign, Literal),
    Contains(Vec<String>, Literal),
    In(Vec<String>, Vec<Literal>),
    IsNull(Vec<String>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Sign {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Debug, PartialEq)]
enum Literal {
    Text(String),
    /// As it was written.
    Number(String),
    Bool(bool),
}

impl Selection {
    /// Reads a selection.
    ///
    /// # Errors
    /// [`crawl_core::Kind::Config`] with the place in the text, if it is none.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let rule = parse::parse(text)?;
        let mut paths = Vec::new();
        rule.paths(&mut paths);
        Ok(Selection { rule, unseen: RefCell::new(paths) })
    }

    /// Whether the record is wanted.
    pub(crate) fn keeps(&self, record: Raw<'_>) -> bool {
        let mut unseen = self.unseen.borrow_mut();
        if !unseen.is_empty() {
            unseen.retain(|path| last(record, path).is_none());
        }
        self.rule.holds(record) == Some(true)
    }

    /// The members that it names and no record had of those that were looked at.
    pub(crate) fn unseen(&self) -> Vec<String> {
        self.unseen.borrow().iter().map(|path| path.join(".")).collect()
    }
}

impl Rule {
    /// Adds the paths of all members that it names, each once.
    fn paths(&self, to: &mut Vec<Vec<String>>) {
        match self {
            Rule::All(rules) | Rule::Any(rules) => rules.iter().for_each(|rule| rule.paths(to)),
            Rule::Not(rule) => rule.paths(to),
            Rule::Compare(path, ..) | Rule::Contains(path, _) | Rule::In(path, _) | Rule::IsNull(path) => {
                if !to.contains(path) {
                    to.push(path.clone());
                }
            }
        }
    }

    /// Whether it is true; `None` where a value that it needs is null or not there.
    fn holds(&self, record: Raw<'_>) -> Option<bool> {
        match self {
            Rule::All(rules) => together(rules, record, false),
            Rule::Any(rules) => together(rules, record, true),
            Rule::Not(rule) => rule.holds(record).map(|truth| !truth),
            Rule::IsNull(path) => Some(member(record, path).is_none()),
            Rule::Compare(path, sign, literal) => {
                member(record, path).map(|value| sign.holds(compare(value, literal)))
            }
            Rule::In(path, literals) => {
                let value = member(record, path)?;
                Some(literals.iter().any(|literal| compare(value, literal) == Some(Ordering::Equal)))
            }
            Rule::Contains(path, literal) => {
                let value = member(record, path)?;
                Some(match (value.elements(), value.str(), literal) {
                    (Some(mut elements), ..) => {
                        elements.any(|element| compare(element, literal) == Some(Ordering::Equal))
                    }
                    (_, Some(text), Literal::Text(part)) => text.contains(part.as_str()),
                    _ => false,
                })
            }
        }
    }
}

/// What several rules come to: `decides` if one is that, unknown if one is unknown, else the other.
fn together(rules: &[Rule], record: Raw<'_>, decides: bool) -> Option<bool> {
    let mut known = true;
    for rule in rules {
        match rule.holds(record) {
            Some(truth) if truth == decides => return Some(decides),
            Some(_) => {}
            None => known = false,
        }
    }
    known.then_some(!decides)
}

impl Sign {
    /// `order` is that of the value beside the literal; `None` if they are of two types.
    fn holds(self, order: Option<Ordering>) -> bool {
        match self {
            Sign::Equal => order == Some(Ordering::Equal),
            Sign::Unequal => order != Some(Ordering::Equal),
            Sign::Less => order.is_some_and(Ordering::is_lt),
            Sign::LessOrEqual => order.is_some_and(Ordering::is_le),
            Sign::Greater => order.is_some_and(Ordering::is_gt),
            Sign::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
        }
    }
}

/// The value at a path, if it is not null.
fn member<'r>(record: Raw<'r>, path: &[String]) -> Option<Raw<'r>> {
    last(record, path).filter(|value| !value.is_null())
}

/// The value at a path. Of a name that comes twice the last counts.
fn last<'r>(record: Raw<'r>, path: &[String]) -> Option<Raw<'r>> {
    let mut at = record;
    for name in path {
        at = at.members()?.filter(|(key, _)| key.is(name)).last()?.1;
    }
    Some(at)
}

fn compare(value: Raw<'_>, literal: &Literal) -> Option<Ordering> {
    match literal {
        Literal::Text(text) => value.str().map(|value| value.as_ref().cmp(text)),
        Literal::Bool(truth) => value.bool().map(|value| value.cmp(truth)),
        Literal::Number(number) => numbers(value.text(), number),
    }
}

/// Whole numbers digit by digit, others as doubles.
fn numbers(value: &str, literal: &str) -> Option<Ordering> {
    if let (Ok(value), Ok(literal)) = (value.parse::<i128>(), literal.parse::<i128>()) {
        return Some(value.cmp(&literal));
    }
    value.starts_with(|first: char| first == '-' || first.is_ascii_digit()).then_some(())?;
    value.parse::<f64>().ok()?.partial_cmp(&literal.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = r#"{"likes":10,"big":12345678901234567890,"f":1.5,"language":"en","n":null,"t":true,
        "tags":["x","a b",3],"card":{"license":"mit","deep":{"x":1}},"a.b":2,"and":1,"likes":11,"e":"é\"\n"}"#;

    #[test]
    fn records_are_kept_where_the_whole_is_true() {
        let record = RECORD.replace('\n', " ");
        let record = Raw::parse(record.as_bytes()).unwrap();
        for (text, kept) in [
            ("likes >= 11 and language = \"en\"", true),
            ("likes = 10", false),
            ("likes<11.5 and likes>10.5", true),
            ("likes = \"11\"", false),
            ("likes != \"11\"", true),
            ("likes < \"9\" or likes > \"0\"", false),
            ("big = 12345678901234567890", true),
            ("big = 12345678901234567891", false),
            ("f = 15e-1", true),
            ("f <= -1", false),
            ("t = true and not t = false", true),
            ("t = 1 or t = \"true\"", false),
            ("tags contains \"x\" and tags contains 3", true),
            ("tags contains \"3\" or tags contains \"a\"", false),
            ("language contains 'n'", true),
            ("card.license in (\"apache\", \"mit\")", true),
            ("card.license not in (\"apache\", \"mit\")", false),
            ("card.deep.x = 1 and card.none.x is null", true),
            ("`a.b` = 2 and `and` = 1", true),
            ("n is null and none is null and likes is not null", true),
            ("n = 1 or n != 1 or not n = 1 or n in (1) or n contains 'a'", false),
            ("not (n = 1 and likes = 0)", true),
            ("not (n = 1 or likes = 0)", false),
            ("NOT likes = 0 AND likes IS NOT NULL", true),
            ("likes = 0 and t = true or f = 1.5", true),
            ("likes = 0 and (t = true or f = 1.5)", false),
            ("language >= 'e' and language < 'f'", true),
            (r#"e = "é\"\n""#, true),
        ] {
            let selection = Selection::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(selection.keeps(record), kept, "{text}");
        }
    }

    #[test]
    fn what_is_no_selection_is_an_error_with_its_place() {
        let deep = format!("{}a = 1", "(".repeat(100_000));
        for (text, place, word) in [
            ("", "character 1", "name"),
            ("likes", "character 6", "comparison"),
            ("likes >", "character 8", "value"),
            ("likes = 1 language = 2", "character 11", "end"),
            ("likes = \"x", "character 9", "never closed"),
            ("likes == 1", "character 8", "value"),
            ("é = nope", "character 5", "quotes"),
            ("a = 1 and", "character 10", "name"),
            ("(a = 1", "character 7", ")"),
            ("a = null", "character 5", "is null"),
            ("a in 1", "character 6", "("),
            ("a = 01", "character 5", "number"),
            ("a ~ 1", "character 3", "known"),
            ("a. = 1", "character 4", "name"),
            (&deep, "character 65", "deep"),
        ] {
            let error = Selection::parse(text).unwrap_err();
            let shown = format!("{error} {}", error.advice());
            let start: String = text.chars().take(30).collect();
            assert!(shown.contains(place) && shown.contains(word), "{start}: {shown}");
        }
    }
}
