//! The page: a report as one HTML file that needs nothing else.

mod aspect;
mod chart;
mod compared;
mod distilled;
mod part;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::compare::Comparison;
use super::report::Report;
use super::table::shown;

pub use distilled::distilled_page;

const STYLE: &str = include_str!("page/style.css");

/// Should a text ever slip through, it can neither run nor load anything.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// One HTML page of one report, or of two and their comparison. It holds its style and its plots, loads nothing, and
/// runs nothing.
pub fn page(reports: &[Report], comparison: Option<&Comparison>) -> String {
    let task = reports.first().map_or("", |report| report.task.as_str());
    let content = html! {
        @if let Some(comparison) = comparison { (compared::comparison(comparison)) }
        @for (report, side) in reports.iter().zip(["A", "B"]) {
            @if reports.len() > 1 { h1.side { (side) } }
            (part::report(report))
        }
    };
    whole(task, "evaluation", &content)
}

/// A whole page about a task.
fn whole(title: &str, about: &str, content: &Markup) -> String {
    let title = shown(title);
    let page = html! {
        (DOCTYPE) "\n"
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { (title) ": " (about) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { (title) " " small { (about) } }
                    (content)
                    footer { "n/a: not known, or not defined (nothing divided by nothing). Made by llm-evaluator." }
                }
            }
        }
        "\n"
    };
    page.into_string()
}

/// A table; the first column is a text, the others are figures.
fn table(head: &[&str], lines: impl IntoIterator<Item = Vec<String>>) -> Markup {
    html! {
        div.wide {
            table {
                thead { tr { @for name in head { th { (name) } } } }
                tbody { @for line in lines { tr { @for cell in line { td { (shown(&cell)) } } } } }
            }
        }
    }
}

/// What the colours of a plot mean.
fn key(colours: &[(&str, &str)]) -> Markup {
    html! { div.key { @for (class, name) in colours { span class=(class) { (name) } } } }
}
