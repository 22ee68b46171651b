//! Tables: a report as aligned text for a terminal.

mod compared;
#[cfg(test)]
mod tests;

use super::calibration::{Calibration, Errors, Fitted};
use super::cost::{Cost, Mean};
use super::report::{AspectReport, Coverage, Report};
use super::score::{Average, Scores};
use super::sweep::{Point, Sweep};
use crate::headline::Figure;
use crate::interval::Interval;
use crate::threshold::{Chosen, KeptRows};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

pub use compared::comparison_table;

/// What stands where a figure is unknown or undefined.
pub(crate) const UNKNOWN: &str = "n/a";

/// The whole report.
pub fn table(report: &Report) -> String {
    let mut text = format!(
        "task     {}\ngold     {}\nanswers  {}\n",
        shown(&report.task),
        shown(&report.gold),
        shown(&report.answers)
    );
    text.push_str(&coverage(&report.coverage));
    text.push_str(&headline(report));
    report.aspects.iter().for_each(|aspect| text.push_str(&self::aspect(aspect)));
    if !report.strata.is_empty() {
        let lines = report.strata.iter().map(|stratum| {
            vec![
                shown(&stratum.sampled),
                stratum.rows.to_string(),
                within(stratum.subset_accuracy, stratum.intervals.subset_accuracy),
                within(stratum.micro_f1, stratum.intervals.micro_f1),
            ]
        });
        text.push_str("\nby why rows are in the gold file (only random rows speak for the whole listing)\n");
        text.push_str(&aligned(&["sampled", "rows", "accuracy", "micro F1"], lines));
    }
    match &report.calibration {
        Some(calibration) => text.push_str(&calibrated(calibration)),
        None => text.push_str("\ncalibration: n/a, no answer has a confidence\n"),
    }
    report.sweeps.iter().for_each(|sweep| text.push_str(&swept(sweep)));
    if !report.thresholds.is_empty() {
        text.push_str(&chosen(&report.thresholds));
    }
    text.push_str(&billed(&report.cost));
    text
}

fn headline(report: &Report) -> String {
    let headline = &report.headline;
    let of = match headline.of {
        "random" => format!("{} rows drawn at random", headline.rows),
        _ => format!("all {} labelled rows, of which none says that it was drawn at random", headline.rows),
    };
    let line = |name: &str, figure: Figure| vec![name.to_owned(), within(figure.value, figure.interval)];
    let lines = [
        line("subset accuracy", headline.subset_accuracy),
        line("micro F1", headline.micro_f1),
        line("macro F1", headline.macro_f1),
    ];
    format!(
        "\nheadline: {of}; no answer counts as wrong\n{}in brackets: 95 % intervals; Wilson's for shares of rows, else the \
         bootstrap's of {} draws, seed {}\n",
        aligned(&["figure", "value"], lines),
        report.draw.resamples,
        report.draw.seed
    )
}

fn coverage(coverage: &Coverage) -> String {
    let mut text = format!(
        "rows     {} in gold = {} answered + {} without an answer + {} not labelled yet\n",
        coverage.gold_rows,
        coverage.answered,
        coverage.labelled - coverage.answered,
        coverage.unlabelled
    );
    for (why, count) in &coverage.missing {
        text.push_str(&format!("         {count:>6} without an answer: {}\n", shown(why)));
    }
    if coverage.conflicting > 0 {
        text.push_str(&format!(
            "         {:>6} with two different answers: the first one counted\n",
            coverage.conflicting
        ));
    }
    text
}

fn aspect(aspect: &AspectReport) -> String {
    let mut text = format!("\n== {} ==\n", shown(&aspect.name));
    text.push_str(&scores(&aspect.answered));
    if aspect.answered != (Scores { counting: aspect.answered.counting, ..aspect.all.clone() }) {
        text.push_str(&summary(&aspect.all));
    }
    text
}

