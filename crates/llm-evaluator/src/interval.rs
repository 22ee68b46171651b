//! Intervals: how far a figure may be off because the gold rows are a draw. All of them are 95 % intervals.

use serde::Serialize;

use crate::dice::Dice;

/// The normal distribution's 97.5 % point.
const Z: f64 = 1.959_963_984_540_054;

/// Where the true figure lies, with a chance of 95 %.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// The 2.5 % point.
    pub low: f64,
    /// The 97.5 % point.
    pub high: f64,
}

/// How the bootstrap draws rows. The same seed gives the same intervals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Draw {
    /// How often.
    pub resamples: u32,
    /// Where its chance begins.
    pub seed: u64,
}

impl Default for Draw {
    fn default() -> Self {
        Draw { resamples: 2000, seed: 1 }
    }
}

/// The intervals of the shares of [`crate::Scores`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct ShareIntervals {
    /// Of the share of rows that are wholly right.
    pub subset_accuracy: Option<Interval>,
    /// Of the share of single decisions.
    pub label_accuracy: Option<Interval>,
}

/// The intervals of a [`crate::LabelScore`]: Wilson's; that of F1 by its share tp / (tp + fp + fn).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct LabelIntervals {
    /// Of the precision.
    pub precision: Option<Interval>,
    /// Of the recall.
    pub recall: Option<Interval>,
    /// Of F1.
    pub f1: Option<Interval>,
    /// Of the accuracy.
    pub accuracy: Option<Interval>,
}

/// The intervals of an [`crate::Average`], by the bootstrap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct AverageIntervals {
    /// Of the precision.
    pub precision: Option<Interval>,
    /// Of the recall.
    pub recall: Option<Interval>,
    /// Of F1.
    pub f1: Option<Interval>,
}

/// Wilson's score interval (1927) of a share of rows: right also for few rows and for shares near 0 and 1. `None` for 0/0.
pub(crate) fn wilson(part: u64, whole: u64) -> Option<Interval> {
    if whole == 0 {
        return None;
    }
    let (part, whole) = (part as f64, whole as f64);
    let share = part / whole;
    let middle = share + Z * Z / (2.0 * whole);
    let reach = Z * (share * (1.0 - share) / whole + Z * Z / (4.0 * whole * whole)).sqrt();
    let end = |end: f64| (end / (1.0 + Z * Z / whole)).clamp(0.0, 1.0);
    Some(Interval { low: end(middle - reach), high: end(middle + reach) })
}

impl Interval {
    /// The interval of 2 tp / (2 tp + fp + fn): it rises with tp / (tp + fp + fn), which is a share of rows.
    pub(crate) fn of_f1(tp: u64, wrong: u64) -> Option<Interval> {
        let f1 = |share: f64| 2.0 * share / (1.0 + share);
        wilson(tp, tp + wrong).map(|share| Interval { low: f1(share.low), high: f1(share.high) })
    }
}

impl Draw {
    /// The percentile bootstrap (Efron and Tibshirani 1993, chapter 13): rows are drawn with replacement, and `figures`
    /// of the drawn ones computed. Draws in which a figure is not defined are left out of it. Where no draw differs from
    /// another, at 0 or 1, the bootstrap knows nothing, and the interval is Wilson's over the rows that speak: `speaking` has
    /// their number for each figure.
    pub(crate) fn intervals(
        self,
        rows: usize,
        speaking: &[u64],
        figures: impl Fn(&[usize]) -> Vec<Option<f64>>,
    ) -> Vec<Option<Interval>> {
        let drawn = self.drawn(rows, figures);
        let interval = |(drawn, speaking): (&Vec<f64>, &u64)| {
            ends(drawn).or_else(|| certain(drawn, (*speaking).min(rows as u64)))
        };
        drawn.iter().zip(speaking).map(interval).collect()
    }

    /// The bootstrap's interval of a figure that need not lie between 0 and 1; `None` if no draw differs from another.
    pub(crate) fn of(self, rows: usize, figure: impl Fn(&[usize]) -> Option<f64>) -> Option<Interval> {
        ends(&self.drawn(rows, |rows| vec![figure(rows)])[0])
    }

