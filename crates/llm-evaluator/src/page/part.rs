//! Parts: the sections of the page.

use maud::{Markup, html};

use super::{aspect, chart, key, table};
use crate::calibration::{Calibration, Errors, Fitted};
use crate::interval::Interval;
use crate::report::{Report, Stratum};
use crate::sweep::Sweep;
use crate::table::{POINT, UNKNOWN, WISHED, number, point, shown, wished, within};
use crate::threshold::Chosen;

pub(super) fn report(report: &Report) -> Markup {
    html! {
        (summary(report))
        @for part in &report.aspects { (aspect::aspect(part)) }
        @if let Some(part) = &report.calibration { (calibration(part)) }
        @for part in &report.sweeps { (sweep(part)) }
        (thresholds(&report.thresholds))
        (cost(report))
    }
}

pub(super) fn tile(figure: &str, name: &str, interval: Option<Interval>) -> Markup {
    html! {
        div.tile {
            b { (figure) }
            span { (name) }
            @if let Some(Interval { low, high }) = interval { i { (format!("{low:.3} to {high:.3}")) } }
        }
    }
}

fn summary(report: &Report) -> Markup {
    let (coverage, headline) = (&report.coverage, &report.headline);
    let of = match headline.of {
        "random" => "rows that were drawn at random: they speak for the whole listing",
        _ => "labelled rows; none says that it was drawn at random, so they speak for themselves",
    };
    let missing = coverage.missing.iter().map(|(why, count)| vec![why.clone(), count.to_string()]);
    html! {
        section {
            h2 { "Summary" }
            p { (shown(&report.answers)) " against " (shown(&report.gold)) }
            (tiles(report))
            p {
                "The first three are of " (headline.rows) " " (of) ". No answer counts as wrong. Below the figures and in brackets: 95 % "
                "intervals, Wilson's for shares of rows, else the bootstrap's of " (report.draw.resamples) " draws (seed "
                (report.draw.seed) ")."
            }
            @if !coverage.missing.is_empty() { (table(&["no answer because", "rows"], missing)) }
            @if coverage.unlabelled > 0 {
                p { (coverage.unlabelled) " gold rows are not labelled yet and in no figure." }
            }
            @if !report.strata.is_empty() { (strata(&report.strata)) }
        }
    }
}

fn tiles(report: &Report) -> Markup {
    let (coverage, headline) = (&report.coverage, &report.headline);
    let calibration = report.calibration.as_ref();
    let error = calibration.and_then(|calibration| calibration.expected_calibration_error);
    let interval = calibration.and_then(|calibration| calibration.intervals.expected_calibration_error);
    let dollars = report.cost.dollars.per_record;
    let answered = format!("{} of {}", coverage.answered, coverage.labelled);
    let quoted = [
        (headline.subset_accuracy, "rows wholly right"),
        (headline.micro_f1, "micro F1"),
        (headline.macro_f1, "macro F1"),
    ];
    html! {
        div.tiles {
            @for (figure, name) in quoted { (tile(&number(figure.value), name, figure.interval)) }
            (tile(&answered, "labelled rows with an answer", coverage.interval))
            (tile(&number(error), "expected calibration error", interval))
            (tile(&dollars.map_or(UNKNOWN.into(), |dollars| format!("{dollars:.6}")), "dollars a record", None))
        }
    }
}

fn strata(strata: &[Stratum]) -> Markup {
    let line = |stratum: &Stratum| {
        let intervals = &stratum.intervals;
        let figures = [
            within(stratum.subset_accuracy, intervals.subset_accuracy),
            within(stratum.micro_f1, intervals.micro_f1),
        ];
        [vec![stratum.sampled.clone(), stratum.rows.to_string()], figures.to_vec()].concat()
    };
    html! {
        (table(&["rows picked as", "rows", "accuracy", "micro F1"], strata.iter().map(line)))
        p { "Only rows picked at random tell how good the whole listing is." }
    }
}

