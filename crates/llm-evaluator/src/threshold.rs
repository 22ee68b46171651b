//! Thresholds: where to draw the line so that what is above it is right as often as somebody wishes.

use serde::Serialize;

use crate::interval::{Interval, wilson};
use crate::score::ratio;

/// Into so many parts rows are cut, so that each is judged by a threshold that the others chose.
const FOLDS: usize = 5;

/// A threshold for a wished precision.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Chosen {
    /// The member that the threshold is set on.
    pub by: String,
    /// Which rows speak: `random`, or `all`.
    pub rows: &'static str,
    /// What was wished.
    pub wished: f64,
    /// The lowest threshold above which the low end of the interval is at least that; `None` if there is none.
    pub threshold: Option<f64>,
    /// How it does on the rows that chose it.
    pub chosen: KeptRows,
    /// How thresholds do that were chosen in the same way on four fifths of the rows, on the fifth that they did not see.
    pub held_out: KeptRows,
}

/// What is above a threshold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct KeptRows {
    /// Rows above it.
    pub kept: u64,
    /// Of so many.
    pub of: u64,
    /// How many of those above are right.
    pub right: u64,
    /// The share of those above that is right.
    pub precision: Option<f64>,
    /// Wilson's interval of it.
    pub interval: Option<Interval>,
}

impl KeptRows {
    pub(crate) fn of(kept: u64, of: u64, right: u64) -> KeptRows {
        KeptRows { kept, of, right, precision: ratio(right, kept), interval: wilson(right, kept) }
    }

    /// What is above `threshold`; nothing if there is none.
    pub(crate) fn above(rows: &[(f64, bool)], threshold: Option<f64>) -> KeptRows {
        let above = |row: &&(f64, bool)| threshold.is_some_and(|threshold| row.0 >= threshold);
        let kept = rows.iter().filter(above).count() as u64;
        let right = rows.iter().filter(above).filter(|row| row.1).count() as u64;
        KeptRows::of(kept, rows.len() as u64, right)
    }
}

/// The lowest figure from which on the share of right rows is at least `wished`, by the low end of its interval.
pub(crate) fn lowest(rows: &[(f64, bool)], wished: f64) -> Option<f64> {
    let mut sorted = rows.to_vec();
    sorted.sort_by(|one, other| other.0.total_cmp(&one.0));
    let (mut right, mut found) = (0, None);
    for (place, (figure, is_right)) in sorted.iter().enumerate() {
        right += u64::from(*is_right);
        // Rows with one figure are kept together.
        let last = sorted.get(place + 1).is_none_or(|next| next.0 < *figure);
        if last && wilson(right, place as u64 + 1).is_some_and(|interval| interval.low >= wished) {
            found = Some(*figure);
        }
    }
    found
}

/// The rows of all parts, each judged by the threshold of the others.
pub(crate) fn held_out(rows: &[(f64, bool)], choose: impl Fn(&[(f64, bool)]) -> Option<f64>) -> KeptRows {
    let part = |fold: usize, inside: bool| -> Vec<(f64, bool)> {
        let of = |(place, row): (usize, &(f64, bool))| ((place % FOLDS == fold) == inside).then_some(*row);
        rows.iter().enumerate().filter_map(of).collect()
    };
    let kept = (0..FOLDS).map(|fold| KeptRows::above(&part(fold, true), choose(&part(fold, false))));
    let (kept, right) = kept.fold((0, 0), |sum, kept| (sum.0 + kept.kept, sum.1 + kept.right));
    KeptRows::of(kept, rows.len() as u64, right)
}

/// Chooses a threshold; each row is its figure, and whether it is right.
pub(crate) fn choose(by: &str, which: &'static str, rows: &[(f64, bool)], wished: f64) -> Chosen {
    let threshold = lowest(rows, wished);
    Chosen {
        by: by.to_owned(),
        rows: which,
        wished,
        threshold,
        chosen: KeptRows::above(rows, threshold),
        held_out: held_out(rows, |rows| lowest(rows, wished)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Dice;

    /// Rows whose chance of being right is their figure.
    fn honest(count: usize, seed: u64) -> Vec<(f64, bool)> {
        let mut dice = Dice::new(seed);
        (0..count)
            .map(|_| {
                let figure = dice.below(1000) as f64 / 1000.0;
                (figure, (dice.below(1000) as f64) < figure * 1000.0)
            })
            .collect()
    }

    #[test]
    fn the_lowest_threshold_is_chosen_whose_interval_is_above_the_wish() {
        let rows = honest(4000, 3);
        let found = choose("confidence", "all", &rows, 0.9);
        let low = |kept: KeptRows| kept.interval.unwrap().low;
        assert!(low(found.chosen) >= 0.9, "{found:?}");
        let next = rows.iter().map(|row| row.0).filter(|figure| *figure < found.threshold.unwrap());
        let next = next.fold(0.0, f64::max);
        assert!(low(KeptRows::above(&rows, Some(next))) < 0.9, "one lower would not do");
        // Above 0.8 the mean is 0.9.
        assert!((0.79..0.88).contains(&found.threshold.unwrap()), "{found:?}");
    }

    #[test]
    fn in_most_draws_unseen_rows_are_as_good_as_wished() {
        let good = (0..40).filter(|seed| {
            let threshold = lowest(&honest(600, 2 * seed), 0.8);
            KeptRows::above(&honest(4000, 2 * seed + 1), threshold).precision.is_none_or(|share| share >= 0.8)
        });
        let good = good.count();
        assert!(good >= 36, "{good} of 40");
    }

    #[test]
    fn where_no_threshold_does_there_is_none_and_nothing_is_kept() {
        let rows: Vec<_> = (0..100).map(|n| (f64::from(n), n % 2 == 0)).collect();
        let found = choose("x", "all", &rows, 0.9);
        assert_eq!((found.threshold, found.chosen.kept, found.chosen.precision), (None, 0, None));
        assert_eq!(choose("x", "all", &[], 0.5).threshold, None);
        // Ten right ones are not enough to say 0.9.
        assert_eq!(lowest(&[(1.0, true); 10], 0.9), None);
    }
}