    /// The bootstrap's interval of a mean; `None` if all values are the same.
    pub(crate) fn of_mean(self, values: &[f64]) -> Option<Interval> {
        let mean = |rows: &[usize]| rows.iter().map(|row| values[*row]).sum::<f64>() / rows.len() as f64;
        self.of(values.len(), |rows| (!rows.is_empty()).then(|| mean(rows)))
    }

    /// The figures of all draws, each in ascending order.
    fn drawn(self, rows: usize, figures: impl Fn(&[usize]) -> Vec<Option<f64>>) -> Vec<Vec<f64>> {
        let mut drawn: Vec<Vec<f64>> = vec![Vec::new(); figures(&[]).len()];
        let mut dice = Dice::new(self.seed);
        let mut places = vec![0; rows];
        for _ in 0..if rows > 0 { self.resamples } else { 0 } {
            places.iter_mut().for_each(|place| *place = dice.below(rows));
            for (drawn, figure) in drawn.iter_mut().zip(figures(&places)) {
                drawn.extend(figure);
            }
        }
        drawn.iter_mut().for_each(|drawn| drawn.sort_by(f64::total_cmp));
        drawn
    }
}

/// The ends of what was drawn; `None` if all of it is the same.
fn ends(drawn: &[f64]) -> Option<Interval> {
    let differ = drawn.first()? < drawn.last()?;
    differ.then_some(Interval { low: quantile(drawn, 0.025)?, high: quantile(drawn, 0.975)? })
}

/// For a share that is 0 or 1 in all draws.
fn certain(drawn: &[f64], rows: u64) -> Option<Interval> {
    match *drawn.first()? {
        share if share >= 1.0 => wilson(rows, rows),
        share if share <= 0.0 => wilson(0, rows),
        _ => None,
    }
}

/// A quantile of sorted values, between the two nearest (numpy's default).
pub(crate) fn quantile(sorted: &[f64], part: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let at = part * last as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    Some(below + (above - below) * at.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: Option<Interval>, low: f64, high: f64) {
        let found = found.unwrap();
        assert!((found.low - low).abs() < 5e-5 && (found.high - high).abs() < 5e-5, "{found:?}");
    }

    #[test]
    fn wilsons_interval_is_that_of_statsmodels() {
        // statsmodels.stats.proportion.proportion_confint(part, whole, method="wilson")
        near(wilson(81, 100), 0.722_2, 0.874_9);
        near(wilson(10, 10), 0.722_5, 1.0);
        near(wilson(0, 30), 0.0, 0.113_5);
        assert_eq!(wilson(0, 0), None);
    }

    #[test]
    fn the_interval_of_f1_is_that_of_its_share_of_rows() {
        let share = wilson(8, 10).unwrap();
        let found = Interval::of_f1(8, 2).unwrap();
        assert!((found.low - 2.0 * share.low / (1.0 + share.low)).abs() < 1e-12);
        assert!(found.low < 16.0 / 18.0 && 16.0 / 18.0 < found.high);
    }

    #[test]
    fn a_figure_that_no_draw_moves_is_no_certainty() {
        let draw = Draw { resamples: 200, seed: 1 };
        let found = draw
            .intervals(10, &[10, 10, 10], |rows| vec![(!rows.is_empty()).then_some(1.0), Some(0.5), None]);
        assert_eq!(found, [wilson(10, 10), None, None]);
    }

    #[test]
    fn the_bootstrap_of_a_mean_is_about_that_of_the_normal_distribution() {
        let draw = Draw::default();
        let mean = |rows: &[usize]| rows.iter().map(|row| (row % 2) as f64).sum::<f64>() / rows.len() as f64;
        let found =
            draw.intervals(400, &[400], |rows| vec![(!rows.is_empty()).then(|| mean(rows))])[0].unwrap();
        let reach = Z * (0.25f64 / 400.0).sqrt();
        assert!((found.low - (0.5 - reach)).abs() < 0.006 && (found.high - (0.5 + reach)).abs() < 0.006);
    }

    #[test]
    fn quantiles_lie_between_the_nearest_values() {
        let values: Vec<f64> = (0..=100).map(f64::from).collect();
        assert_eq!((quantile(&values, 0.025), quantile(&values, 0.5)), (Some(2.5), Some(50.0)));
        assert_eq!(quantile(&[], 0.5), None);
    }
}