fn calibration(calibration: &Calibration) -> Markup {
    let intervals = &calibration.intervals;
    let lines = calibration.bins.iter().map(|bin| {
        let right = within(bin.right, bin.interval);
        vec![bin.name.clone(), bin.answers.to_string(), number(bin.confidence), right]
    });
    html! {
        section {
            h2 { "Calibration" }
            p {
                "Are answers that claim to be sure right as often as they claim? An answer is right if " (shown(&calibration.right))
                ". Expected calibration error "
                (within(calibration.expected_calibration_error, intervals.expected_calibration_error))
                ", Brier score " (within(calibration.brier, intervals.brier)) " (both: 0 is best); " (calibration.answers)
                " answers, " (calibration.without) " without a confidence."
            }
            (chart::reliability(calibration))
            (key(&[("two", "share right"), ("one", "answers (bars)")]))
            details {
                summary { "The table" }
                (table(&["confidence", "answers", "mean", "right"], lines))
            }
            @if let Some(fitted) = &calibration.fitted { (curves(fitted)) }
        }
    }
}

/// What fitted curves make of the confidences.
fn curves(fitted: &Fitted) -> Markup {
    let held_out = &fitted.held_out;
    let line = |(name, errors): (&str, Errors)| {
        let figures = [errors.expected_calibration_error, errors.brier].map(|figure| format!("{figure:.3}"));
        [vec![name.to_owned()], figures.to_vec()].concat()
    };
    let lines = [("isotonic", held_out.isotonic), ("Platt", held_out.platt)].map(line);
    html! {
        p { "Curves that make chances of the confidences, on answers that they did not see:" }
        (table(&["curve", "calibration error", "Brier score"], lines))
    }
}

/// The thresholds for a wished precision.
fn thresholds(all: &[Chosen]) -> Markup {
    let Some(first) = all.first() else { return Markup::default() };
    html! {
        section {
            h2 { "A precision of " (first.wished) }
            p {
                "The lowest thresholds above which the low end of the precision's interval is at least " (first.wished)
                ", from the rows: " (first.rows) ". \"Unseen\": rows judged by a threshold that four fifths of the others chose."
            }
            (table(&WISHED, all.iter().map(wished)))
        }
    }
}

fn sweep(sweep: &Sweep) -> Markup {
    let by = shown(&sweep.by);
    html! {
        section {
            h2 { "Threshold on " (by) }
            p {
                "What precision, recall and F1 would be if only answers of at least this " (by) " counted. They are of "
                (shown(&sweep.of)) "."
            }
            (chart::thresholds(sweep))
            (key(&[("one", "precision"), ("two", "recall"), ("three", "F1"), ("", "share kept (dotted)")]))
            details {
                summary { "The table" }
                (table(&POINT, sweep.points.iter().map(point)))
            }
        }
    }
}

fn cost(report: &Report) -> Markup {
    let cost = &report.cost;
    let parts = [
        ("dollars", &cost.dollars, 6),
        ("tokens sent", &cost.prompt_tokens, 1),
        ("tokens received", &cost.completion_tokens, 1),
    ];
    let lines = parts.map(|(name, mean, digits)| {
        let of = |value: Option<f64>| value.map_or(UNKNOWN.into(), |value| format!("{value:.digits$}"));
        let per_record = match mean.interval {
            Some(Interval { low, high }) => {
                format!("{} ({low:.digits$} to {high:.digits$})", of(mean.per_record))
            }
            None => of(mean.per_record),
        };
        vec![name.to_owned(), per_record, of(mean.sum), format!("{} of {}", mean.known, cost.answers)]
    });
    html! {
        section {
            h2 { "Cost" }
            p { "Of the answers about gold rows, as far as the answers themselves tell it." }
            (table(&["", "per record", "sum", "known for"], lines))
        }
    }
}
