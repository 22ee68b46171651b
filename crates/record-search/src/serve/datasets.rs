//! Models with the datasets that they were trained on.

use crawl_core::Result;
use maud::html;

use super::answer::{Answer, Ask};
use super::asked::{can_be_asked, link};
use super::charts::{Row, bars};
use super::{family, hits, layout, show};
use crate::query::{Query, Sort};

/// So many datasets are counted.
const MOST: usize = 25;

pub(super) fn page(ask: &Ask) -> Result<Answer> {
    let (page, limit) = (ask.asked.page()?, ask.asked.limit()?);
    let has = |column: &str| ask.index.columns().contains_key(column);
    let found = match has("dataset") {
        false => None,
        true => Some(ask.index.search(&Query {
            filters: vec!["dataset:*".into()],
            sort: has("downloads").then(|| Sort { column: "downloads".into(), ascending: false }),
            facets: vec!["dataset".into()],
            facet_texts: MOST,
            limit,
            offset: (page - 1).saturating_mul(limit),
            ..Query::default()
        })?),
    };
    let name = |text: &str| {
        html! {
            @if can_be_asked(text) { a href=(link("/", "dataset", text)) { bdi { (show::beginning(text, 60)) } } }
            @else { bdi { (show::beginning(text, 60)) } }
        }
    };
    let content = html! {
        main #main {
            h1 { "Datasets" }
            @match &found {
                Some(found) if found.total > 0 => {
                    p { strong { (show::grouped(found.total)) } " of " (show::grouped(ask.index.documents())) " records tell what they were trained on." }
                    section {
                        h2 { "Named most" }
                        (bars("Datasets by the models that name them", &found.facets.iter().flat_map(|facet| &facet.texts).map(|(text, count)| Row {
                            label: name(text), count: *count, told: None,
                        }).collect::<Vec<_>>(), None))
                    }
                    section {
                        h2 { "Models with their datasets" }
                        div.wide tabindex="0" role="region" aria-label="Models with their datasets" {
                            table {
                                thead { tr { th scope="col" { "Model" } th scope="col" { "Datasets" } } }
                                tbody { @for hit in &found.hits { tr {
                                    th scope="row" { (hits::name(&hit.shown)) }
                                    td {
                                        @let datasets = family::texts(&hit.shown, "dataset");
                                        @for (at, dataset) in datasets.iter().take(8).enumerate() { @if at > 0 { ", " } (name(dataset)) }
                                        @if datasets.len() > 8 { " and " (datasets.len() - 8) " more" }
                                    }
                                } } }
                            }
                        }
                        nav.pages aria-label="Pages of models" {
                            @if page > 1 { a rel="prev" href=(ask.asked.with("page", Some(&(page - 1).to_string())).url("/datasets")) { "Previous" } }
                            @if let Some(next) = ask.asked.next("/datasets", found.total)? { a rel="next" href=(next) { "Next" } }
                        }
                    }
                }
                _ => { p { "No record of this index tells what it was trained on." } }
            }
        }
    };
    Ok(Answer::Page(layout::page(ask, "Datasets – record-search", "/datasets", &content)))
}
