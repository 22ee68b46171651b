//! Who made most.

use crawl_core::Result;
use maud::html;
use serde::Serialize;

use super::answer::{Answer, Ask};
use super::asked::{can_be_asked, link};
use super::{layout, show};
use crate::columns::Column;
use crate::filter::number_at;
use crate::query::wrong;

/// So many are told.
const MOST: usize = 100;

/// An author, and what all their records have together.
#[derive(Debug, Serialize)]
pub(super) struct Author {
    pub(super) author: String,
    pub(super) records: u64,
    /// `None` where no record of theirs tells.
    pub(super) downloads: Option<f64>,
    /// `None` where no record of theirs tells.
    pub(super) likes: Option<f64>,
}

/// The first by number of records, or by what `order` names: `downloads` or `likes`.
pub(super) fn top(ask: &Ask) -> Result<Vec<Author>> {
    if ask.asked.one("order").is_some_and(|order| !["records", "downloads", "likes"].contains(&order)) {
        return Err(wrong("`order` is records, downloads or likes".into(), "leave it out"));
    }
    let index = &ask.index;
    let Some(column) = index.column("author")? else { return Ok(Vec::new()) };
    let Column::Facet(facet) = &*column else { return Ok(Vec::new()) };
    let (downloads, likes) = (index.column("downloads")?, index.column("likes")?);
    let mut sums: Vec<(u64, Option<f64>, Option<f64>)> = vec![(0, None, None); facet.names.len()];
    for place in index.live().places() {
        for id in facet.at(place) {
            let (records, of_downloads, of_likes) = &mut sums[*id as usize];
            *records += 1;
            for (sum, column) in [(of_downloads, &downloads), (of_likes, &likes)] {
                if let Some(number) = number_at(column.as_deref(), place) {
                    *sum = Some(sum.unwrap_or(0.0) + number);
                }
            }
        }
    }
    let mut order: Vec<usize> = (0..sums.len()).filter(|id| sums[*id].0 > 0).collect();
    let by = |id: usize| match ask.asked.one("order") {
        Some("downloads") => sums[id].1.unwrap_or(-1.0),
        Some("likes") => sums[id].2.unwrap_or(-1.0),
        _ => sums[id].0 as f64,
    };
    order.sort_unstable_by(|a, b| {
        by(*b).total_cmp(&by(*a)).then_with(|| facet.names[*a].cmp(&facet.names[*b]))
    });
    order.truncate(MOST);
    let author = |id: usize| {
        let (records, downloads, likes) = sums[id];
        Author { author: facet.names[id].clone(), records, downloads, likes }
    };
    Ok(order.into_iter().map(author).collect())
}

pub(super) fn page(ask: &Ask) -> Result<Answer> {
    let authors = top(ask)?;
    let order = ask.asked.one("order").unwrap_or("records");
    let number = |number: Option<f64>| number.map_or_else(|| "unknown".to_owned(), show::short);
    let content = html! {
        main #main.narrow {
            h1 { "Authors" }
            p {
                "The first " (MOST) " by "
                @for (at, name) in ["records", "downloads", "likes"].into_iter().enumerate() {
                    @if at > 0 { " · " }
                    @if name == order { strong { (name) } } @else { a href=(link("/authors", "order", name)) { (name) } }
                }
            }
            @if authors.is_empty() { p { "No record of this index tells its author." } }
            @else {
                div.wide tabindex="0" role="region" aria-label="Authors" {
                    table {
                        thead { tr {
                            th scope="col" { "Author" } th.number scope="col" { "Records" }
                            th.number scope="col" { "Downloads" } th.number scope="col" { "Likes" }
                        } }
                        tbody { @for author in &authors { tr {
                            th scope="row" {
                                @if can_be_asked(&author.author) { a href=(link("/", "author", &author.author)) { bdi { (show::beginning(&author.author, 80)) } } }
                                @else { bdi { (show::beginning(&author.author, 80)) } }
                            }
                            td.number { (show::grouped(author.records)) }
                            td.number { (number(author.downloads)) }
                            td.number { (number(author.likes)) }
                        } } }
                    }
                }
            }
        }
    };
    Ok(Answer::Page(layout::page(ask, "Authors – record-search", "/authors", &content)))
}