fn summary(scores: &Scores) -> String {
    let line = |name: &str, average: &Average| {
        vec![
            name.to_owned(),
            within(average.precision, average.intervals.precision),
            within(average.recall, average.intervals.recall),
            within(average.f1, average.intervals.f1),
            format!("{} labels", average.labels),
        ]
    };
    let lines =
        [line("micro", &scores.micro), line("macro", &scores.macro_), line("weighted", &scores.weighted)];
    format!(
        "\n{} ({} rows)\nsubset accuracy {}   accuracy of single yes/no decisions {}\n{}",
        scores.counting,
        scores.rows,
        within(scores.subset_accuracy, scores.intervals.subset_accuracy),
        within(scores.label_accuracy, scores.intervals.label_accuracy),
        aligned(&["average", "precision", "recall", "F1", "over"], lines)
    )
}

fn scores(scores: &Scores) -> String {
    let lines = scores.labels.iter().map(|label| {
        let mut line = vec![shown(&label.label)];
        let intervals = &label.intervals;
        line.extend([
            within(label.precision, intervals.precision),
            within(label.recall, intervals.recall),
            within(label.f1, intervals.f1),
            within(label.accuracy, intervals.accuracy),
        ]);
        let counts = [
            label.support,
            label.true_positives,
            label.false_positives,
            label.false_negatives,
            label.true_negatives,
        ];
        line.extend(counts.map(|count| count.to_string()));
        line
    });
    let head = ["label", "precision", "recall", "F1", "accuracy", "support", "tp", "fp", "fn", "tn"];
    format!("{}\n{}{}", summary(scores), aligned(&head, lines), confusion(scores))
}

fn confusion(scores: &Scores) -> String {
    let Some(cells) = &scores.confusion else { return String::new() };
    let names: Vec<String> = scores.labels.iter().map(|label| shown(&label.label)).collect();
    let head: Vec<&str> = std::iter::once("wanted \\ answered")
        .chain(names.iter().map(String::as_str))
        .chain(["(no answer)"])
        .collect();
    let lines = names
        .iter()
        .zip(cells)
        .map(|(name, cells)| std::iter::once(name.clone()).chain(cells.iter().map(u64::to_string)).collect());
    format!("\n{}", aligned(&head, lines))
}

fn calibrated(calibration: &Calibration) -> String {
    let lines = calibration.bins.iter().map(|bin| {
        vec![
            shown(&bin.name),
            bin.answers.to_string(),
            number(bin.confidence),
            within(bin.right, bin.interval),
        ]
    });
    format!(
        "\ncalibration: an answer is right if {}\nexpected calibration error {} ({} bins)   Brier score {}   {} answers, {} \
         without a confidence\n{}{}",
        shown(&calibration.right),
        within(calibration.expected_calibration_error, calibration.intervals.expected_calibration_error),
        calibration.bins.len(),
        within(calibration.brier, calibration.intervals.brier),
        calibration.answers,
        calibration.without,
        aligned(&["confidence", "answers", "mean", "right"], lines),
        calibration.fitted.as_ref().map_or(String::new(), fitted)
    )
}

/// The curves, each with its errors on answers that it did not see.
fn fitted(fitted: &Fitted) -> String {
    let line = |name: &str, errors: &Errors| {
        let figures = [errors.expected_calibration_error, errors.brier].map(|figure| format!("{figure:.3}"));
        [vec![name.to_owned()], figures.to_vec()].concat()
    };
    let held_out = &fitted.held_out;
    let lines = [line("isotonic", &held_out.isotonic), line("Platt", &held_out.platt)];
    format!(
        "fitted curves, on answers that they did not see; Platt: 1 / (1 + exp({:.4} * confidence {} {:.4}))\n{}",
        fitted.platt.a,
        if fitted.platt.b < 0.0 { '-' } else { '+' },
        fitted.platt.b.abs(),
        aligned(&["curve", "calibration error", "Brier score"], lines)
    )
}

/// What [`wished`] gives.
pub(crate) const WISHED: [&str; 6] =
    ["on", "at least", "kept", "precision", "kept of unseen", "their precision"];

