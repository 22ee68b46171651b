//! The section of a comparison.

use super::{Html, chart};
use crate::compare::{Comparison, Difference};
use crate::table::{UNKNOWN, number};

/// How many disagreements the page shows.
const SHOWN: usize = 200;

pub(super) fn comparison(html: &mut Html, comparison: &Comparison) {
    html.raw("<section>").element("h2", "", "B against A");
    html.raw("<p>A: ").text(&comparison.a).raw("<br>B: ").text(&comparison.b).raw("</p>");
    let note = format!(
        "On {}: {} rows, those without an answer count as wrong. 95 % intervals: paired bootstrap of {} resamples, seed {}.",
        comparison.aspect, comparison.rows, comparison.resamples, comparison.seed
    );
    html.element("p", "", &note);
    let ends =
        comparison.differences.iter().flat_map(|difference| [difference.low, difference.high]).flatten();
    let reach = ends.map(f64::abs).fold(0.02, f64::max);
    html.raw("<div class=\"bars\">");
    comparison.differences.iter().for_each(|part| difference(html, part, reach));
    html.raw(
        "</div><div class=\"key\"><span class=\"one\">interval</span><span class=\"two\">difference</span>",
    );
    html.raw("<span class=\"three\">no difference</span></div>");
    let tested = &comparison.mcnemar;
    let lines = [
        ("both right", tested.both),
        ("only A", tested.only_a),
        ("only B", tested.only_b),
        ("neither", tested.neither),
    ];
    html.table(&["rows", ""], lines.map(|(name, count)| vec![name.to_owned(), count.to_string()]));
    let chance = tested.p_value.map_or(UNKNOWN.into(), |chance| format!("{chance:.4}"));
    html.element("p", "", &format!("McNemar's exact test, two-sided: p = {chance}."));
    disagreements(html, comparison);
    html.raw("</section>");
}

fn difference(html: &mut Html, difference: &Difference, reach: f64) {
    let signed = |value: Option<f64>| value.map_or(UNKNOWN.into(), |value| format!("{value:+.3}"));
    let words = format!(
        "{} to {}: {} ({} to {})",
        number(difference.a),
        number(difference.b),
        signed(difference.difference),
        signed(difference.low),
        signed(difference.high)
    );
    html.raw("<div class=\"name\">")
        .text(difference.figure)
        .element("i", "", &words)
        .raw("</div><div class=\"bar\">");
    html.raw(&chart::interval(difference, reach));
    let clear = difference.clear.map_or(UNKNOWN, |clear| if clear { "clear" } else { "open" });
    html.element("span", "", clear).raw("</div>");
}

fn disagreements(html: &mut Html, comparison: &Comparison) {
    let all = comparison.disagreements.len();
    let list =
        |labels: &Option<Vec<String>>| labels.as_ref().map_or("(no answer)".into(), |all| all.join(" + "));
    let lines = comparison.disagreements.iter().take(SHOWN);
    let lines = lines.map(|row| vec![row.id.clone(), row.gold.join(" + "), list(&row.a), list(&row.b)]);
    html.raw("<details><summary>").text(&format!("{all} rows with two different answers"));
    html.raw("</summary><div class=\"words\">")
        .table(&["id", "gold", "A", "B"], lines)
        .raw("</div></details>");
    if all > SHOWN {
        html.element("p", "", &format!("{} more are in the JSON report.", all - SHOWN));
    }
}
