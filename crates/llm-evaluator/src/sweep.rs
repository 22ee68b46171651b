//! Threshold sweeps: what would be kept, and how good it would be, if answers below a threshold did not count.

use serde::Serialize;

use super::given::GivenAnswer;
use super::score::{Counts, events, ratio};
use crate::interval::{Draw, Interval, wilson};

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
    /// How far these figures may be off: Wilson's for rows, the bootstrap's for labels, of which a row has several.
    pub intervals: PointIntervals,
}

/// The intervals of a [`Point`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct PointIntervals {
    /// Of the share of rows.
    pub share: Option<Interval>,
    /// Of the precision.
    pub precision: Option<Interval>,
    /// Of the recall.
    pub recall: Option<Interval>,
    /// Of F1.
    pub f1: Option<Interval>,
}

/// A labelled row and its answer, for the task's first aspect.
pub(crate) struct Judged<'a> {
    pub(crate) wanted: &'a [usize],
    pub(crate) answer: Option<&'a GivenAnswer>,
}

/// Sweeps a figure over `thresholds`; `accepts` is the one label that a filter lets through, if it is a filter. `None`
/// if no answer has the figure.
pub(crate) fn sweep(
    by: &str,
    rows: &[Judged<'_>],
    accepts: Option<usize>,
    thresholds: &[f64],
    figure: impl Fn(&GivenAnswer) -> Option<f64>,
    draw: Draw,
) -> Option<Sweep> {
    let known = |row: &Judged<'_>| row.answer.and_then(&figure).is_some();
    if !rows.iter().any(known) {
        return None;
    }
    let of = match accepts {
        Some(_) => "the rows that the filter lets through".to_owned(),
        None => "the labels of the rows whose answer counts, all in one pot (micro)".to_owned(),
    };
    let rows: Vec<Weighed> = rows.iter().map(|row| weighed(row, accepts, thresholds, &figure)).collect();
    let all = totals(rows.iter(), thresholds.len());
    let mut intervals: Vec<PointIntervals> =
        all.iter().map(|(kept, total)| by_rows(*kept, *total, rows.len() as u64)).collect();
    if accepts.is_none() {
        let speaking: Vec<u64> = all.iter().flat_map(|(_, total)| total.speaking()).collect();
        let drawn = draw.intervals(rows.len(), &speaking, |places| {
            let totals = totals(places.iter().map(|place| &rows[*place]), thresholds.len());
            totals.iter().flat_map(|(_, total)| [total.precision(), total.recall(), total.f1()]).collect()
        });
        for (intervals, found) in intervals.iter_mut().zip(drawn.chunks_exact(3)) {
            (intervals.precision, intervals.recall, intervals.f1) = (found[0], found[1], found[2]);
        }
    }
    let point = |((threshold, (kept, total)), intervals): ((&f64, &(u64, Counts)), PointIntervals)| Point {
        threshold: *threshold,
        kept: *kept,
        share: ratio(*kept, rows.len() as u64),
        precision: total.precision(),
        recall: total.recall(),
        f1: total.f1(),
        intervals,
    };
    let points = thresholds.iter().zip(&all).zip(intervals).map(point).collect();
    Some(Sweep { by: by.to_owned(), of, points })
}

fn by_rows(kept: u64, total: Counts, rows: u64) -> PointIntervals {
    let Counts { tp, fp, fn_ } = total;
    PointIntervals {
        share: wilson(kept, rows),
        precision: wilson(tp, tp + fp),
        recall: wilson(tp, tp + fn_),
        f1: Interval::of_f1(tp, fp + fn_),
    }
}

/// What a row adds at a threshold.
struct Weighed {
    /// At so many of the thresholds, the lowest, its answer counts.
    counts_at: usize,
    /// There: whether it is kept, and what it adds.
    counting: (bool, Counts),
    /// At the others.
    not_counting: Counts,
}

fn weighed(
    row: &Judged<'_>,
    accepts: Option<usize>,
    thresholds: &[f64],
    figure: impl Fn(&GivenAnswer) -> Option<f64>,
) -> Weighed {
    let reached = row.answer.and_then(figure);
    let given = row.answer.and_then(|answer| answer.given[0].as_deref());
    let sum = |given: Option<&[usize]>| {
        let mut total = Counts::default();
        // Of a filter only the rows that it lets through are looked at.
        let events = events((row.wanted, given)).into_iter();
        events
            .filter(|(label, _)| accepts.is_none_or(|only| only == *label))
            .for_each(|(_, event)| total.add(event));
        total
    };
    let kept = given.is_some_and(|given| accepts.is_none_or(|label| given.contains(&label)));
    Weighed {
        counts_at: reached.map_or(0, |reached| thresholds.partition_point(|threshold| *threshold <= reached)),
        counting: (kept, sum(given)),
        not_counting: sum(None),
    }
}

/// For each threshold how many rows are kept, and all that the rows add.
fn totals<'a>(rows: impl Iterator<Item = &'a Weighed>, thresholds: usize) -> Vec<(u64, Counts)> {
    // By how many thresholds the answer reaches: what its row adds there, and elsewhere.
    let mut reaching = vec![(0, Counts::default()); thresholds + 1];
    let mut missing = vec![Counts::default(); thresholds + 1];
    for row in rows {
        reaching[row.counts_at].0 += u64::from(row.counting.0);
        reaching[row.counts_at].1.add(row.counting.1);
        missing[row.counts_at].add(row.not_counting);
    }
    let total = |place: usize| {
        let (mut kept, mut total) = (0, Counts::default());
        missing[..=place].iter().for_each(|counts| total.add(*counts));
        for (rows, counts) in &reaching[place + 1..] {
            kept += rows;
            total.add(*counts);
        }
        (kept, total)
    };
    (0..thresholds).map(total).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Confidence;

    fn answer(label: usize, confidence: f64) -> GivenAnswer {
        let confidence = Some(Confidence::Number(confidence));
        GivenAnswer { given: vec![Some(vec![label])], confidence, ..GivenAnswer::default() }
    }

    #[test]
    fn a_filter_keeps_fewer_and_better_rows_as_the_threshold_rises() {
        let answers = [answer(0, 0.9), answer(0, 0.6), answer(1, 0.8), answer(0, 0.3)];
        let wanted: [&[usize]; 5] = [&[0], &[1], &[1], &[0], &[0]];
        let answers = answers.iter().map(Some).chain([None]);
        let rows: Vec<_> =
            wanted.iter().zip(answers).map(|(wanted, answer)| Judged { wanted, answer }).collect();
        let figure = |answer: &GivenAnswer| answer.confidence.as_ref()?.number();
        let found =
            sweep("confidence", &rows, Some(0), &[0.0, 0.5, 0.9, 1.0], figure, Draw::default()).unwrap();
        let of = |point: &Point| (point.kept, point.precision, point.recall);
        assert_eq!(of(&found.points[0]), (3, Some(2.0 / 3.0), Some(2.0 / 3.0)));
        assert_eq!(of(&found.points[1]), (2, Some(0.5), Some(1.0 / 3.0)));
        assert_eq!(of(&found.points[2]), (1, Some(1.0), Some(1.0 / 3.0)));
        assert_eq!(of(&found.points[3]), (0, None, Some(0.0)));
        assert!(sweep("quality", &rows, Some(0), &[1.0], |_| None, Draw::default()).is_none());
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
        let figure = |answer: &GivenAnswer| answer.confidence.as_ref()?.number();
        let found = sweep("confidence", &rows, None, &[0.0, 0.5], figure, Draw::default()).unwrap();
        assert_eq!((found.points[0].precision, found.points[0].recall), (Some(1.0), Some(2.0 / 3.0)));
        assert_eq!((found.points[1].kept, found.points[1].recall), (1, Some(1.0 / 3.0)));
    }
}
