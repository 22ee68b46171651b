//! The facets beside the hits: what may be chosen, how often it is there, and what is chosen.

use crawl_core::Result;

use super::answer::Ask;
use super::asked::can_be_asked;
use crate::document::Kind;
use crate::embed::Embedded;
use crate::query::Query;
use crate::search::FacetCounts;

/// Those that come first, in this order.
const FIRST: &[&str] = &[
    "task",
    "license",
    "commercial",
    "library",
    "architecture",
    "quantisation",
    "gguf",
    "language",
    "relation",
    "gated",
    "source",
];
/// Those that have about as many texts as there are records: they are counted on pages of their own, or searched for.
const LEFT_OUT: &[&str] = &["author", "dataset", "base", "variant_group", "same_content"];
/// So many facets are shown,
const MOST: usize = 12;
/// and so many texts of each.
const TEXTS: usize = 8;

/// A facet as it is shown.
pub(super) struct Shown {
    pub(super) column: String,
    /// Text, count, and whether it is chosen. What is chosen may not have been counted.
    pub(super) texts: Vec<(String, Option<u64>, bool)>,
}

/// The facets of this index that are shown.
pub(super) fn columns(ask: &Ask) -> Vec<String> {
    let columns = ask.index.columns();
    let is_facet = |name: &str| columns.get(name) == Some(&Kind::Facet);
    let first = FIRST.iter().copied().filter(|name| is_facet(name));
    let rest = columns
        .keys()
        .map(String::as_str)
        .filter(|name| is_facet(name) && !FIRST.contains(name) && !LEFT_OUT.contains(name));
    // One source alone is no choice; it is left out where it is counted.
    first.chain(rest).take(MOST).map(str::to_owned).collect()
}

/// Counts what is chosen from. A facet in which something is chosen counts what would be found without that choice, so
/// that one can choose another text of it.
pub(super) fn counts(
    ask: &Ask,
    query: &Query,
    found: &[FacetCounts],
    embedded: &mut Option<Embedded>,
) -> Result<Vec<Shown>> {
    let mut out = Vec::new();
    for counts in found {
        let chosen: Vec<&str> = ask.asked.all(&counts.column).collect();
        let mut texts = counts.texts.clone();
        if !chosen.is_empty() {
            let alone = Query {
                filters: ask.asked.spelled(&ask.index, Some(&counts.column))?,
                facets: vec![counts.column.clone()],
                limit: 0,
                offset: 0,
                fold: false,
                explain: false,
                ..query.clone()
            };
            texts = ask
                .index
                .search_again(&alone, embedded)?
                .facets
                .into_iter()
                .flat_map(|facet| facet.texts)
                .collect();
        }
        let all = texts.len() < query.facet_texts;
        let mut shown: Vec<(String, Option<u64>, bool)> = chosen
            .iter()
            .map(|own| {
                let count = texts.iter().find(|(text, _)| text.to_lowercase() == own.to_lowercase());
                // Where all texts were counted, one that is not among them is there 0 times. A beginning is no text.
                let none = (all && can_be_asked(own)).then_some(0);
                ((*own).to_owned(), count.map(|(_, count)| *count).or(none), true)
            })
            .collect();
        let is_chosen = |text: &str| chosen.iter().any(|own| text.to_lowercase() == own.to_lowercase());
        let others = texts.into_iter().filter(|(text, _)| !is_chosen(text));
        let room = TEXTS.max(chosen.len() + 3) - chosen.len();
        shown.extend(others.take(room).map(|(text, count)| (text, Some(count), false)));
        if !shown.is_empty() && (counts.column != "source" || shown.len() > 1 || !chosen.is_empty()) {
            out.push(Shown { column: counts.column.clone(), texts: shown });
        }
    }
    Ok(out)
}

/// How many texts are counted of each facet: more than are shown, so that what is chosen is among them.
pub(super) const COUNTED: usize = 50;
