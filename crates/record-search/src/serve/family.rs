//! What a model was made from, what was made from it, and in which forms it is there.

use std::collections::BTreeMap;

use crawl_core::{Kind as Why, Result};
use maud::{Markup, html};
use model_facts::hardware::CACHE_BITS;

use super::answer::Ask;
use super::asked::{Asked, can_be_asked};
use super::{hits, memory, show};
use crate::document::{Kind, Value};
use crate::mapping::GROUP;
use crate::query::{Query, Sort};
use crate::search::Hits;
use crate::shown::Shown;

/// So far up the tree is followed; a record may name itself as its base.
const MOST_LEVELS: usize = 6;
/// So many are shown of a level.
const MOST: usize = 12;
/// So many variants are shown.
const MOST_VARIANTS: usize = 40;

/// Another form of a model.
pub(super) struct Variant {
    pub(super) shown: Shown,
    /// How it is quantised, as far as that is told.
    pub(super) quantisation: String,
}

/// The texts of a column.
pub(super) fn texts<'a>(shown: &'a Shown, column: &str) -> &'a [String] {
    match shown.columns.get(column).map(|cell| &cell.value) {
        Some(Value::Texts(texts)) => texts,
        _ => &[],
    }
}

/// The records of this source that have a text in a column, the most popular first.
fn having(ask: &Ask, source: &str, column: &str, text: &str, limit: usize) -> Result<Option<Hits>> {
    if !ask.index.columns().contains_key(column) || !can_be_asked(text) {
        return Ok(None);
    }
    let filters = vec![format!("{column}:\"{text}\""), format!("source:\"{source}\"")];
    let popular =
        ["downloads", "popularity"].into_iter().find(|name| ask.index.columns().contains_key(*name));
    let sort = popular.map(|column| Sort { column: column.to_owned(), ascending: false });
    ask.index.search(&Query { filters, sort, limit, ..Query::default() }).map(Some)
}

/// The other forms of a model: quantisations of the same weights.
pub(super) fn variants(ask: &Ask, shown: &Shown) -> Result<(Vec<Variant>, u64)> {
    let group = texts(shown, GROUP).first().cloned().unwrap_or_else(|| shown.id.to_lowercase());
    let Some(found) = having(ask, &shown.source, GROUP, &group, MOST_VARIANTS)? else {
        return Ok((Vec::new(), 0));
    };
    let variants = found
        .hits
        .into_iter()
        .map(|hit| Variant { quantisation: quantisation(&hit.shown), shown: hit.shown });
    Ok((variants.collect(), found.total))
}

fn quantisation(shown: &Shown) -> String {
    let mut told: Vec<String> = Vec::new();
    for column in ["quantisation", "gguf", "dtype"] {
        if let Some(cell) = shown.columns.get(column) {
            told.push(show::cell(column, Kind::Facet, cell, 4));
        }
    }
    if let Some(bits) = memory::number(shown, "bits") {
        told.push(format!("{} bits", show::short(bits)));
    }
    if told.is_empty() { "unknown".to_owned() } else { told.join(", ") }
}

pub(super) fn variants_table(ask: &Ask, shown: &Shown, variants: &[Variant], total: u64) -> Markup {
    html! {
        div.wide tabindex="0" role="region" aria-label="Variants" {
            table {
                thead { tr {
                    th scope="col" { "Model" } th scope="col" { "Quantisation" } th.number scope="col" { "Weights" }
                    th.number scope="col" { "Memory, 8k" } th.number scope="col" { "Downloads" }
                } }
                tbody {
                    @for variant in variants {
                        tr {
                            th scope="row" {
                                @if variant.shown.id == shown.id { bdi { (show::beginning(&shown.id, 100)) } " (this one)" }
                                @else { (hits::name(&variant.shown)) }
                            }
                            td { (variant.quantisation) }
                            td.number { (hits::value(ask, &variant.shown, "weight_bytes", 1)) }
                            td.number { (hits::likely(&variant.shown, crate::hardware::CONTEXT)) }
                            td.number { (hits::value(ask, &variant.shown, "downloads", 1)) }
                        }
                    }
                }
            }
        }
        @if total > variants.len() as u64 {
            p.note { (show::grouped(total)) " in all; the " (variants.len()) " with the most downloads are shown." }
        }
    }
}

