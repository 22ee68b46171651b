//! One record: all that is known of it and where that is from, its family, its memory, and what is like it.

use crawl_core::Result;
use maud::{Markup, html};

use super::answer::{Answer, Ask};
use super::asked::{Asked, can_be_asked, link};
use super::{family, hits, layout, meaning, memory, show};
use crate::document::{Kind, Value};
use crate::mapping::{GROUP, SAME};
use crate::query::{Query, wrong};
use crate::shown::Shown;

/// So many are shown that are like it.
const LIKE: usize = 6;
/// So many datasets and tags are shown.
const MOST: usize = 60;

/// The record that `key` names.
pub(super) fn named(ask: &Ask) -> Result<Shown> {
    let key = ask.asked.one("key");
    let key = key
        .ok_or_else(|| wrong("no record is named".into(), "write ?key=SOURCE:ID, or search for its name"))?;
    ask.index.get(key)
}

pub(super) fn page(ask: &Ask) -> Result<Answer> {
    let shown = named(ask)?;
    let key = hits::key(&shown);
    let (variants, total) = family::variants(ask, &shown)?;
    let tree = family::tree(ask, &shown)?;
    let memory = memory::table(ask, &shown, &variants);
    let content = html! {
        main #main.model {
            h1 { bdi { (show::beginning(&shown.id, 200)) } }
            p.why {
                @if !shown.author.is_empty() { "by " (author(ask, &shown.author)) " · " }
                (show::text(&shown.source))
                @if let Some(address) = shown.url.as_deref().and_then(show::outside) {
                    " · " a href=(address) rel="noopener noreferrer nofollow" { (show::host(&address)) }
                }
                " · " a href=(Asked::default().and("key", &key).url("/api/model")) { "JSON" }
            }
            (hits::chips(ask, &shown))
            @if let Some(prose) = hits::prose(&shown.excerpt) { p.excerpt dir="auto" { (show::beginning(prose, 400)) } }
            @if let Some(tree) = &tree { section { h2 { "Family" } (tree) } }
            @if variants.len() > 1 { section { h2 { "Variants" } (family::variants_table(ask, &shown, &variants, total)) } }
            @if let Some(memory) = &memory { section #memory { h2 { "Memory" } (device(ask, &key)) (memory) } }
            (datasets(ask, &shown))
            (like(ask, &shown))
            section { h2 { "All that is known" } (facts(ask, &shown)) }
            @if !shown.tags.is_empty() {
                section {
                    h2 { "Tags" }
                    ul.tags { @for tag in shown.tags.iter().take(MOST) { li { bdi { (show::beginning(tag, 60)) } } } }
                    @if shown.tags.len() > MOST { p.note { (shown.tags.len()) " in all" } }
                }
            }
        }
    };
    let title = format!("{} – record-search", show::beginning(&shown.id, 100));
    Ok(Answer::Page(layout::page(ask, &title, "", &content)))
}

fn author(ask: &Ask, author: &str) -> Markup {
    let asks = ask.index.columns().contains_key("author") && can_be_asked(author);
    html! {
        @if asks { a href=(link("/", "author", author)) { bdi { (show::beginning(author, 80)) } } }
        @else { bdi { (show::beginning(author, 80)) } }
    }
}

/// Every column of the index: what this record has there, and where that is from.
fn facts(ask: &Ask, shown: &Shown) -> Markup {
    let columns = ask
        .index
        .columns()
        .keys()
        .filter(|column| *column != "source" && *column != GROUP && *column != SAME);
    // What other sources have alone is nothing that is unknown of this one.
    let columns: Vec<&String> = columns
        .filter(|column| shown.columns.contains_key(*column) || meaning::of(&shown.source, column).is_some())
        .collect();
    html! {
        div.wide tabindex="0" role="region" aria-label="All that is known" {
            table.facts {
                thead { tr { th scope="col" { "Fact" } th scope="col" { "Value" } th scope="col" { "Where it is from" } } }
                tbody {
                    @for column in columns {
                        tr {
                            th scope="row" { (show::label(column)) }
                            td { (value(ask, shown, column)) }
                            td.note { (provenance(shown, column)) }
                        }
                    }
                }
            }
        }
    }
}

