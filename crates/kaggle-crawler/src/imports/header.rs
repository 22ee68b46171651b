//! The YAML header of R Markdown and Quarto, and the packages that it implies.

use saphyr_parser::{Event, Parser, Tag};

use super::{Flags, Found, r};

/// Headers above this many bytes are not read.
const MAX_HEADER: usize = 1 << 18;
const MAX_DEPTH: usize = 64;

/// Reads the header, if there is one; the answer is what stands behind it.
pub(super) fn read<'a>(text: &'a str, found: &mut Found) -> &'a str {
    let trimmed = text.trim_start();
    let Some(rest) = trimmed
        .strip_prefix("---")
        .filter(|rest| rest.trim_start_matches([' ', '\t', '\r']).starts_with('\n'))
    else {
        return text;
    };
    let mut length = 0;
    for line in rest.split_inclusive('\n') {
        length += line.len();
        if length > MAX_HEADER {
            break;
        }
        if matches!(line.trim_end(), "---" | "...") {
            values(&rest[..length - line.len()], found);
            return &rest[length..];
        }
    }
    text
}

/// One level of the document.
enum Level {
    /// A mapping, and the key whose value comes next.
    Mapping(Option<String>),
    List,
}

fn values(yaml: &str, found: &mut Found) {
    let implied = Flags { implied: true, ..Flags::default() };
    let mut path: Vec<Level> = Vec::new();
    for event in Parser::new_from_str(yaml) {
        let Ok((event, _)) = event else {
            return found.warn("the YAML header has a mistake; what comes before it was read".into());
        };
        match event {
            Event::Scalar(text, _, _, tag) => {
                if let Some(Level::Mapping(key @ None)) = path.last_mut() {
                    *key = Some(text.to_string());
                    format(&text, &path, implied, found);
                    if path.len() == 1 && text == "params" {
                        found.r("shiny", implied);
                    }
                    continue;
                }
                if is_code(tag.as_deref()) {
                    r::code(&text, implied, "the YAML header", found);
                } else {
                    scalar(&text, &path, implied, found);
                }
                close(&mut path);
            }
            Event::Alias(_) => close(&mut path),
            Event::MappingStart(..) => {
                if key(&path, 0) == Some("output")
                    && key(&path, path.len().saturating_sub(1)) == Some("theme")
                {
                    found.r("bslib", implied);
                }
                path.push(Level::Mapping(None));
            }
            Event::SequenceStart(..) => path.push(Level::List),
            Event::MappingEnd | Event::SequenceEnd => {
                path.pop();
                close(&mut path);
            }
            _ => {}
        }
        if path.len() > MAX_DEPTH {
            return found.warn("the YAML header is nested too deep; what comes before was read".into());
        }
    }
}

/// `!r code`, `!expr code`.
fn is_code(tag: Option<&Tag>) -> bool {
    tag.is_some_and(|tag| tag.handle == "!" && matches!(&*tag.suffix, "r" | "expr"))
}

/// The value of the key that is open is there.
fn close(path: &mut [Level]) {
    if let Some(Level::Mapping(key)) = path.last_mut() {
        *key = None;
    }
}

fn key(path: &[Level], level: usize) -> Option<&str> {
    match path.get(level) {
        Some(Level::Mapping(Some(key))) => Some(key),
        _ => None,
    }
}

fn scalar(text: &str, path: &[Level], implied: Flags, found: &mut Found) {
    let server = matches!(key(path, 0), Some("runtime" | "server")) && text.starts_with("shiny");
    if server {
        found.r("shiny", implied);
    }
    format(text, path, implied, found);
}

/// Names of formats: `bookdown::pdf_document2` under `output`, `base_format`, `knit`, `site`.
fn format(text: &str, path: &[Level], implied: Flags, found: &mut Found) {
    if matches!(key(path, 0), Some("output" | "format" | "knit" | "site"))
        && let Some((package, _)) = text.split_once("::")
    {
        found.r(package.trim_start_matches('('), implied);
    }
}
