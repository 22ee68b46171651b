//! Texts that a filter asks for and that stand nowhere in the index: what a slip of the pen would find is nothing.

use std::collections::BTreeSet;

use crawl_core::Result;

use crate::columns::{Column, Facet};
use crate::document::Kind;
use crate::filter::{Filter, Test, Text, is_range};
use crate::index::Index;
use crate::query::wrong;

/// So many absent texts of a filter are named, and so many near ones.
const NAMED: usize = 3;
/// For so many absent texts of a query near ones are looked for,
const LOOKED_FOR: usize = 3;
/// in dictionaries of no more texts than these,
const MOST_TEXTS: usize = 20_000;
/// none of which is longer than this.
const LONGEST: usize = 60;

/// What is to be told of the texts that filters ask for and that no document has.
///
/// # Errors
/// `Config` if such a text is a range: it is meant for a column of numbers.
pub(crate) fn notes(index: &Index, filters: &[Filter]) -> Result<Vec<String>> {
    let mut notes = Vec::new();
    let mut looked_for = 0;
    for filter in filters {
        let Test::Texts(texts) = &filter.test else { continue };
        let column = index.column(&filter.column)?;
        let Some(Column::Facet(facet)) = column.as_deref() else { continue };
        let absent = absent(facet, texts);
        if let Some(text) = absent.iter().find(|text| is_range(&text.text)) {
            return Err(no_range(&filter.column, text, index));
        }
        if absent.is_empty() {
            continue;
        }
        let named: Vec<String> = absent.iter().take(NAMED).map(|text| spelled(text)).collect();
        let more = match absent.len() - named.len() {
            0 => String::new(),
            more => format!(" or {more} more"),
        };
        let mut found = Vec::new();
        for text in absent.iter().take(LOOKED_FOR - looked_for) {
            looked_for += 1;
            if facet.names.len() <= MOST_TEXTS {
                found.extend(near(facet.names.iter().map(String::as_str), &text.text));
            }
        }
        found.dedup();
        found.truncate(NAMED);
        let near = if found.is_empty() { String::new() } else { format!("; near: {}", found.join(", ")) };
        notes.push(format!("no document has {}{more} as its {}{near}", named.join(", "), filter.column));
    }
    Ok(notes)
}

/// The texts that are nowhere in the dictionary.
fn absent<'a>(facet: &Facet, texts: &'a [Text]) -> Vec<&'a Text> {
    texts.iter().filter(|text| facet.named(text).next().is_none()).collect()
}

fn spelled(text: &Text) -> String {
    let cut: String = text.text.chars().take(LONGEST).collect();
    let cut = if cut.len() < text.text.len() { cut + "…" } else { cut };
    format!("`{cut}{}`", if text.open { "*" } else { "" })
}

/// Those of the names that may have been meant, in lower case, as filters read them: a slip or two away, or longer.
pub(crate) fn near<'a>(names: impl Iterator<Item = &'a str>, text: &str) -> Vec<String> {
    let length = text.chars().count();
    if length > LONGEST {
        return Vec::new();
    }
    let slips = (length / 3).min(2);
    let mut found = BTreeSet::new();
    for name in names.filter(|name| name.len() <= LONGEST) {
        let name = name.to_lowercase();
        let slip = (name.chars().count().abs_diff(length) <= slips)
            .then(|| strsim::osa_distance(&name, text))
            .filter(|slip| *slip <= slips);
        let longer = length >= 3 && name.contains(text);
        if let Some(slip) = slip.or_else(|| longer.then_some(slips + 1)) {
            found.insert((slip, name.len(), name));
            if found.len() > NAMED {
                found.pop_last();
            }
        }
    }
    found.into_iter().map(|(_, _, name)| name).collect()
}

fn no_range(column: &str, text: &Text, index: &Index) -> crawl_core::Error {
    let numbers = index.columns().iter().filter(|(_, kind)| **kind != Kind::Facet);
    let numbers: Vec<&str> = numbers.map(|(name, _)| name.as_str()).collect();
    wrong(
        format!("`{column}` has texts, and takes no range such as {}", spelled(text)),
        &format!("write one of its texts; columns that take a range: {}", numbers.join(", ")),
    )
}
