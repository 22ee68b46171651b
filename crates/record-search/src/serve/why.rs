//! Why hits are there, and what is not: the numbers of one query.

use crawl_core::Result;
use maud::{Markup, html};

use super::answer::{Answer, Ask};
use super::{hits, layout, show};
use crate::explain::{Explain, HitExplain};
use crate::search::{Hit, Tier};

pub(super) fn page(ask: &Ask) -> Result<Answer> {
    let mut query = ask.asked.query(&ask.index)?;
    query.explain = true;
    query.limit = query.limit.min(20);
    let found = ask.index.search(&query)?;
    let content = html! {
        main #main.narrow {
            h1 { "Why these" }
            p { a href=(ask.asked.url("/")) { "Back to the hits" } }
            (considered(&found.explain, found.total))
            section {
                h2 { "The hits" }
                ol.reasons start=(query.offset + 1) { @for hit in &found.hits { li { (reason(hit)) } } }
                @if found.hits.is_empty() { p { "There are none." } }
            }
        }
    };
    Ok(Answer::Page(layout::page(ask, "Why these – record-search", "", &content)))
}

fn considered(explain: &Explain, total: u64) -> Markup {
    html! {
        section {
            h2 { "What was considered" }
            dl.steps {
                div { dt { "Records in the index" } dd { (show::grouped(explain.considered)) } }
                div { dt { "passed all filters" } dd { (show::grouped(explain.passed)) } }
                @if explain.restricted > 0 {
                    div { dt { "of these left out by phrases, words in a field, words with a minus" } dd { (show::grouped(explain.restricted)) } }
                }
                @if let Some(matched) = explain.words_matched {
                    div { dt { "of the rest, any word stands in" } dd { (show::grouped(matched)) } }
                }
                @if let Some(compared) = explain.compared {
                    div { dt { "compared by meaning" } dd { (show::grouped(compared)) } }
                }
                div { dt { "found" } dd { (show::grouped(total)) } }
            }
            (notes(explain))
            (words(explain))
            @if !explain.filters.is_empty() {
                div.wide tabindex="0" role="region" aria-label="What each filter leaves out" {
                    table {
                        caption { "What each filter leaves out, by itself" }
                        thead { tr { th scope="col" { "Filter" } th.number scope="col" { "By what they have" } th.number scope="col" { "Unknown" } } }
                        tbody { @for filter in &explain.filters { tr {
                            th scope="row" { bdi { (show::beginning(&filter.filter, 120)) } }
                            td.number { (show::grouped(filter.excluded)) }
                            td.number { (show::grouped(filter.unknown)) }
                        } } }
                    }
                }
                p.note { "An unknown passes no filter. Write " code { ",?" } " behind a value to let it pass: " code { "license:mit,?" } "." }
            }
        }
    }
}

/// What filters ask for that no record has.
pub(super) fn notes(explain: &Explain) -> Markup {
    html! { @for note in &explain.notes { p.note { bdi { (show::text(note)) } } } }
}

/// Which words counted.
pub(super) fn words(explain: &Explain) -> Markup {
    html! {
        @if !explain.meaning.is_empty() { p.note { "Meaning: " (show::text(&explain.meaning)) "." } }
        @if let Some((known, all)) = explain.words_known {
            p.note { "Of " (all) " words, " (known) " are known to what makes the vectors." }
        }
        @for beginning in &explain.cut_beginnings {
            p.note { bdi { (show::beginning(beginning, 60)) } " stands for more words than are looked at." }
        }
    }
}

fn reason(hit: &Hit) -> Markup {
    let tier = match hit.tier {
        Tier::Id => "Its id is the query: it comes first, whatever the scores.",
        Tier::Name => "Its name is the query, but for case and separators: it comes before what has a score.",
        Tier::InName => "All words of the query are in its name: it comes before what has ranks.",
        Tier::Ranks => "By its ranks among all that match.",
        Tier::Sorted => "In the order that was asked for.",
    };
    html! {
        p { (hits::name(&hit.shown)) }
        p.note { (tier) }
        @if let Some(explain) = &hit.explain { (numbers(hit, explain)) }
    }
}

fn numbers(hit: &Hit, explain: &HitExplain) -> Markup {
    let rank = |rank: Option<usize>| rank.map_or("none".to_owned(), |rank| show::grouped(rank as u64));
    html! {
        details {
            summary { "Score " (format!("{:.5}", hit.score)) }
            dl.steps {
                @for addend in &explain.addends {
                    div { dt { (show::beginning(&addend.what, 80)) } dd { (format!("{:.5}", addend.value)) } }
                }
                @if hit.tier == Tier::Ranks {
                    div { dt { "rank by words" } dd { (rank(explain.rank_by_words)) } }
                    div { dt { "rank by meaning" } dd { (rank(explain.rank_by_meaning)) } }
                }
                @if let Some(cosine) = explain.cosine { div { dt { "cosine" } dd { (format!("{cosine:.4}")) } } }
            }
            @if !explain.bm25.is_empty() {
                table {
                    caption { "BM25 by field and word; they sum up to what words rank by" }
                    thead { tr { th scope="col" { "Field" } th scope="col" { "Word" } th.number scope="col" { "Adds" } } }
                    tbody { @for part in explain.bm25.iter().take(100) { tr {
                        th scope="row" { (part.field) }
                        td { bdi { (show::beginning(&part.word, 60)) } }
                        td.number { (format!("{:.3}", part.value)) }
                    } } }
                }
            }
        }
    }
}
