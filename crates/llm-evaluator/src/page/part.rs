//! Parts: the sections of the page.

use super::{Html, chart};
use crate::calibration::{Calibration, Errors, Fitted};
use crate::interval::Interval;
use crate::report::{AspectReport, Report};
use crate::score::{LabelScore, Scores};
use crate::sweep::Sweep;
use crate::table::{UNKNOWN, number, within};
use crate::threshold::{Chosen, Kept};

/// How many labels get a picture of their two-by-two confusion.
const PICTURES: usize = 60;

pub(super) fn report(html: &mut Html, report: &Report) {
    summary(html, report);
    report.aspects.iter().for_each(|part| aspect(html, part));
    if let Some(part) = &report.calibration {
        calibration(html, part);
    }
    report.sweeps.iter().for_each(|part| sweep(html, part));
    thresholds(html, &report.thresholds);
    cost(html, report);
}

pub(super) fn tile(html: &mut Html, figure: &str, name: &str, interval: Option<Interval>) {
    html.raw("<div class=\"tile\">").element("b", "", figure).element("span", "", name);
    if let Some(Interval { low, high }) = interval {
        html.element("i", "", &format!("{low:.3} to {high:.3}"));
    }
    html.raw("</div>");
}

fn summary(html: &mut Html, report: &Report) {
    let coverage = &report.coverage;
    html.raw("<section>").element("h2", "", "Summary").raw("<p>");
    html.text(&report.answers).raw(" against ").text(&report.gold).raw("</p><div class=\"tiles\">");
    let headline = &report.headline;
    let quoted = [
        (headline.subset_accuracy, "rows wholly right"),
        (headline.micro_f1, "micro F1"),
        (headline.macro_f1, "macro F1"),
    ];
    for (figure, name) in quoted {
        tile(html, &number(figure.value), name, figure.interval);
    }
    tile(
        html,
        &format!("{} of {}", coverage.answered, coverage.labelled),
        "labelled rows with an answer",
        coverage.interval,
    );
    let calibration = report.calibration.as_ref();
    let error = calibration.and_then(|calibration| calibration.expected_calibration_error);
    let interval = calibration.and_then(|calibration| calibration.intervals.expected_calibration_error);
    tile(html, &number(error), "expected calibration error", interval);
    let dollars = report.cost.dollars.per_record;
    tile(html, &dollars.map_or(UNKNOWN.into(), |dollars| format!("{dollars:.6}")), "dollars a record", None);
    html.raw("</div>");
    let of = match headline.of {
        "random" => "rows that were drawn at random: they speak for the whole listing",
        _ => "labelled rows; none says that it was drawn at random, so they speak for themselves",
    };
    html.element(
        "p",
        "",
        &format!(
            "The first three are of {} {of}. No answer counts as wrong. Below the figures and in brackets: 95 % intervals, Wilson's for \
             shares of rows, else the bootstrap's of {} draws (seed {}).",
            headline.rows, report.draw.resamples, report.draw.seed
        ),
    );
    let missing = coverage.missing.iter().map(|(why, count)| vec![why.clone(), count.to_string()]);
    if !coverage.missing.is_empty() {
        html.table(&["no answer because", "rows"], missing);
    }
    if coverage.unlabelled > 0 {
        html.element(
            "p",
            "",
            &format!("{} gold rows are not labelled yet and in no figure.", coverage.unlabelled),
        );
    }
    if !report.strata.is_empty() {
        let line = |stratum: &crate::Stratum| {
            let intervals = &stratum.intervals;
            let figures = [
                within(stratum.subset_accuracy, intervals.subset_accuracy),
                within(stratum.micro_f1, intervals.micro_f1),
            ];
            [vec![stratum.sampled.clone(), stratum.rows.to_string()], figures.to_vec()].concat()
        };
        html.table(&["rows picked as", "rows", "accuracy", "micro F1"], report.strata.iter().map(line));
        html.element("p", "", "Only rows picked at random tell how good the whole listing is.");
    }
    html.raw("</section>");
}

