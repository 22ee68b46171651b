//! The text of a task file, for errors that name file, line and key.

use std::ops::Range;
use std::path::Path;

use crawl_core::{Error, Kind};

pub(super) struct Text<'a> {
    pub(super) text: &'a str,
    pub(super) path: &'a Path,
}

impl Text<'_> {
    /// Where `part` stands in a span, or where the span begins.
    pub(super) fn inside(&self, span: Range<usize>, part: &str) -> usize {
        let found = self.text.get(span.clone()).and_then(|text| text.find(part));
        span.start + found.unwrap_or(0)
    }

    pub(super) fn wrong(&self, at: usize, key: &str, what: &str) -> Error {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        Error::new(Kind::Config, format!("the task file is wrong at key `{key}`: {what}"))
            .at(format!("{}:{line}", self.path.display()))
            .advise("correct the file; docs/llm-classifier.md explains every key")
    }

    pub(super) fn not_toml(&self, cause: &toml::de::Error) -> Error {
        let at = cause.span().map_or(0, |span| span.start);
        let line_start = self.text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1);
        let line = self.text.get(line_start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        let key = line.split_once('=').map_or(line, |(key, _)| key).trim().trim_matches(['[', ']']);
        self.wrong(at, key, cause.message())
    }
}
