//! Two to five records beside one another.

use crawl_core::Result;
use maud::{Markup, html};

use super::answer::{Answer, Ask};
use super::{hits, layout, memory, show};
use crate::mapping::{GROUP, SAME};
use crate::query::wrong;
use crate::shown::Shown;

/// The most records of a comparison.
pub(super) const MOST: usize = 5;
/// What comes first, in this order.
const FIRST: &[&str] = &[
    "task",
    "params",
    "active_params",
    "weight_bytes",
    "quantisation",
    "context",
    "license",
    "commercial",
    "library",
    "architecture",
    "language",
    "downloads",
    "likes",
    "created",
    "updated",
];

/// The records that are named.
pub(super) fn named(ask: &Ask) -> Result<Vec<Shown>> {
    let mut keys: Vec<&str> = Vec::new();
    ask.asked.all("key").for_each(|key| {
        if !keys.contains(&key) {
            keys.push(key);
        }
    });
    if !(2..=MOST).contains(&keys.len()) {
        let what = format!("{} records are named, and 2 to {MOST} can be compared", keys.len());
        return Err(wrong(what, "go back and mark 2 to 5 hits"));
    }
    keys.into_iter().map(|key| ask.index.get(key)).collect()
}

pub(super) fn page(ask: &Ask) -> Result<Answer> {
    let shown = named(ask)?;
    let known = |column: &&str| shown.iter().any(|shown| shown.columns.contains_key(*column));
    let columns = ask.index.columns();
    let first = FIRST.iter().copied().filter(|column| columns.contains_key(*column));
    let rest = columns.keys().map(String::as_str);
    let rest = rest.filter(|column| {
        !FIRST.contains(column) && !["source", GROUP, SAME, "base", "dataset"].contains(column)
    });
    let rows: Vec<&str> = first.chain(rest.filter(known)).collect();
    let content = html! {
        main #main {
            h1 { "Compare" }
            p.note { "Rows in which they differ are marked with " span.differs-mark { "≠" } "." }
            div.wide tabindex="0" role="region" aria-label="Comparison" {
                table.compare {
                    thead {
                        tr {
                            td { span.hidden { "Fact" } }
                            @for one in &shown { th scope="col" { (hits::name(one)) br; (without(ask, one, shown.len())) } }
                        }
                    }
                    tbody {
                        @for column in rows { (row(ask, column, &shown)) @if column == "weight_bytes" { (memory_rows(&shown)) } }
                        (texts("Made from", "base", &shown))
                        (texts("Datasets", "dataset", &shown))
                    }
                }
            }
        }
    };
    Ok(Answer::Page(layout::page(ask, "Compare – record-search", "", &content)))
}

fn without(ask: &Ask, one: &Shown, count: usize) -> Markup {
    // An address may have named it by its id alone.
    let key = ask.asked.all("key").find(|key| *key == hits::key(one) || *key == one.id).unwrap_or_default();
    html! {
        @if count > 2 {
            a.note href=(ask.asked.without("key", key).url("/compare")) { "leave out" span.hidden { " " (show::beginning(&one.id, 80)) } }
        }
    }
}

fn row(ask: &Ask, column: &str, shown: &[Shown]) -> Markup {
    let differs = shown.windows(2).any(|pair| {
        pair[0].columns.get(column).map(|cell| &cell.value)
            != pair[1].columns.get(column).map(|cell| &cell.value)
    });
    html! {
        tr {
            th scope="row" { (show::label(column)) @if differs { " " span.differs-mark title="they differ" { "≠" } } }
            @for one in shown { td { (hits::value(ask, one, column, 6)) } }
        }
    }
}

fn memory_rows(shown: &[Shown]) -> Markup {
    html! {
        @for context in memory::CONTEXTS {
            tr {
                th scope="row" { "Memory, " (memory::tokens(context)) " tokens" }
                @for one in shown { td { (hits::likely(one, context)) } }
            }
        }
    }
}

fn texts(label: &str, column: &str, shown: &[Shown]) -> Markup {
    html! {
        @if shown.iter().any(|one| one.columns.contains_key(column)) {
            tr {
                th scope="row" { (label) }
                @for one in shown {
                    td {
                        @let texts = super::family::texts(one, column);
                        @if texts.is_empty() { span.unknown { "unknown" } }
                        @for (at, text) in texts.iter().take(6).enumerate() { @if at > 0 { ", " } bdi { (show::beginning(text, 80)) } }
                        @if texts.len() > 6 { " and " (texts.len() - 6) " more" }
                    }
                }
            }
        }
    }
}
