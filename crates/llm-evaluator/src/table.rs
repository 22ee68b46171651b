//! Tables: a report as aligned text for a terminal.

use super::calibration::Calibration;
use super::compare::{Comparison, Difference};
use super::cost::{Cost, Mean};
use super::report::{AspectReport, Coverage, Report};
use super::score::{Average, Scores};
use super::sweep::Sweep;

/// What stands where a figure is unknown or undefined.
pub(crate) const UNKNOWN: &str = "n/a";

/// How many disagreements a terminal shows.
const SHOWN: usize = 20;

/// The whole report.
pub fn table(report: &Report) -> String {
    let mut text = format!(
        "task     {}\ngold     {}\nanswers  {}\n",
        shown(&report.task),
        shown(&report.gold),
        shown(&report.answers)
    );
    text.push_str(&coverage(&report.coverage));
    report.aspects.iter().for_each(|aspect| text.push_str(&self::aspect(aspect)));
    if !report.strata.is_empty() {
        let lines = report.strata.iter().map(|stratum| {
            vec![
                shown(&stratum.sampled),
                stratum.rows.to_string(),
                number(stratum.subset_accuracy),
                number(stratum.micro_f1),
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
    text.push_str(&billed(&report.cost));
    text
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
            number(average.precision),
            number(average.recall),
            number(average.f1),
            format!("{} labels", average.labels),
        ]
    };
    let lines =
        [line("micro", &scores.micro), line("macro", &scores.macro_), line("weighted", &scores.weighted)];
    format!(
        "\n{} ({} rows)\nsubset accuracy {}   accuracy of single yes/no decisions {}\n{}",
        scores.counting,
        scores.rows,
        number(scores.subset_accuracy),
        number(scores.label_accuracy),
        aligned(&["average", "precision", "recall", "F1", "over"], lines)
    )
}

fn scores(scores: &Scores) -> String {
    let lines = scores.labels.iter().map(|label| {
        let mut line = vec![shown(&label.label)];
        line.extend([label.precision, label.recall, label.f1, label.accuracy].map(number));
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
        vec![shown(&bin.name), bin.answers.to_string(), number(bin.confidence), number(bin.right)]
    });
    format!(
        "\ncalibration: an answer is right if {}\nexpected calibration error {} ({} bins)   Brier score {}   {} answers, {} \
         without a confidence\n{}",
        shown(&calibration.right),
        number(calibration.expected_calibration_error),
        calibration.bins.len(),
        number(calibration.brier),
        calibration.answers,
        calibration.without,
        aligned(&["confidence", "answers", "mean", "right"], lines)
    )
}

fn swept(sweep: &Sweep) -> String {
    let lines = sweep.points.iter().map(|point| {
        let figures = [point.share, point.precision, point.recall, point.f1].map(number);
        [vec![format!("{:.2}", point.threshold), point.kept.to_string()], figures.to_vec()].concat()
    });
    let head = ["at least", "kept", "share", "precision", "recall", "F1"];
    format!("\nthreshold on {}: of {}\n{}", sweep.by, sweep.of, aligned(&head, lines))
}

fn billed(cost: &Cost) -> String {
    let line = |name: &str, mean: &Mean, digits: usize| {
        let of = |value: Option<f64>| value.map_or(UNKNOWN.into(), |value| format!("{value:.digits$}"));
        vec![
            name.to_owned(),
            of(mean.per_record),
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

/// A comparison.
pub fn comparison_table(comparison: &Comparison) -> String {
    let signed = |value: Option<f64>| value.map_or(UNKNOWN.into(), |value| format!("{value:+.3}"));
    let line = |difference: &Difference| {
        let Difference { figure, a, b, difference, low, high, clear } = difference;
        let clear = clear.map_or(UNKNOWN, |clear| if clear { "yes" } else { "no" });
        let interval = format!("{} to {}", signed(*low), signed(*high));
        vec![(*figure).to_owned(), number(*a), number(*b), signed(*difference), interval, clear.to_owned()]
    };
    let tested = &comparison.mcnemar;
    let mut text = format!(
        "\n== B against A, on {} ==\nA  {}\nB  {}\n{} rows, those without an answer count as wrong; paired bootstrap, {} \
         resamples, seed {}\n{}\nboth right {}   only A {}   only B {}   neither {}   McNemar's exact p {}\n",
        shown(&comparison.aspect),
        shown(&comparison.a),
        shown(&comparison.b),
        comparison.rows,
        comparison.resamples,
        comparison.seed,
        aligned(
            &["figure", "A", "B", "B - A", "95 % interval", "clear"],
            comparison.differences.iter().map(line)
        ),
        tested.both,
        tested.only_a,
        tested.only_b,
        tested.neither,
        tested.p_value.map_or(UNKNOWN.into(), |chance| format!("{chance:.4}")),
    );
    text.push_str(&disagreements(comparison));
    text
}

fn disagreements(comparison: &Comparison) -> String {
    let all = comparison.disagreements.len();
    let list = |labels: &[String]| shown(&labels.join(" + "));
    let given = |labels: &Option<Vec<String>>| labels.as_deref().map_or("(no answer)".into(), list);
    let lines = comparison
        .disagreements
        .iter()
        .take(SHOWN)
        .map(|row| vec![shown(&row.id), list(&row.gold), given(&row.a), given(&row.b)]);
    let rest = match all.saturating_sub(SHOWN) {
        0 => String::new(),
        rest => format!("... and {rest} more: --json has them all\n"),
    };
    format!("\nrows with two different answers: {all}\n{}{rest}", aligned(&["id", "gold", "A", "B"], lines))
}

/// A figure from 0 to 1, or that there is none.
pub(crate) fn number(value: Option<f64>) -> String {
    value.map_or(UNKNOWN.into(), |value| format!("{value:.3}"))
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
    let head: Vec<String> = head.iter().map(|&name| name.to_owned()).collect();
    let column = |column: usize| lines.iter().filter_map(move |line| line.get(column));
    let width = |place: usize| {
        column(place).chain(head.get(place)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let figure =
        |cell: &String| cell == UNKNOWN || cell.starts_with(|first: char| "+-0123456789".contains(first));
    let shape: Vec<(usize, bool)> =
        (0..head.len()).map(|place| (width(place), place > 0 && column(place).all(figure))).collect();
    let mut text = String::new();
    for line in std::iter::once(&head).chain(&lines) {
        let cells = line.iter().zip(&shape).map(|(cell, &(width, right))| match right {
            true => format!("{cell:>width$}"),
            false => format!("{cell:<width$}"),
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}
