//! Scores: accuracy, precision, recall and F1 of answers against gold.

use serde::Serialize;

use crate::interval::{AverageIntervals, Draw, Interval, LabelIntervals, ShareIntervals, wilson};

/// The labels of one row: places in the aspect's list, in ascending order.
pub(crate) type Places = Vec<usize>;

/// What was wanted for a row, and what was answered; `None` where there is no answer.
pub(crate) type Pair<'a> = (&'a [usize], Option<&'a [usize]>);

/// The scores of one aspect in one way of counting rows without an answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scores {
    /// The way of counting, in words.
    pub counting: &'static str,
    /// How many rows were counted.
    pub rows: u64,
    /// The share of rows whose whole set of labels is right (scikit-learn's `accuracy_score`), 0 to 1.
    pub subset_accuracy: Option<f64>,
    /// The share of single yes/no decisions, one for each row and label, that are right (1 - Hamming loss).
    pub label_accuracy: Option<f64>,
    /// Each label, in the task's order.
    pub labels: Vec<LabelScore>,
    /// All decisions in one pot.
    pub micro: Average,
    /// The plain mean over labels.
    #[serde(rename = "macro")]
    pub macro_: Average,
    /// The mean over labels, weighted by support.
    pub weighted: Average,
    /// Rows wanted (down) against answered (across), for aspects with one label a row; the last column is "no answer".
    pub confusion: Option<Vec<Vec<u64>>>,
    /// Of the two shares above: Wilson's for rows, the bootstrap's for single decisions, of which a row has several.
    pub intervals: ShareIntervals,
}

/// The scores of one label, and its two-by-two confusion.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LabelScore {
    /// The label.
    pub label: String,
    /// In how many rows it is wanted: true positives and false negatives.
    pub support: u64,
    /// Wanted and answered.
    pub true_positives: u64,
    /// Answered, not wanted.
    pub false_positives: u64,
    /// Wanted, not answered.
    pub false_negatives: u64,
    /// Neither.
    pub true_negatives: u64,
    /// tp / (tp + fp); `None` if it was never answered.
    pub precision: Option<f64>,
    /// tp / (tp + fn); `None` if it is never wanted.
    pub recall: Option<f64>,
    /// 2 tp / (2 tp + fp + fn); `None` if it was neither answered nor wanted.
    pub f1: Option<f64>,
    /// (tp + tn) / rows.
    pub accuracy: Option<f64>,
    /// How far these figures may be off.
    pub intervals: LabelIntervals,
}

/// An average over labels. Labels where a figure is undefined are left out of that figure, as scikit-learn does with
/// `zero_division=nan`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Average {
    /// Precision, 0 to 1.
    pub precision: Option<f64>,
    /// Recall, 0 to 1.
    pub recall: Option<f64>,
    /// F1, 0 to 1.
    pub f1: Option<f64>,
    /// How many labels have an F1: the others were neither answered nor wanted.
    pub labels: u64,
    /// How far these figures may be off.
    pub intervals: AverageIntervals,
}

/// True and false positives and negatives of one label, without the true negatives.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Confusion {
    pub(crate) tp: u64,
    pub(crate) fp: u64,
    pub(crate) fn_: u64,
}

impl Confusion {
    pub(crate) fn precision(self) -> Option<f64> {
        ratio(self.tp, self.tp + self.fp)
    }

    pub(crate) fn recall(self) -> Option<f64> {
        ratio(self.tp, self.tp + self.fn_)
    }

    pub(crate) fn f1(self) -> Option<f64> {
        ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn_)
    }

    pub(crate) fn support(self) -> u64 {
        self.tp + self.fn_
    }

    /// How many decisions precision, recall and F1 are made of.
    pub(crate) fn speaking(self) -> [u64; 3] {
        [self.tp + self.fp, self.tp + self.fn_, self.tp + self.fp + self.fn_]
    }

    pub(crate) fn add(&mut self, other: Confusion) {
        self.tp += other.tp;
        self.fp += other.fp;
        self.fn_ += other.fn_;
    }
}

/// `part / whole`; `None` for 0/0.
pub(crate) fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// What one row adds to the counts: label and kind. A row without an answer answers nothing.
pub(crate) fn events((wanted, answered): Pair<'_>) -> Vec<(usize, Confusion)> {
    let answered = answered.unwrap_or_default();
    let hit = |place: &usize| match answered.contains(place) {
        true => (*place, Confusion { tp: 1, ..Confusion::default() }),
        false => (*place, Confusion { fn_: 1, ..Confusion::default() }),
    };
    let extra = answered.iter().filter(|place| !wanted.contains(place));
    let extra = extra.map(|place| (*place, Confusion { fp: 1, ..Confusion::default() }));
    wanted.iter().map(hit).chain(extra).collect()
}

