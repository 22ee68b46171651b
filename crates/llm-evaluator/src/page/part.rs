//! Parts: the sections of the page.

use super::{Html, chart};
use crate::calibration::Calibration;
use crate::compare::{Comparison, Difference};
use crate::report::{AspectReport, Report};
use crate::score::{LabelScore, Scores};
use crate::sweep::Sweep;
use crate::table::{UNKNOWN, number};

/// How many disagreements the page shows.
const SHOWN: usize = 200;
/// How many labels get a picture of their two-by-two confusion.
const PICTURES: usize = 60;

pub(super) fn report(html: &mut Html, report: &Report) {
    summary(html, report);
    report.aspects.iter().for_each(|part| aspect(html, part));
    if let Some(part) = &report.calibration {
        calibration(html, part);
    }
    report.sweeps.iter().for_each(|part| sweep(html, part));
    cost(html, report);
}

fn tile(html: &mut Html, figure: &str, name: &str) {
    html.raw("<div class=\"tile\">").element("b", "", figure).element("span", "", name).raw("</div>");
}

fn summary(html: &mut Html, report: &Report) {
    let coverage = &report.coverage;
    html.raw("<section>").element("h2", "", "Summary").raw("<p>");
    html.text(&report.answers).raw(" against ").text(&report.gold).raw("</p><div class=\"tiles\">");
    if let Some(first) = report.aspects.first() {
        tile(html, &number(first.all.subset_accuracy), "rows wholly right, no answer counts as wrong");
        tile(html, &number(first.answered.subset_accuracy), "rows wholly right, of those answered");
        tile(html, &number(first.all.micro.f1), "micro F1");
        tile(html, &number(first.all.macro_.f1), "macro F1");
    }
    tile(html, &format!("{} of {}", coverage.answered, coverage.labelled), "labelled rows with an answer");
    let error = report.calibration.as_ref().and_then(|calibration| calibration.expected_calibration_error);
    tile(html, &number(error), "expected calibration error");
    let dollars = report.cost.dollars.per_record;
    tile(html, &dollars.map_or(UNKNOWN.into(), |dollars| format!("{dollars:.6}")), "dollars a record");
    html.raw("</div>");
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
            let figures = [stratum.subset_accuracy, stratum.micro_f1].map(number);
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
    for (figure, class) in [(label.precision, "one"), (label.recall, "two"), (label.f1, "three")] {
        html.raw("<div class=\"bar\">").raw(&chart::bar(figure, class)).element("span", "", &number(figure));
        html.raw("</div>");
    }
    html.raw("</div>");
}

fn averages(html: &mut Html, aspect: &AspectReport) {
    let ways = [("no answer left out", &aspect.answered), ("no answer is wrong", &aspect.all)];
    let lines = ways.into_iter().flat_map(|(way, scores)| {
        let averages = [("micro", &scores.micro), ("macro", &scores.macro_), ("weighted", &scores.weighted)];
        averages.map(|(name, average)| {
            let figures = [average.precision, average.recall, average.f1].map(number);
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
        number(calibration.expected_calibration_error),
        number(calibration.brier),
        calibration.answers,
        calibration.without
    );
    html.element("p", "", &note).raw(&chart::reliability(calibration));
    html.raw("<div class=\"key\"><span class=\"two\">share right</span><span class=\"one\">answers (bars)</span></div>");
    let lines = calibration.bins.iter().map(|bin| {
        vec![bin.name.clone(), bin.answers.to_string(), number(bin.confidence), number(bin.right)]
    });
    html.raw("<details><summary>The table</summary>");
    html.table(&["confidence", "answers", "mean", "right"], lines).raw("</details></section>");
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
        let figures = [point.share, point.precision, point.recall, point.f1].map(number);
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
            of(mean.per_record),
            of(mean.sum),
            format!("{} of {}", mean.known, cost.answers),
        ]
    });
    html.table(&["", "per record", "sum", "known for"], lines).raw("</section>");
}

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
