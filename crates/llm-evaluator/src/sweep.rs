//! Threshold sweeps: what would be kept, and how good it would be, if answers below a threshold did not count.

use serde::Serialize;

use super::given::Answer;
use super::score::{Counts, events, ratio};

/// What a threshold on one figure does.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sweep {
    /// The member that the threshold is set on.
    pub by: String,
    /// What precision and recall are of, in words.
    pub of: String,
    /// From the lowest threshold to the highest.
    pub points: Vec<Point>,
}

/// One threshold.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Point {
    /// Answers whose figure is at least this count.
    pub threshold: f64,
    /// How many rows are kept: answers that count, or for a filter, rows that it lets through.
    pub kept: u64,
    /// The share of rows that is kept.
    pub share: Option<f64>,
    /// The share of what is kept that is right.
    pub precision: Option<f64>,
    /// The share of what should be found that is kept; rows without an answer count as not kept.
    pub recall: Option<f64>,
    /// 2 tp / (2 tp + fp + fn).
    pub f1: Option<f64>,
}

/// A labelled row and its answer, for the task's first aspect.
pub(crate) struct Judged<'a> {
    pub(crate) wanted: &'a [usize],
    pub(crate) answer: Option<&'a Answer>,
}

/// Sweeps a figure over `thresholds`; `accepts` is the one label that a filter lets through, if it is a filter. `None`
/// if no answer has the figure.
pub(crate) fn sweep(
    by: &str,
    rows: &[Judged<'_>],
    accepts: Option<usize>,
    thresholds: &[f64],
    figure: impl Fn(&Answer) -> Option<f64>,
) -> Option<Sweep> {
    let known = |row: &Judged<'_>| row.answer.and_then(&figure).is_some();
    if !rows.iter().any(known) {
        return None;
    }
    let of = match accepts {
        Some(_) => "the rows that the filter lets through".to_owned(),
        None => "the labels of the rows whose answer counts, all in one pot (micro)".to_owned(),
    };
    let point = |threshold: &f64| {
        let counts = |answer: &Answer| figure(answer).is_some_and(|figure| figure >= *threshold);
        let (kept, total) = match accepts {
            Some(label) => accepted(rows, label, counts),
            None => labelled(rows, counts),
        };
        Point {
            threshold: *threshold,
            kept,
            share: ratio(kept, rows.len() as u64),
            precision: total.precision(),
            recall: total.recall(),
            f1: total.f1(),
        }
    };
    Some(Sweep { by: by.to_owned(), of, points: thresholds.iter().map(point).collect() })
}

fn accepted(rows: &[Judged<'_>], label: usize, counts: impl Fn(&Answer) -> bool) -> (u64, Counts) {
    let (mut kept, mut total) = (0, Counts::default());
    for row in rows {
        let through = row.answer.filter(|answer| counts(answer)).and_then(|answer| answer.given[0].as_ref());
        let through = through.is_some_and(|given| given.contains(&label));
        kept += u64::from(through);
        match (row.wanted.contains(&label), through) {
            (true, true) => total.tp += 1,
            (true, false) => total.fn_ += 1,
            (false, true) => total.fp += 1,
            (false, false) => {}
        }
    }
    (kept, total)
}

fn labelled(rows: &[Judged<'_>], counts: impl Fn(&Answer) -> bool) -> (u64, Counts) {
    let (mut kept, mut total) = (0, Counts::default());
    for row in rows {
        let given = row.answer.filter(|answer| counts(answer)).and_then(|answer| answer.given[0].as_deref());
        kept += u64::from(given.is_some());
        events((row.wanted, given)).iter().for_each(|(_, event)| total.add(*event));
    }
    (kept, total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Confidence;

    fn answer(label: usize, confidence: f64) -> Answer {
        let confidence = Some(Confidence::Number(confidence));
        Answer { given: vec![Some(vec![label])], confidence, ..Answer::default() }
    }

    #[test]
    fn a_filter_keeps_fewer_and_better_rows_as_the_threshold_rises() {
        let answers = [answer(0, 0.9), answer(0, 0.6), answer(1, 0.8), answer(0, 0.3)];
        let wanted: [&[usize]; 5] = [&[0], &[1], &[1], &[0], &[0]];
        let answers = answers.iter().map(Some).chain([None]);
        let rows: Vec<_> =
            wanted.iter().zip(answers).map(|(wanted, answer)| Judged { wanted, answer }).collect();
        let figure = |answer: &Answer| answer.confidence.as_ref()?.number();
        let found = sweep("confidence", &rows, Some(0), &[0.0, 0.5, 0.9, 1.0], figure).unwrap();
        let of = |point: &Point| (point.kept, point.precision, point.recall);
        assert_eq!(of(&found.points[0]), (3, Some(2.0 / 3.0), Some(2.0 / 3.0)));
        assert_eq!(of(&found.points[1]), (2, Some(0.5), Some(1.0 / 3.0)));
        assert_eq!(of(&found.points[2]), (1, Some(1.0), Some(1.0 / 3.0)));
        assert_eq!(of(&found.points[3]), (0, None, Some(0.0)));
        assert!(sweep("quality", &rows, Some(0), &[1.0], |_| None).is_none());
    }

    #[test]
    fn for_labels_an_answer_below_the_threshold_is_no_answer() {
        let answers = [answer(0, 0.9), answer(1, 0.2)];
        let wanted: [&[usize]; 2] = [&[0], &[0, 1]];
        let rows: Vec<_> = wanted
            .iter()
            .zip(&answers)
            .map(|(wanted, answer)| Judged { wanted, answer: Some(answer) })
            .collect();
        let figure = |answer: &Answer| answer.confidence.as_ref()?.number();
        let found = sweep("confidence", &rows, None, &[0.0, 0.5], figure).unwrap();
        assert_eq!((found.points[0].precision, found.points[0].recall), (Some(1.0), Some(2.0 / 3.0)));
        assert_eq!((found.points[1].kept, found.points[1].recall), (1, Some(1.0 / 3.0)));
    }
}