/// The counts of each label.
pub(crate) fn counts<'a>(labels: usize, pairs: impl IntoIterator<Item = Pair<'a>>) -> Vec<Confusion> {
    let mut counts = vec![Confusion::default(); labels];
    for pair in pairs {
        for (place, event) in events(pair) {
            counts[place].add(event);
        }
    }
    counts
}

/// Scores rows. `one` says that a row has one label: only then there is a square confusion.
pub(crate) fn score(
    labels: &[String],
    pairs: &[Pair<'_>],
    one: bool,
    counting: &'static str,
    draw: Draw,
) -> Scores {
    let rows = pairs.len() as u64;
    let counts = counts(labels.len(), pairs.iter().copied());
    let right = pairs.iter().filter(|pair| is_right(**pair)).count() as u64;
    let mut scores = Scores {
        counting,
        rows,
        subset_accuracy: ratio(right, rows),
        label_accuracy: label_accuracy(&counts, rows),
        labels: labels.iter().zip(&counts).map(|(label, counts)| label_score(label, *counts, rows)).collect(),
        micro: micro(&counts),
        macro_: average(&counts, |_| 1.0),
        weighted: average(&counts, |counts| counts.support() as f64),
        confusion: one.then(|| confusion(labels.len(), pairs)),
        intervals: ShareIntervals { subset_accuracy: wilson(right, rows), label_accuracy: None },
    };
    scores.drawn(labels.len(), pairs, draw);
    scores
}

impl Scores {
    /// Puts in the intervals of what is no share of rows.
    fn drawn(&mut self, labels: usize, pairs: &[Pair<'_>], draw: Draw) {
        let added: Vec<Vec<(usize, Confusion)>> = pairs.iter().map(|pair| events(*pair)).collect();
        let mut all = Confusion::default();
        added.iter().flatten().for_each(|(_, event)| all.add(*event));
        let mut speaking = all.speaking().repeat(3);
        speaking.push(pairs.len() as u64);
        let intervals = draw.intervals(pairs.len(), &speaking, |rows| {
            let mut counts = vec![Confusion::default(); labels];
            for (place, event) in rows.iter().flat_map(|row| &added[*row]) {
                counts[*place].add(*event);
            }
            let weight = |counts: &Confusion| counts.support() as f64;
            let all = [micro(&counts), average(&counts, |_| 1.0), average(&counts, weight)];
            let figures = all.iter().flat_map(|all| [all.precision, all.recall, all.f1]);
            figures.chain([label_accuracy(&counts, rows.len() as u64)]).collect()
        });
        let averages = [&mut self.micro, &mut self.macro_, &mut self.weighted];
        for (average, found) in averages.into_iter().zip(intervals.chunks_exact(3)) {
            average.intervals = AverageIntervals { precision: found[0], recall: found[1], f1: found[2] };
        }
        self.intervals.label_accuracy = intervals[9];
    }
}

/// The share of single decisions that are right.
fn label_accuracy(counts: &[Confusion], rows: u64) -> Option<f64> {
    let wrong: u64 = counts.iter().map(|counts| counts.fp + counts.fn_).sum();
    let decisions = rows * counts.len() as u64;
    ratio(decisions.saturating_sub(wrong), decisions)
}

/// Whether the whole set of labels is right.
pub(crate) fn is_right((wanted, answered): Pair<'_>) -> bool {
    answered == Some(wanted)
}

fn label_score(label: &str, counts: Confusion, rows: u64) -> LabelScore {
    let Confusion { tp, fp, fn_ } = counts;
    LabelScore {
        label: label.to_owned(),
        support: counts.support(),
        true_positives: tp,
        false_positives: fp,
        false_negatives: fn_,
        true_negatives: rows - tp - fp - fn_,
        precision: counts.precision(),
        recall: counts.recall(),
        f1: counts.f1(),
        accuracy: ratio(rows - fp - fn_, rows),
        intervals: LabelIntervals {
            precision: wilson(tp, tp + fp),
            recall: wilson(tp, tp + fn_),
            f1: Interval::of_f1(tp, fp + fn_),
            accuracy: wilson(rows - fp - fn_, rows),
        },
    }
}

/// Precision, recall and F1 of all decisions in one pot.
pub(crate) fn micro(counts: &[Confusion]) -> Average {
    let mut all = Confusion::default();
    counts.iter().for_each(|counts| all.add(*counts));
    let labels = counts.iter().filter(|counts| counts.f1().is_some()).count() as u64;
    let intervals = AverageIntervals::default();
    Average { precision: all.precision(), recall: all.recall(), f1: all.f1(), labels, intervals }
}

/// The mean over the labels where a figure is defined.
pub(crate) fn average(counts: &[Confusion], weight: impl Fn(&Confusion) -> f64) -> Average {
    let mean = |figure: fn(Confusion) -> Option<f64>| {
        let defined = counts.iter().filter_map(|counts| Some((figure(*counts)?, weight(counts))));
        let (sum, weights) = defined
            .fold((0.0, 0.0), |(sum, weights), (figure, weight)| (sum + figure * weight, weights + weight));
        (weights > 0.0).then_some(sum / weights)
    };
    Average {
        precision: mean(Confusion::precision),
        recall: mean(Confusion::recall),
        f1: mean(Confusion::f1),
        labels: counts.iter().filter(|counts| counts.f1().is_some()).count() as u64,
        intervals: AverageIntervals::default(),
    }
}

fn confusion(labels: usize, pairs: &[Pair<'_>]) -> Vec<Vec<u64>> {
    let mut cells = vec![vec![0; labels + 1]; labels];
    for (wanted, answered) in pairs {
        let Some(down) = wanted.first() else { continue };
        let across = answered.and_then(|answered| answered.first()).copied().unwrap_or(labels);
        cells[*down][across] += 1;
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: Option<f64>, wanted: f64) {
        assert!((found.unwrap() - wanted).abs() < 1e-12, "{found:?} is not {wanted}");
    }

    #[test]
    fn figures_of_several_labels_are_those_counted_by_hand() {
        // a: tp 2 fp 1 fn 0; b: tp 1 fp 0 fn 2; c: never wanted, once answered; d: neither.
        let pairs: [Pair<'_>; 4] =
            [(&[0, 1], Some(&[0])), (&[1], Some(&[0, 1])), (&[0], Some(&[0, 2])), (&[1], None)];
        let names = ["a", "b", "c", "d"].map(str::to_owned);
        let scores = score(&names, &pairs, false, "", Draw::default());
        let a = &scores.labels[0];
        assert_eq!((a.true_positives, a.false_positives, a.false_negatives, a.true_negatives), (2, 1, 0, 1));
        near(a.precision, 2.0 / 3.0);
        near(a.recall, 1.0);
        near(a.f1, 0.8);
        let b = &scores.labels[1];
        near(b.precision, 1.0);
        near(b.recall, 1.0 / 3.0);
        near(b.f1, 0.5);
        let c = &scores.labels[2];
        assert_eq!((c.precision, c.recall, c.f1), (Some(0.0), None, Some(0.0)));
        let d = &scores.labels[3];
        assert_eq!((d.precision, d.recall, d.f1), (None, None, None));
        near(scores.micro.precision, 3.0 / 5.0);
        near(scores.micro.recall, 3.0 / 5.0);
        near(scores.macro_.precision, (2.0 / 3.0 + 1.0 + 0.0) / 3.0);
        near(scores.macro_.recall, (1.0 + 1.0 / 3.0) / 2.0);
        near(scores.macro_.f1, (0.8 + 0.5 + 0.0) / 3.0);
        near(scores.weighted.f1, (0.8 * 2.0 + 0.5 * 3.0) / 5.0);
        assert_eq!((scores.macro_.labels, scores.subset_accuracy), (3, Some(0.0)));
        near(scores.label_accuracy, 1.0 - 4.0 / 16.0);
    }

    #[test]
    fn one_label_a_row_has_a_square_confusion_with_a_column_for_no_answer() {
        let pairs: [Pair<'_>; 4] = [(&[0], Some(&[0])), (&[0], Some(&[1])), (&[1], Some(&[1])), (&[1], None)];
        let scores = score(&["x".into(), "y".into()], &pairs, true, "", Draw::default());
        assert_eq!(scores.confusion, Some(vec![vec![1, 1, 0], vec![0, 1, 1]]));
        near(scores.subset_accuracy, 0.5);
    }

    #[test]
    fn nothing_at_all_is_undefined_and_not_zero() {
        let scores = score(&["x".into()], &[], false, "", Draw::default());
        assert_eq!((scores.subset_accuracy, scores.label_accuracy, scores.micro.f1), (None, None, None));
        assert_eq!((scores.macro_.f1, scores.weighted.f1), (None, None));
    }
}
