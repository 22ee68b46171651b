//! The form beside the hits: order, hardware, facets, numbers.

use maud::{Markup, html};

use super::answer::Ask;
use super::asked::can_be_asked;
use super::facets::Shown;
use super::show;
use crate::document::Kind;

/// Columns of numbers and times that have a field, with an example.
const RANGES: &[(&str, &str)] = &[
    ("params", "1B..8B"),
    ("downloads", ">=1000"),
    ("likes", ">=10"),
    ("context", ">=32k"),
    ("updated", ">=2026-01-01"),
    ("created", ">=2026-01-01"),
];
/// Orders, by column.
const ORDERS: &[(&str, &str)] = &[
    ("downloads:desc", "Most downloads"),
    ("likes:desc", "Most likes"),
    ("trending:desc", "Trending"),
    ("updated:desc", "Last updated"),
    ("created:desc", "Newest"),
    ("params:asc", "Smallest"),
    ("params:desc", "Largest"),
    ("popularity:desc", "Most popular"),
];

/// The parameters that no field of the form shows: they are carried along, hidden. Of several ranges of one column the form
/// shows the first.
fn carried<'a>(ask: &'a Ask, facets: &'a [Shown]) -> impl Iterator<Item = &'a (String, String)> {
    let mut ranges: Vec<&str> = ranges(ask).map(|(column, _)| *column).collect();
    ask.asked.pairs().iter().filter(move |(name, _)| {
        if let Some(at) = ranges.iter().position(|column| column == name) {
            ranges.swap_remove(at);
            return false;
        }
        let shown = ["q", "sort", "by", "fits", "at", "tight", "fold", "page"].contains(&name.as_str());
        !shown && !facets.iter().any(|facet| facet.column == *name)
    })
}

fn ranges(ask: &Ask) -> impl Iterator<Item = &(&'static str, &'static str)> {
    let of_numbers = |column: &str| ask.index.columns().get(column).is_some_and(|kind| *kind != Kind::Facet);
    RANGES.iter().filter(move |(column, _)| of_numbers(column))
}

pub(super) fn form(ask: &Ask, facets: &[Shown]) -> Markup {
    let asked = &ask.asked;
    html! {
        aside #filters aria-label="Filters" {
            @for (name, value) in carried(ask, facets) { input type="hidden" name=(name) value=(value) form="search"; }
            (order(ask))
            @if ask.index.columns().contains_key("weight_bytes") { (hardware(ask)) }
            @for facet in facets { (choice(facet)) }
            details open[ranges(ask).any(|(column, _)| asked.one(column).is_some())] {
                summary { "Numbers and times" }
                @for (column, example) in ranges(ask) {
                    div.field {
                        label for={ "n-" (column) } { (show::label(column)) }
                        input id={ "n-" (column) } type="text" name=(column) form="search" autocomplete="off"
                            value=[asked.one(column)] placeholder=(example);
                    }
                }
            }
            div.apply {
                button type="submit" form="search" { "Apply" }
                @if asked.filters().next().is_some() {
                    a href=(clear(ask)) { "Clear filters" }
                }
            }
        }
    }
}

/// The words alone.
fn clear(ask: &Ask) -> String {
    let mut asked = ask.asked.search();
    let filters: Vec<(String, String)> = asked.filters().map(|(a, b)| (a.to_owned(), b.to_owned())).collect();
    for (name, value) in filters {
        asked = asked.without(&name, &value);
    }
    asked.url("/")
}

fn order(ask: &Ask) -> Markup {
    let sort = ask.asked.one("sort");
    let by = ask.asked.one("by").unwrap_or("both");
    let has = |order: &str| ask.index.columns().contains_key(order.split(':').next().unwrap_or_default());
    let other = sort.filter(|sort| !ORDERS.iter().any(|(order, _)| order == sort));
    html! {
        div.field {
            label for="sort" { "Order" }
            select #sort name="sort" form="search" autocomplete="off" {
                option value="" { "Best match" }
                @for (order, name) in ORDERS.iter().filter(|(order, _)| has(order)) {
                    option value=(order) selected[sort == Some(order)] { (name) }
                }
                @if let Some(other) = other { option value=(other) selected { (other) } }
            }
        }
        @if ask.index.model().is_some() {
            div.field {
                label for="by" { "Match by" }
                select #by name="by" form="search" autocomplete="off" {
                    @for (value, name) in [("", "Words and meaning"), ("words", "Words"), ("meaning", "Meaning")] {
                        option value=(value) selected[by == value] { (name) }
                    }
                }
            }
        }
        @if [crate::mapping::GROUP, crate::mapping::SAME].iter().any(|column| ask.index.columns().contains_key(*column)) {
            div.field {
                label.check {
                    input type="checkbox" name="fold" value="1" form="search" autocomplete="off"
                        checked[ask.asked.has("fold", "1")];
                    span { "Variants under their base" }
                }
            }
        }
    }
}

/// The device, and the context for it.
pub(super) fn hardware(ask: &Ask) -> Markup {
    let asked = &ask.asked;
    html! {
        fieldset.hardware {
            legend { "Fits my hardware" }
            div.field {
                label for="fits" { "Device or memory" }
                input #fits type="text" name="fits" form="search" list="devices" autocomplete="off"
                    value=[asked.one("fits")] placeholder="RTX 4090 or 24GiB";
                datalist #devices {
                    @for device in &ask.index.devices().0 { option value=(device.name) {} }
                }
            }
            div.field {
                label for="at" { "Context, tokens" }
                (contexts(asked.one("at")))
            }
            div.field {
                label.check {
                    input type="checkbox" name="tight" value="1" form="search" autocomplete="off"
                        checked[asked.has("tight", "1")];
                    span { "Also what may just fit" }
                }
            }
        }
    }
}

fn contexts(at: Option<&str>) -> Markup {
    const KNOWN: [(&str, &str); 6] =
        [("2048", "2k"), ("4096", "4k"), ("", "8k"), ("16384", "16k"), ("32768", "32k"), ("131072", "128k")];
    html! {
        select #at name="at" form="search" autocomplete="off" {
            @for (value, name) in KNOWN { option value=(value) selected[at.unwrap_or("") == value] { (name) } }
            @if let Some(other) = at.filter(|at| !KNOWN.iter().any(|(value, _)| value == at)) {
                option value=(other) selected { (other) }
            }
        }
    }
}

fn choice(facet: &Shown) -> Markup {
    html! {
        details open {
            summary { (show::label(&facet.column)) }
            ul.choice aria-label=(show::label(&facet.column)) {
                @for (text, count, chosen) in &facet.texts {
                    li {
                        @if *chosen || can_be_asked(text) {
                            label.check {
                                input type="checkbox" name=(facet.column) value=(text) form="search" autocomplete="off"
                                    checked[*chosen];
                                span { bdi { (show::beginning(text, 60)) } }
                                (counted(*count))
                            }
                        } @else {
                            span.check {
                                span { bdi { (show::beginning(text, 60)) } }
                                (counted(*count))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn counted(count: Option<u64>) -> Markup {
    html! { @if let Some(count) = count { span.count { (show::grouped(count)) } } }
}