/// The tree, from the furthest base that is known to what was made from this one. `None` where nothing is known.
pub(super) fn tree(ask: &Ask, shown: &Shown) -> Result<Option<Markup>> {
    let levels = above(ask, shown)?;
    let below = having(ask, &shown.source, "base", &shown.id, 200)?;
    let below_total = below.as_ref().map_or(0, |found| found.total);
    if levels.is_empty() && below_total == 0 {
        return Ok(None);
    }
    let mut by_relation: BTreeMap<String, Vec<Shown>> = BTreeMap::new();
    for hit in below.into_iter().flat_map(|found| found.hits) {
        let relation = texts(&hit.shown, "relation").first().map_or("relation unknown", String::as_str);
        by_relation.entry(relation.to_owned()).or_default().push(hit.shown);
    }
    let all = Asked::default().and("base", &shown.id);
    Ok(Some(html! {
        ol.tree {
            @for level in levels.iter().rev() {
                li { span.note { "made from " } (level_of(level)) }
            }
            li.here {
                strong { bdi { (show::beginning(&shown.id, 100)) } }
                @if let Some(relation) = texts(shown, "relation").first() { span.note { " " (show::beginning(relation, 40)) } }
            }
            @for (relation, children) in &by_relation {
                li.below {
                    (show::beginning(relation, 40)) ": "
                    @for (at, child) in children.iter().take(MOST).enumerate() { @if at > 0 { ", " } (hits::name(child)) }
                    @if children.len() > MOST { ", …" }
                }
            }
        }
        @if below_total > 0 {
            p { a href=(all.url("/")) { "All " (show::grouped(below_total)) " made from it" } }
        }
    }))
}

/// A base, with its record where the index has it.
struct Base {
    id: String,
    shown: Option<Shown>,
}

fn level_of(level: &[Base]) -> Markup {
    html! {
        @for (at, base) in level.iter().enumerate() {
            @if at > 0 { " and " }
            @match &base.shown {
                Some(shown) => { (hits::name(shown)) }
                None => { bdi { (show::beginning(&base.id, 100)) } span.note { " (not in this index)" } }
            }
        }
    }
}

/// Level by level, the nearest first.
fn above(ask: &Ask, shown: &Shown) -> Result<Vec<Vec<Base>>> {
    let mut seen = vec![shown.id.to_lowercase()];
    let mut levels: Vec<Vec<Base>> = Vec::new();
    let mut wanted: Vec<String> = texts(shown, "base").to_vec();
    while !wanted.is_empty() && levels.len() < MOST_LEVELS {
        let (mut level, mut next) = (Vec::new(), Vec::new());
        for id in wanted.into_iter().take(MOST) {
            if seen.contains(&id.to_lowercase()) {
                continue;
            }
            seen.push(id.to_lowercase());
            let found = match ask.index.get(&format!("{}:{id}", shown.source)) {
                Ok(found) => Some(found),
                Err(error) if error.kind() == Why::Gone => None,
                Err(error) => return Err(error),
            };
            if let Some(found) = &found {
                next.extend(texts(found, "base").iter().cloned());
            }
            level.push(Base { id, shown: found });
        }
        if !level.is_empty() {
            levels.push(level);
        }
        wanted = next;
    }
    Ok(levels)
}

/// What memory a record needs at a context, for programs.
pub(super) fn need(shown: &Shown, context: u64) -> serde_json::Value {
    let need = memory::footprint(shown).memory(context, CACHE_BITS);
    serde_json::json!({ "context": context, "low": need.low, "likely": need.likely, "high": need.high })
}