fn aspect(html: &mut Html, aspect: &AspectReport) {
    html.raw("<section>").element("h2", "", &aspect.name);
    let rows =
        format!("{} rows; {}. The table has both ways.", aspect.answered.rows, aspect.answered.counting);
    html.element("p", "", &rows);
    html.raw("<div class=\"key\"><span class=\"one\">precision</span><span class=\"two\">recall</span>");
    html.raw("<span class=\"three\">F1</span></div><div class=\"bars\">");
    aspect.answered.labels.iter().for_each(|label| bars(html, label));
    html.raw("</div>");
    averages(html, aspect);
    confusion(html, &aspect.answered);
    html.raw("</section>");
}

fn bars(html: &mut Html, label: &LabelScore) {
    html.raw("<div class=\"name\">").text(&label.label);
    html.element("i", "", &format!("wanted in {}", label.support)).raw("</div><div>");
    let intervals = &label.intervals;
    let figures = [
        (label.precision, intervals.precision, "one"),
        (label.recall, intervals.recall, "two"),
        (label.f1, intervals.f1, "three"),
    ];
    for (figure, interval, class) in figures {
        html.raw("<div class=\"bar\">").raw(&chart::bar(figure, class));
        html.element("span", "", &within(figure, interval));
        html.raw("</div>");
    }
    html.raw("</div>");
}

fn averages(html: &mut Html, aspect: &AspectReport) {
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
    html.table(&["average", "rows", "precision", "recall", "F1"], lines.collect::<Vec<_>>());
}

/// The strength of a cell's colour, 0 to 1.
fn cell(html: &mut Html, count: u64, most: u64) {
    let strength = if most == 0 { 0.0 } else { count as f64 / most as f64 };
    html.raw(&format!("<td style=\"background:rgba(var(--heat),{:.3})\">{count}</td>", strength * 0.75));
}

fn confusion(html: &mut Html, scores: &Scores) {
    let Some(cells) = &scores.confusion else { return pictures(html, scores) };
    html.element("h2", "", "Confusion").element("p", "", "Down: what is right. Across: what was answered.");
    html.raw("<div class=\"wide heat\"><table><thead><tr><th></th>");
    for label in &scores.labels {
        html.name("th", &label.label);
    }
    html.raw("</tr></thead><tbody>");
    for (label, line) in scores.labels.iter().zip(cells) {
        let most = line.iter().copied().max().unwrap_or(0);
        html.raw("<tr>").name("td", &label.label);
        line.iter().take(scores.labels.len()).for_each(|count| cell(html, *count, most));
        html.raw("</tr>");
    }
    html.raw("</tbody></table></div>");
}

/// A two-by-two confusion for each label.
fn pictures(html: &mut Html, scores: &Scores) {
    html.element("h2", "", "Confusion").element("p", "", "For each label: is it right, and was it answered?");
    html.raw("<div class=\"two-by-two\">");
    for label in scores.labels.iter().take(PICTURES) {
        html.raw("<figure>").element("figcaption", "", &label.label);
        html.raw("<div class=\"heat\"><table><thead><tr><th></th><th>answered</th><th>not</th></tr></thead><tbody>");
        let lines = [
            ("right", label.true_positives, label.false_negatives),
            ("not right", label.false_positives, label.true_negatives),
        ];
        for (name, answered, not) in lines {
            html.raw("<tr>").element("td", "", name);
            cell(html, answered, answered + not);
            cell(html, not, answered + not);
            html.raw("</tr>");
        }
        html.raw("</tbody></table></div></figure>");
    }
    html.raw("</div>");
    let rest = scores.labels.len().saturating_sub(PICTURES);
    if rest > 0 {
        html.element("p", "", &format!("{rest} more labels are in the JSON report."));
    }
}

