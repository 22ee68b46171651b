//! The search: what was found, page by page, and by what it can be narrowed.

use crawl_core::Result;
use maud::{Markup, html};

use super::answer::{Answer, Ask};
use super::asked::Asked;
use super::{facets, hits, layout, refine, show, why};
use crate::filter::Filtered;
use crate::query::{MOST_HITS, Query};
use crate::search::Hits;

pub(super) fn page(ask: &Ask) -> Result<Answer> {
    let mut query = ask.asked.query(&ask.index)?;
    let columns = facets::columns(ask);
    query.facets.retain(|facet| !columns.contains(facet));
    query.facets.extend(columns);
    query.facet_texts = facets::COUNTED;
    query.explain = false;
    let mut embedded = None;
    let found = ask.index.search_again(&query, &mut embedded)?;
    let facets = facets::counts(ask, &query, &found.facets, &mut embedded)?;
    let words = hits::words(ask);
    let content = html! {
        div.columns {
            main #main {
                h1.hidden { "Search" }
                (summary(ask, &query, &found))
                @if found.hits.is_empty() {
                    (nothing(ask, &found))
                } @else {
                    ol.hits start=(query.offset + 1) {
                        @for hit in &found.hits { (hits::item(ask, hit, &words)) }
                    }
                    (compare())
                    (pages(ask, &query, &found)?)
                }
                (save(ask))
            }
            (refine::form(ask, &facets))
        }
    };
    let title = match ask.asked.one("q") {
        Some(text) => format!("{} – record-search", show::beginning(text, 80)),
        None => "record-search".to_owned(),
    };
    Ok(Answer::Page(layout::page(ask, &title, "/", &content)))
}

fn summary(ask: &Ask, query: &Query, found: &Hits) -> Markup {
    let first = query.offset + 1;
    html! {
        p.summary role="status" {
            strong { (show::grouped(found.total)) }
            @if found.total == 1 { " hit" } @else { " hits" }
            @if !found.hits.is_empty() && found.total > found.hits.len() as u64 {
                ", " (show::grouped(first as u64)) " to " (show::grouped((query.offset + found.hits.len()) as u64))
            }
            @if let Some(like) = ask.asked.one("like") {
                " like " bdi { (show::beginning(like, 100)) } ", by meaning"
            }
            a.jump href="#filters" { "Filters" }
        }
        (why::notes(&found.explain))
        @if !found.explain.as_asked() { (why::words(&found.explain)) }
        @if ask.asked.filters().next().is_some() || ask.asked.one("like").is_some() {
            ul.active aria-label="Filters that hold" {
                @for (name, value) in ask.asked.filters() {
                    li { a href=(ask.asked.without(name, value).url("/")) {
                        span.hidden { "Remove " }
                        @if name == "f" { bdi { (show::beginning(value, 60)) } }
                        @else { (filter_label(name)) ": " bdi { (show::beginning(value, 60)) } }
                        span aria-hidden="true" { " ×" }
                    } }
                }
                @if let Some(like) = ask.asked.one("like") {
                    li { a href=(ask.asked.without("like", like).url("/")) {
                        span.hidden { "Remove " } "like " bdi { (show::beginning(like, 60)) } span aria-hidden="true" { " ×" }
                    } }
                }
            }
            @let unknown = unknown(&found.explain.filters);
            @if let Some(unknown) = unknown { p.note { (unknown) " " a href=(ask.asked.search().url("/why")) { "Why?" } } }
        }
    }
}

fn filter_label(name: &str) -> String {
    match name {
        "fits" => "Fits".into(),
        _ => match name.strip_prefix('-') {
            Some(column) => format!("Not {}", show::label(column)),
            None => show::label(name),
        },
    }
}

/// An unknown passes no filter: that many hits may be missed, and it is told.
fn unknown(filters: &[Filtered]) -> Option<String> {
    let most = filters.iter().filter(|filter| filter.unknown > 0).max_by_key(|filter| filter.unknown)?;
    let (count, filter) = (show::grouped(most.unknown), show::beginning(&most.filter, 60));
    Some(format!("{count} records are left out because nothing tells whether they pass {filter}."))
}

fn nothing(ask: &Ask, found: &Hits) -> Markup {
    html! {
        div.empty {
            @if found.total > 0 {
                p { "There are no hits so far behind." }
                p { a href=(ask.asked.with("page", None).url("/")) { "To the first page" } }
            } @else {
                p { "Nothing was found." }
                ul {
                    @if ask.asked.filters().next().is_some() {
                        li { "Take a filter away: the marks above are links that do." }
                        li { a href=(ask.asked.search().url("/why")) { "See what each filter leaves out" } }
                    }
                    @if ask.asked.one("q").is_some() { li { "Ask with fewer words, or with the beginning of one: " code { "whisp*" } } }
                }
            }
        }
    }
}

fn compare() -> Markup {
    html! {
        form #compare action="/compare" method="get" {
            button type="submit" { "Compare what is marked" }
            span.note { " 2 to 5 of them" }
        }
    }
}

fn pages(ask: &Ask, query: &Query, found: &Hits) -> Result<Markup> {
    let (page, limit) = (ask.asked.page()?, query.limit.max(1));
    let reachable = usize::try_from(found.total).unwrap_or(usize::MAX).min(MOST_HITS);
    let last = reachable.div_ceil(limit).min(MOST_HITS / limit).max(1);
    let to = |number: usize| match number {
        1 => ask.asked.with("page", None).url("/"),
        _ => ask.asked.with("page", Some(&number.to_string())).url("/"),
    };
    let near = page.saturating_sub(2).max(1)..=(page + 2).min(last);
    Ok(html! {
        @if last > 1 {
            nav.pages aria-label="Pages of hits" {
                @if page > 1 { a rel="prev" href=(to(page - 1)) { "Previous" } }
                @if !near.contains(&1) { a href=(to(1)) { "1" } span { "…" } }
                @for number in near.clone() {
                    a href=(to(number)) aria-current=[(number == page).then_some("page")] { (number) }
                }
                @if !near.contains(&last) { span { "…" } }
                @if let Some(next) = ask.asked.next("/", found.total)? { a rel="next" href=(next) { "Next" } }
            }
            @if page == last && found.total > (last * limit) as u64 {
                p.note { "Hits are shown up to number " (show::grouped(MOST_HITS as u64)) ". Add words or filters." }
            }
        }
    })
}

/// The search as an address, as a feed, and as JSON.
fn save(ask: &Ask) -> Markup {
    let search: Asked = ask.asked.search();
    let dated = ["created", "updated"].iter().any(|column| ask.index.columns().contains_key(*column));
    html! {
        p.save {
            "The address of this page is the whole search: keep it as a bookmark. "
            a href=(search.url("/why")) { "Why these?" } " · "
            @if dated { a href=(search.with("sort", None).url("/feed")) type="application/atom+xml" { "Feed of new hits" } " · " }
            a href=(ask.asked.url("/api/search")) { "JSON" }
        }
    }
}