/// The value in full.
fn value(ask: &Ask, shown: &Shown, column: &str) -> Markup {
    let kind = ask.index.columns().get(column).copied().unwrap_or(Kind::Facet);
    match shown.columns.get(column).map(|cell| &cell.value) {
        None => html! { span.unknown { "unknown" } },
        Some(Value::Number(number)) => html! {
            (show::number(column, kind, *number))
            @if let Some(exact) = show::exact(column, kind, *number) { " " span.note { "(" (exact) ")" } }
        },
        Some(Value::Texts(texts)) => html! {
            @for (at, text) in texts.iter().take(20).enumerate() {
                @if at > 0 { ", " }
                @if can_be_asked(text) { a href=(link("/", column, text)) { bdi { (show::beginning(text, 120)) } } }
                @else { bdi { (show::beginning(text, 120)) } }
            }
            @if texts.len() > 20 { " and " (show::grouped(texts.len() as u64 - 20)) " more" }
        },
    }
}

fn provenance(shown: &Shown, column: &str) -> Markup {
    let described = meaning::of(&shown.source, column);
    html! {
        @match shown.columns.get(column) {
            None => { "nothing tells it" }
            Some(cell) if cell.derived => { span.derived { "derived" } }
            Some(_) => { "told by the record" }
        }
        @if let Some(described) = described { ": " (meaning::plain(described.meaning)) }
    }
}

/// Whether the memory fits a device, on this page.
fn device(ask: &Ask, key: &str) -> Markup {
    let fits = ask.asked.one("fits");
    let unread = fits.filter(|device| memory::usable(ask, device).is_none());
    html! {
        form.device action="/model#memory" method="get" {
            input type="hidden" name="key" value=(key);
            label for="fits" { "Does it fit" }
            input #fits type="text" name="fits" list="devices" value=[fits] placeholder="RTX 4090 or 24GiB" autocomplete="off";
            datalist #devices { @for device in &ask.index.devices().0 { option value=(device.name) {} } }
            button type="submit" { "See" }
        }
        @if let Some(unread) = unread {
            p.error role="alert" { "No device is called " bdi { (show::beginning(unread, 60)) } ". Write bytes, such as 24GiB." }
        }
    }
}

/// What it was trained on.
fn datasets(ask: &Ask, shown: &Shown) -> Markup {
    let datasets = family::texts(shown, "dataset");
    html! {
        @if !datasets.is_empty() {
            section {
                h2 { "Datasets" }
                ul.plain {
                    @for dataset in datasets.iter().take(MOST) {
                        li {
                            @match ask.index.get(&format!("hf-datasets:{dataset}")) {
                                Ok(found) => { (hits::name(&found)) }
                                Err(_) => { bdi { (show::beginning(dataset, 100)) } }
                            }
                            @if can_be_asked(dataset) { " " a.note href=(link("/", "dataset", dataset)) { "models with it" } }
                        }
                    }
                }
                @if datasets.len() > MOST { p.note { (datasets.len()) " in all" } }
            }
        }
    }
}

/// By meaning; nothing where the index has no vectors, or this record none.
fn like(ask: &Ask, shown: &Shown) -> Markup {
    if ask.index.model().is_none() {
        return html! {};
    }
    let key = hits::key(shown);
    let found = ask.index.search(&Query { like: Some(key.clone()), limit: LIKE, ..Query::default() });
    let Ok(found) = found else { return html! {} };
    html! {
        @if !found.hits.is_empty() {
            section {
                h2 { "Like this" }
                ul.plain {
                    @for hit in &found.hits {
                        li { (hits::name(&hit.shown)) " " @if let Some(prose) = hits::prose(&hit.shown.excerpt) { span.note { (show::beginning(prose, 90)) } } }
                    }
                }
                p { a href=(link("/", "like", &key)) { "More like this" } }
            }
        }
    }
}
