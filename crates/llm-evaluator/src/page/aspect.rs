//! The section of one aspect: its labels, their averages, and what was taken for what.

use maud::{Markup, html};

use super::{chart, key, table};
use crate::report::AspectReport;
use crate::score::{LabelScore, Scores};
use crate::table::{shown, within};

/// How many labels get a picture of their two-by-two confusion.
const PICTURES: usize = 60;

pub(super) fn aspect(aspect: &AspectReport) -> Markup {
    html! {
        section {
            h2 { (shown(&aspect.name)) }
            p { (aspect.answered.rows) " rows; " (aspect.answered.counting) ". The table has both ways." }
            (key(&[("one", "precision"), ("two", "recall"), ("three", "F1")]))
            div.bars { @for label in &aspect.answered.labels { (bars(label)) } }
            (averages(aspect))
            (confusion(&aspect.answered))
        }
    }
}

fn bars(label: &LabelScore) -> Markup {
    let intervals = &label.intervals;
    let figures = [
        (label.precision, intervals.precision, "one"),
        (label.recall, intervals.recall, "two"),
        (label.f1, intervals.f1, "three"),
    ];
    html! {
        div.name { (shown(&label.label)) i { "wanted in " (label.support) } }
        div {
            @for (figure, interval, class) in figures {
                div.bar { (chart::bar(figure, class)) span { (within(figure, interval)) } }
            }
        }
    }
}

fn averages(aspect: &AspectReport) -> Markup {
    let ways = [("no answer left out", &aspect.answered), ("no answer is wrong", &aspect.all)];
    let lines = ways.into_iter().flat_map(|(way, scores)| {
        let averages = [("micro", &scores.micro), ("macro", &scores.macro_), ("weighted", &scores.weighted)];
        averages.map(|(name, average)| {
            let intervals = &average.intervals;
            let figures = [
                within(average.precision, intervals.precision),
                within(average.recall, intervals.recall),
                within(average.f1, intervals.f1),
            ];
            [vec![format!("{name}, {way}"), scores.rows.to_string()], figures.to_vec()].concat()
        })
    });
    table(&["average", "rows", "precision", "recall", "F1"], lines)
}

/// A name that may be broken behind its slashes.
fn broken(name: &str) -> Markup {
    html! {
        @for (place, part) in name.split('/').enumerate() {
            @if place > 0 { "/" wbr; }
            (shown(part))
        }
    }
}

/// A cell whose colour is as strong as its share of the most.
fn cell(count: u64, most: u64) -> Markup {
    let strength = if most == 0 { 0.0 } else { count as f64 / most as f64 };
    html! { td style=(format!("background:rgba(var(--heat),{:.3})", strength * 0.75)) { (count) } }
}

fn confusion(scores: &Scores) -> Markup {
    let Some(cells) = &scores.confusion else { return pictures(scores) };
    let across = scores.labels.len();
    html! {
        h2 { "Confusion" }
        p { "Down: what is right. Across: what was answered." }
        div.wide.heat {
            table {
                thead { tr { th {} @for label in &scores.labels { th { (broken(&label.label)) } } } }
                tbody {
                    @for (label, line) in scores.labels.iter().zip(cells) {
                        @let most = line.iter().copied().max().unwrap_or(0);
                        tr {
                            td { (broken(&label.label)) }
                            @for count in line.iter().take(across) { (cell(*count, most)) }
                        }
                    }
                }
            }
        }
    }
}

/// A two-by-two confusion for each label.
fn pictures(scores: &Scores) -> Markup {
    let rest = scores.labels.len().saturating_sub(PICTURES);
    html! {
        h2 { "Confusion" }
        p { "For each label: is it right, and was it answered?" }
        div.two-by-two { @for label in scores.labels.iter().take(PICTURES) { (picture(label)) } }
        @if rest > 0 { p { (rest) " more labels are in the JSON report." } }
    }
}

fn picture(label: &LabelScore) -> Markup {
    let lines = [
        ("right", label.true_positives, label.false_negatives),
        ("not right", label.false_positives, label.true_negatives),
    ];
    html! {
        figure {
            figcaption { (shown(&label.label)) }
            div.heat {
                table {
                    thead { tr { th {} th { "answered" } th { "not" } } }
                    tbody {
                        @for (name, answered, not) in lines {
                            tr { td { (name) } (cell(answered, answered + not)) (cell(not, answered + not)) }
                        }
                    }
                }
            }
        }
    }
}
