//! The rules for one crawler, and the line by which each address is allowed or refused.

use std::time::Duration;

use super::matcher::{Pattern, path_of, spelt};
use super::signals::Signals;

/// The rules for one crawler at one origin.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// The longest pattern first, and of two of a length the one that allows.
    rules: Vec<Rule>,
    usages: Vec<Usage>,
    delay: Option<Duration>,
    sitemaps: Vec<String>,
    /// Why nothing may be fetched, where no rule says so.
    refused: Option<String>,
}

/// `Allow` or `Disallow`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rule {
    allow: bool,
    pattern: Pattern,
    text: String,
    line: u32,
}

impl Rule {
    pub(super) fn new(allow: bool, value: &[u8], line: u32) -> Self {
        let text = String::from_utf8_lossy(value).into_owned();
        Rule { allow, pattern: Pattern::new(value), text, line }
    }
}

/// What may be done with what is under some path.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Usage {
    pub(super) pattern: Pattern,
    pub(super) signals: Signals,
    /// Which of the two kinds of line said it: the longest pattern counts within its kind.
    pub(super) key: &'static str,
}

/// Whether an address may be fetched, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it may be fetched.
    pub allowed: bool,
    /// The line of robots.txt that decided, from 1; none where no rule is about it.
    pub line: Option<u32>,
    /// That rule as it is written, or why all is refused.
    pub why: Option<String>,
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = if self.allowed { "allowed" } else { "refused" };
        match (self.line, &self.why) {
            (Some(line), Some(why)) => {
                write!(f, "{word}: line {line} of robots.txt, {}", crate::visible(why))
            }
            (None, Some(why)) => write!(f, "{word}: {}", crate::visible(why)),
            _ => write!(f, "{word}: no rule of robots.txt is about it"),
        }
    }
}

impl Rules {
    pub(super) fn new(
        mut rules: Vec<Rule>,
        usages: Vec<Usage>,
        delay: Option<Duration>,
        sitemaps: Vec<String>,
    ) -> Self {
        // A rule without a path is about nothing.
        rules.retain(|rule| !rule.text.is_empty());
        rules.sort_by_key(|rule| (std::cmp::Reverse(rule.pattern.length), !rule.allow, rule.line));
        Rules { rules, usages, delay, sitemaps, refused: None }
    }

    /// Everything may be fetched.
    pub fn all_allowed() -> Self {
        Rules::new(Vec::new(), Vec::new(), None, Vec::new())
    }

    /// Nothing may be fetched, for this reason.
    pub fn all_refused(why: impl Into<String>) -> Self {
        Rules { refused: Some(why.into()), ..Rules::all_allowed() }
    }

    /// Whether a path with its query, or a whole address, may be fetched. `/robots.txt` always may.
    pub fn check(&self, path_and_query: &str) -> Verdict {
        let path = comparable(path_and_query);
        if path == b"/robots.txt" {
            return Verdict { allowed: true, line: None, why: None };
        }
        if let Some(why) = &self.refused {
            return Verdict { allowed: false, line: None, why: Some(why.clone()) };
        }
        match self.rules.iter().find(|rule| rule.pattern.matches(&path)) {
            Some(rule) => {
                let key = if rule.allow { "Allow" } else { "Disallow" };
                let why = Some(format!("{key}: {}", rule.text));
                Verdict { allowed: rule.allow, line: Some(rule.line), why }
            }
            None => Verdict { allowed: true, line: None, why: None },
        }
    }

    /// How long to wait between two requests, where the site says so; the longest of what it says.
    pub fn crawl_delay(&self) -> Option<Duration> {
        self.delay
    }

    /// The addresses of sitemaps, as they are written.
    pub fn sitemaps(&self) -> &[String] {
        &self.sitemaps
    }

    /// What `Content-Signal` and `Content-Usage` lines say about a path: of each kind the longest pattern counts,
    /// and where they differ the stricter.
    pub fn signals(&self, path_and_query: &str) -> Signals {
        let path = comparable(path_and_query);
        let mut all = Signals::default();
        for key in ["Content-Signal", "Content-Usage"] {
            let about =
                || self.usages.iter().filter(|usage| usage.key == key && usage.pattern.matches(&path));
            let longest = about().map(|usage| usage.pattern.length).max();
            for usage in about().filter(|usage| Some(usage.pattern.length) == longest) {
                all.merge(&usage.signals);
            }
        }
        all
    }
}

/// The path from its slash on, in the spelling of patterns.
fn comparable(address: &str) -> Vec<u8> {
    let path = spelt(path_of(address).as_bytes());
    if path.first() == Some(&b'/') { path } else { [b"/", path.as_slice()].concat() }
}
