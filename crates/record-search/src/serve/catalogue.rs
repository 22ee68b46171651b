//! The whole index at a glance: what is in it, what is unknown, what is new.

use crawl_core::Result;
use maud::{Markup, html};

use super::answer::{Answer, Ask};
use super::asked::{Asked, can_be_asked, link};
use super::charts::{Row, bars};
use super::histogram::{self, Histogram};
use super::state::Crawl;
use super::{hits, layout, show, state};
use crate::document::Kind;
use crate::query::{Query, Sort};
use crate::search::Hits;

/// Columns that others are worked out of; they are counted among the unknowns and not drawn.
const INNER: &[&str] =
    &["kv_bytes_per_token", "kv_window_bytes_per_token", "kv_window", "bytes_read_per_token", "popularity"];

pub(super) fn page(ask: &Ask) -> Result<Answer> {
    let columns = histogram::all(&ask.index)?;
    let new = new(ask)?;
    let documents = ask.index.documents();
    let mut by_unknown: Vec<&Histogram> = columns.iter().collect();
    by_unknown.sort_by(|a, b| b.unknown.cmp(&a.unknown).then_with(|| a.column.cmp(&b.column)));
    let content = html! {
        main #main {
            h1 { "Catalogue" }
            p { strong { (show::grouped(documents)) } " records, " (columns.len()) " columns." }
            @if let Some(new) = &new { (new_section(new)) }
            section {
                h2 { "How much is unknown" }
                p.note { "An unknown passes no filter, and is never taken for a zero." }
                (bars("Share of records of which a column is unknown", &by_unknown.iter().map(|column| Row {
                    label: html! { (show::label(&column.column)) },
                    count: column.unknown,
                    told: Some(percent(column.unknown, documents)),
                }).collect::<Vec<_>>(), Some(documents)))
            }
            div.charts {
                @for column in columns.iter().filter(|column| !INNER.contains(&column.column.as_str())) {
                    section { (chart(column)) }
                }
            }
        }
    };
    Ok(Answer::Page(layout::page(ask, "Catalogue – record-search", "/catalogue", &content)))
}

fn chart(column: &Histogram) -> Markup {
    let label = |text: &str| {
        html! {
            @if column.kind == Kind::Facet && can_be_asked(text) {
                a href=(link("/", &column.column, text)) { bdi { (show::beginning(text, 48)) } }
            } @else { bdi { (show::beginning(text, 48)) } }
        }
    };
    let rows: Vec<Row> = column
        .bars
        .iter()
        .map(|bar| Row { label: label(&bar.label), count: bar.count, told: None })
        .collect();
    html! {
        h2 { (show::label(&column.column)) }
        p.note {
            @if let Some(texts) = column.texts { (show::grouped(texts)) " different; " }
            "known of " (show::grouped(column.known)) ", unknown of " (show::grouped(column.unknown))
        }
        @if !rows.is_empty() { (bars(&show::label(&column.column), &rows, None)) }
    }
}

fn percent(part: u64, whole: u64) -> String {
    match part {
        0 => "0 %".into(),
        _ if part == whole => "100 %".into(),
        _ => format!("{:.1} %", (part as f64 * 100.0 / whole.max(1) as f64).clamp(0.1, 99.9)),
    }
}

/// What came since a time.
pub(super) struct New {
    /// Seconds since 1970.
    pub(super) since: f64,
    /// What that time is.
    pub(super) what: String,
    /// The newest of them, and how many there are.
    pub(super) found: Hits,
    filter: String,
}

/// What was created since the crawl before the last began; or since the time that `since` tells; or in the seven days
/// before the newest record. `None` where no record tells when it was created.
pub(super) fn new(ask: &Ask) -> Result<Option<New>> {
    if ask.index.columns().get("created") != Some(&Kind::Time) {
        return Ok(None);
    }
    let newest_first = || Some(Sort { column: "created".into(), ascending: false });
    let (since, what) = if let Some(since) = ask.asked.one("since") {
        let time = crate::filter::time(since).ok_or_else(|| {
            crate::query::wrong("`since` is a day or a time".into(), "write one such as 2026-11-01")
        })?;
        (time.0, "since the time in the address".to_owned())
    } else if let Some(before) = before_last(&state::crawls(&ask.shared.roots)) {
        (before, "since the crawl before the last began".to_owned())
    } else {
        let one = ask.index.search(&Query { sort: newest_first(), limit: 1, ..Query::default() })?;
        let newest = one.hits.first().and_then(|hit| super::memory::number(&hit.shown, "created"));
        let Some(newest) = newest else { return Ok(None) };
        (newest - 7.0 * 86_400.0, "in the seven days before the newest record".to_owned())
    };
    let Some(moment) = show::moment(since) else { return Ok(None) };
    let filter = format!(">={moment}");
    let filters = vec![format!("created:{filter}")];
    let found = ask.index.search(&Query { filters, sort: newest_first(), limit: 10, ..Query::default() })?;
    Ok(Some(New { since, what, found, filter }))
}

/// When the second newest crawl of the same listing began.
fn before_last(crawls: &[Crawl]) -> Option<f64> {
    let newest = crawls.iter().filter(|crawl| crawl.began.is_some()).max_by_key(|crawl| crawl.began)?;
    let same = crawls.iter().filter(|crawl| crawl.source == newest.source && crawl.root != newest.root);
    same.filter_map(|crawl| crawl.began)
        .filter(|began| Some(*began) < newest.began)
        .max()
        .map(|time| time.as_second() as f64)
}

fn new_section(new: &New) -> Markup {
    let all = Asked::default().and("created", &new.filter).and("sort", "created:desc");
    html! {
        section {
            h2 { "New" }
            p {
                strong { (show::grouped(new.found.total)) } " were created " (new.what) ", " (show::day(new.since)) ". "
                a href=(all.url("/")) { "All of them" } " · "
                a href=(all.with("sort", None).url("/feed")) type="application/atom+xml" { "Feed" }
            }
            ul.plain {
                @for hit in &new.found.hits {
                    li {
                        (hits::name(&hit.shown)) " "
                        @if let Some(created) = super::memory::number(&hit.shown, "created") { span.note { (show::day(created)) } }
                    }
                }
            }
        }
    }
}