/// The threshold for a wished precision, in the columns of the table and of the page.
pub(crate) fn wished(chosen: &Chosen) -> Vec<String> {
    let kept = |kept: &KeptRows| format!("{} of {}", kept.kept, kept.of);
    vec![
        shown(&chosen.by),
        chosen.threshold.map_or("none".into(), |threshold| format!("{threshold}")),
        kept(&chosen.chosen),
        within(chosen.chosen.precision, chosen.chosen.interval),
        kept(&chosen.held_out),
        within(chosen.held_out.precision, chosen.held_out.interval),
    ]
}

fn chosen(all: &[Chosen]) -> String {
    let rows = all.first().map_or("all", |chosen| chosen.rows);
    format!(
        "\nlowest thresholds with a precision of at least {} by the low end of its interval, from the rows: {rows}\n{}",
        all.first().map_or(0.0, |chosen| chosen.wished),
        aligned(&WISHED, all.iter().map(wished))
    )
}

fn swept(sweep: &Sweep) -> String {
    let lines = sweep.points.iter().map(point);
    format!("\nthreshold on {}: of {}\n{}", sweep.by, sweep.of, aligned(&POINT, lines))
}

/// What [`point`] gives.
pub(crate) const POINT: [&str; 6] = ["at least", "kept", "share", "precision", "recall", "F1"];

/// A threshold and what it does, in the columns of the table and of the page.
pub(crate) fn point(point: &Point) -> Vec<String> {
    let intervals = &point.intervals;
    vec![
        format!("{:.2}", point.threshold),
        point.kept.to_string(),
        within(point.share, intervals.share),
        within(point.precision, intervals.precision),
        within(point.recall, intervals.recall),
        within(point.f1, intervals.f1),
    ]
}

fn billed(cost: &Cost) -> String {
    let line = |name: &str, mean: &Mean, digits: usize| {
        let of = |value: Option<f64>| value.map_or(UNKNOWN.into(), |value| format!("{value:.digits$}"));
        vec![
            name.to_owned(),
            match mean.interval {
                Some(Interval { low, high }) => {
                    format!("{} ({low:.digits$} to {high:.digits$})", of(mean.per_record))
                }
                None => of(mean.per_record),
            },
            of(mean.sum),
            format!("{} of {}", mean.known, cost.answers),
        ]
    };
    let lines = [
        line("dollars", &cost.dollars, 6),
        line("tokens sent", &cost.prompt_tokens, 1),
        line("tokens received", &cost.completion_tokens, 1),
    ];
    format!("\n{}", aligned(&["cost", "per record", "sum", "known for"], lines))
}

/// A figure from 0 to 1, or that there is none.
pub(crate) fn number(value: Option<f64>) -> String {
    value.map_or(UNKNOWN.into(), |value| format!("{value:.3}"))
}

/// A figure from 0 to 1 with its interval.
pub(crate) fn within(value: Option<f64>, interval: Option<Interval>) -> String {
    match (value, interval) {
        (Some(value), Some(Interval { low, high })) => format!("{value:.3} ({low:.3}-{high:.3})"),
        (value, _) => number(value),
    }
}

/// A text of strangers in one line: what moves the cursor or the direction of writing is shown as its escape.
pub(crate) fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match hidden(letter) {
            true => out.extend(letter.escape_unicode()),
            false => out.push(letter),
        }
    }
    out
}

/// Whether a letter cannot be seen, or changes how others are seen.
pub(crate) fn hidden(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}') || llm_classifier::is_hidden(letter)
}

/// Lines under a head, in columns: figures to the right, words to the left.
pub(crate) fn aligned(head: &[&str], lines: impl IntoIterator<Item = Vec<String>>) -> String {
    let lines: Vec<Vec<String>> = lines.into_iter().collect();
    let figure =
        |cell: &String| cell == UNKNOWN || cell.starts_with(|first: char| "+-0123456789".contains(first));
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(head).add_rows(&lines);
    for (place, column) in table.column_iter_mut().enumerate() {
        let figures = place > 0 && lines.iter().filter_map(|line| line.get(place)).all(figure);
        column.set_cell_alignment(if figures { CellAlignment::Right } else { CellAlignment::Left });
        column.set_padding((if place > 0 { 2 } else { 0 }, 0));
    }
    table.trim_fmt() + "\n"
}