fn calibration(html: &mut Html, calibration: &Calibration) {
    html.raw("<section>").element("h2", "", "Calibration");
    let note = format!(
        "Are answers that claim to be sure right as often as they claim? An answer is right if {}. Expected calibration error {}, \
         Brier score {} (both: 0 is best); {} answers, {} without a confidence.",
        calibration.right,
        within(calibration.expected_calibration_error, calibration.intervals.expected_calibration_error),
        within(calibration.brier, calibration.intervals.brier),
        calibration.answers,
        calibration.without
    );
    html.element("p", "", &note).raw(&chart::reliability(calibration));
    html.raw("<div class=\"key\"><span class=\"two\">share right</span><span class=\"one\">answers (bars)</span></div>");
    let lines = calibration.bins.iter().map(|bin| {
        let right = within(bin.right, bin.interval);
        vec![bin.name.clone(), bin.answers.to_string(), number(bin.confidence), right]
    });
    html.raw("<details><summary>The table</summary>");
    html.table(&["confidence", "answers", "mean", "right"], lines).raw("</details>");
    if let Some(fitted) = &calibration.fitted {
        curves(html, fitted);
    }
    html.raw("</section>");
}

/// What fitted curves make of the confidences.
fn curves(html: &mut Html, fitted: &Fitted) {
    let held_out = &fitted.held_out;
    let line = |(name, errors): (&str, Errors)| {
        let figures = [errors.expected_calibration_error, errors.brier].map(|figure| format!("{figure:.3}"));
        [vec![name.to_owned()], figures.to_vec()].concat()
    };
    let lines = [("isotonic", held_out.isotonic), ("Platt", held_out.platt)].map(line);
    html.element("p", "", "Curves that make chances of the confidences, on answers that they did not see:");
    html.table(&["curve", "calibration error", "Brier score"], lines);
}

/// The thresholds for a wished precision.
fn thresholds(html: &mut Html, all: &[Chosen]) {
    let Some(first) = all.first() else { return };
    html.raw("<section>").element("h2", "", &format!("A precision of {}", first.wished));
    let note = format!(
        "The lowest thresholds above which the low end of the precision's interval is at least {}, from the rows: {}. \
         \"Unseen\": rows judged by a threshold that four fifths of the others chose.",
        first.wished, first.rows
    );
    html.element("p", "", &note);
    let kept = |kept: &Kept| format!("{} of {}", kept.kept, kept.of);
    let line = |chosen: &Chosen| {
        vec![
            chosen.by.clone(),
            chosen.threshold.map_or("none".into(), |threshold| format!("{threshold}")),
            kept(&chosen.chosen),
            within(chosen.chosen.precision, chosen.chosen.interval),
            kept(&chosen.held_out),
            within(chosen.held_out.precision, chosen.held_out.interval),
        ]
    };
    let head = ["on", "at least", "kept", "precision", "kept of unseen", "their precision"];
    html.table(&head, all.iter().map(line)).raw("</section>");
}

fn sweep(html: &mut Html, sweep: &Sweep) {
    html.raw("<section>").element("h2", "", &format!("Threshold on {}", sweep.by));
    html.element(
        "p",
        "",
        &format!("What precision, recall and F1 would be if only answers of at least this {} counted. They are of {}.", sweep.by, sweep.of),
    );
    html.raw(&chart::thresholds(sweep));
    html.raw("<div class=\"key\"><span class=\"one\">precision</span><span class=\"two\">recall</span>");
    html.raw("<span class=\"three\">F1</span><span>share kept (dotted)</span></div>");
    let lines = sweep.points.iter().map(|point| {
        let intervals = &point.intervals;
        let figures = [
            within(point.share, intervals.share),
            within(point.precision, intervals.precision),
            within(point.recall, intervals.recall),
            within(point.f1, intervals.f1),
        ];
        [vec![format!("{:.2}", point.threshold), point.kept.to_string()], figures.to_vec()].concat()
    });
    html.raw("<details><summary>The table</summary>");
    html.table(&["at least", "kept", "share", "precision", "recall", "F1"], lines)
        .raw("</details></section>");
}

fn cost(html: &mut Html, report: &Report) {
    let cost = &report.cost;
    html.raw("<section>").element("h2", "", "Cost");
    html.element("p", "", "Of the answers about gold rows, as far as the answers themselves tell it.");
    let parts = [
        ("dollars", &cost.dollars, 6),
        ("tokens sent", &cost.prompt_tokens, 1),
        ("tokens received", &cost.completion_tokens, 1),
    ];
    let lines = parts.map(|(name, mean, digits)| {
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
    });
    html.table(&["", "per record", "sum", "known for"], lines).raw("</section>");
}
