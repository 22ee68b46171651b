//! The section of a comparison.

use maud::{Markup, html};

use super::{chart, key, table};
use crate::compare::{Comparison, Difference};
use crate::table::{UNKNOWN, number, shown};

/// How many disagreements the page shows.
const SHOWN: usize = 200;

pub(super) fn comparison(comparison: &Comparison) -> Markup {
    let ends =
        comparison.differences.iter().flat_map(|difference| [difference.low, difference.high]).flatten();
    let reach = ends.map(f64::abs).fold(0.02, f64::max);
    let tested = &comparison.mcnemar;
    let lines = [
        ("both right", tested.both),
        ("only A", tested.only_a),
        ("only B", tested.only_b),
        ("neither", tested.neither),
    ];
    let chance = tested.p_value.map_or(UNKNOWN.into(), |chance| format!("{chance:.4}"));
    html! {
        section {
            h2 { "B against A" }
            p { "A: " (shown(&comparison.a)) br; "B: " (shown(&comparison.b)) }
            p {
                "On " (shown(&comparison.aspect)) ": " (comparison.rows) " rows, those without an answer count as wrong. 95 % "
                "intervals: paired bootstrap of " (comparison.resamples) " resamples, seed " (comparison.seed) "."
            }
            div.bars { @for part in &comparison.differences { (difference(part, reach)) } }
            (key(&[("one", "interval"), ("two", "difference"), ("three", "no difference")]))
            (table(&["rows", ""], lines.map(|(name, count)| vec![name.to_owned(), count.to_string()])))
            p { "McNemar's exact test, two-sided: p = " (chance) "." }
            (disagreements(comparison))
        }
    }
}

fn difference(difference: &Difference, reach: f64) -> Markup {
    let signed = |value: Option<f64>| value.map_or(UNKNOWN.into(), |value| format!("{value:+.3}"));
    html! {
        div.name {
            (difference.figure)
            i {
                (number(difference.a)) " to " (number(difference.b)) ": " (signed(difference.difference))
                " (" (signed(difference.low)) " to " (signed(difference.high)) ")"
            }
        }
        div.bar {
            (chart::interval(difference, reach))
            span { (difference.clear.map_or(UNKNOWN, |clear| if clear { "clear" } else { "open" })) }
        }
    }
}

fn disagreements(comparison: &Comparison) -> Markup {
    let all = comparison.disagreements.len();
    let list =
        |labels: &Option<Vec<String>>| labels.as_ref().map_or("(no answer)".into(), |all| all.join(" + "));
    let lines = comparison.disagreements.iter().take(SHOWN);
    let lines = lines.map(|row| vec![row.id.clone(), row.gold.join(" + "), list(&row.a), list(&row.b)]);
    html! {
        details {
            summary { (all) " rows with two different answers" }
            div.words { (table(&["id", "gold", "A", "B"], lines)) }
        }
        @if all > SHOWN { p { (all - SHOWN) " more are in the JSON report." } }
    }
}
