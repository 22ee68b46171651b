//! Calibration: whether answers that claim to be sure are right as often as they claim.

use serde::Serialize;

use super::given::Confidence;
use crate::fit::{Isotonic, Platt};
use crate::interval::{Draw, Interval, wilson};

/// How many bins of equal width the reliability table has.
pub const BINS: usize = 10;

/// How well the confidence of answers fits how often they are right.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calibration {
    /// What counts as right.
    pub right: String,
    /// Answers with a confidence.
    pub answers: u64,
    /// Answers without one; they are in no figure here.
    pub without: u64,
    /// The mean over answers of the distance between their bin's mean confidence and its share of right answers
    /// (expected calibration error, Guo et al. 2017); 0 is best. `None` if the confidences are words.
    pub expected_calibration_error: Option<f64>,
    /// The mean squared distance of confidence and outcome (Brier 1950); 0 is best. `None` if they are words.
    pub brier: Option<f64>,
    /// How far the two may be off, by the bootstrap.
    pub intervals: ErrorIntervals,
    /// Curves that make chances of the confidences; `None` if they are words, if there are fewer than [`FITTING`], or if
    /// all answers are right or all wrong.
    pub fitted: Option<Fitted>,
    /// The reliability table: bins of equal width, closed above, the first closed below too, as scikit-learn's
    /// `calibration_curve`; or a bin for each word.
    pub bins: Vec<Bin>,
}

/// From so many answers on curves are fitted.
pub const FITTING: usize = 20;
/// Into so many parts answers are cut, so that each is judged by a curve that did not see it.
const FOLDS: usize = 5;

/// The intervals of the errors of a [`Calibration`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct ErrorIntervals {
    /// Of the expected calibration error.
    pub expected_calibration_error: Option<Interval>,
    /// Of the Brier score.
    pub brier: Option<Interval>,
}

/// Curves that make of a confidence the chance that the answer is right.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fitted {
    /// A curve that only rises.
    pub isotonic: Isotonic,
    /// Platt's curve, of two numbers.
    pub platt: Platt,
    /// The errors of chances that came from curves which four fifths of the answers gave, on the fifth that they did not see.
    pub held_out: HeldOut,
}

/// The errors of both curves on answers that they did not see.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct HeldOut {
    /// Of the rising curve.
    pub isotonic: Errors,
    /// Of Platt's.
    pub platt: Errors,
}

/// How far chances are from what came of them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Errors {
    /// See [`Calibration::expected_calibration_error`].
    pub expected_calibration_error: f64,
    /// See [`Calibration::brier`].
    pub brier: f64,
}

/// One line of the reliability table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bin {
    /// Its bounds, or the word.
    pub name: String,
    /// Answers in it.
    pub answers: u64,
    /// Their mean confidence; `None` if there are none, or if the confidence is a word.
    pub confidence: Option<f64>,
    /// The share of them that is right; `None` if there are none.
    pub right: Option<f64>,
    /// Wilson's interval of that share.
    pub interval: Option<Interval>,
}

/// Compares confidences with outcomes; `None` if no answer has a confidence.
pub(crate) fn calibration(
    answers: &[(Option<&Confidence>, bool)],
    words: &[String],
    right: String,
    draw: Draw,
) -> Option<Calibration> {
    let without = answers.iter().filter(|(confidence, _)| confidence.is_none()).count() as u64;
    let known: Vec<(&Confidence, bool)> =
        answers.iter().filter_map(|(confidence, right)| Some(((*confidence)?, *right))).collect();
    if known.is_empty() {
        return None;
    }
    let numbers: Vec<(f64, bool)> =
        known.iter().filter_map(|(confidence, right)| Some((confidence.number()?, *right))).collect();
    let base = Calibration {
        right,
        answers: known.len() as u64,
        without,
        expected_calibration_error: None,
        brier: None,
        intervals: ErrorIntervals::default(),
        fitted: None,
        bins: Vec::new(),
    };
    Some(match numbers.len() == known.len() {
        true => by_number(base, &numbers, draw),
        false => Calibration { bins: by_word(&known, words), ..base },
    })
}

fn by_number(base: Calibration, answers: &[(f64, bool)], draw: Draw) -> Calibration {
    let bin = |(place, (count, sum, rights)): (usize, &(u64, f64, u64))| Bin {
        name: format!("{:.1} to {:.1}", place as f64 / BINS as f64, (place + 1) as f64 / BINS as f64),
        answers: *count,
        confidence: (*count > 0).then(|| sum / *count as f64),
        right: super::score::ratio(*rights, *count),
        interval: wilson(*rights, *count),
    };
    let found = errors(answers.iter());
    let intervals = draw.intervals(answers.len(), &[answers.len() as u64; 2], |rows| {
        let found = (!rows.is_empty()).then(|| errors(rows.iter().map(|row| &answers[*row])));
        vec![found.map(|found| found.expected_calibration_error), found.map(|found| found.brier)]
    });
    Calibration {
        expected_calibration_error: Some(found.expected_calibration_error),
        brier: Some(found.brier),
        intervals: ErrorIntervals { expected_calibration_error: intervals[0], brier: intervals[1] },
        fitted: fitted(answers),
        bins: binned(answers.iter()).iter().enumerate().map(bin).collect(),
        ..base
    }
}

/// For each bin its answers, the sum of their confidences, and how many are right.
fn binned<'a>(answers: impl Iterator<Item = &'a (f64, bool)>) -> [(u64, f64, u64); BINS] {
    let mut sums = [(0, 0.0, 0); BINS];
    for (confidence, right) in answers {
        let (count, sum, rights) = &mut sums[bin_of(*confidence)];
        *count += 1;
        *sum += confidence;
        *rights += u64::from(*right);
    }
    sums
}

fn errors<'a>(answers: impl Iterator<Item = &'a (f64, bool)> + Clone) -> Errors {
    let total = answers.clone().count() as f64;
    let squared = |(confidence, right): &(f64, bool)| (confidence - f64::from(u8::from(*right))).powi(2);
    let brier = answers.clone().map(squared).sum::<f64>() / total;
    let distance = |(_, sum, rights): &(u64, f64, u64)| (sum - *rights as f64).abs();
    Errors { expected_calibration_error: binned(answers).iter().map(distance).sum::<f64>() / total, brier }
}

fn fitted(answers: &[(f64, bool)]) -> Option<Fitted> {
    let rights = answers.iter().filter(|(_, right)| *right).count();
    if answers.len() < FITTING || rights == 0 || rights == answers.len() {
        return None;
    }
    let (mut isotonic, mut platt) = (Vec::new(), Vec::new());
    for fold in 0..FOLDS {
        let part = |inside: bool| {
            let here = move |(place, _): &(usize, &(f64, bool))| (place % FOLDS == fold) == inside;
            answers.iter().enumerate().filter(here).map(|(_, answer)| *answer)
        };
        let others: Vec<_> = part(false).collect();
        let (rising, sigmoid) = (Isotonic::fit(&others), Platt::fit(&others));
        for (claim, right) in part(true) {
            isotonic.push((rising.chance(claim).unwrap_or(claim), right));
            platt.push((sigmoid.chance(claim), right));
        }
    }
    Some(Fitted {
        isotonic: Isotonic::fit(answers),
        platt: Platt::fit(answers),
        held_out: HeldOut { isotonic: errors(isotonic.iter()), platt: errors(platt.iter()) },
    })
}

/// The bin whose upper bound is the first that is not below the confidence.
fn bin_of(confidence: f64) -> usize {
    (1..BINS).find(|place| confidence <= *place as f64 / BINS as f64).map_or(BINS - 1, |place| place - 1)
}

/// The words that the task names in its order, then others in order of name.
fn by_word(answers: &[(&Confidence, bool)], words: &[String]) -> Vec<Bin> {
    let mut names = words.to_vec();
    let mut others: Vec<String> = answers.iter().map(|(confidence, _)| confidence.to_string()).collect();
    others.sort();
    others.dedup();
    others.retain(|other| !names.contains(other));
    names.extend(others);
    let bin = |name: String| {
        let here = answers.iter().filter(|(confidence, _)| confidence.to_string() == name);
        let count = here.clone().count() as u64;
        let rights = here.filter(|(_, right)| *right).count() as u64;
        let (right, interval) = (super::score::ratio(rights, count), wilson(rights, count));
        Bin { name, answers: count, confidence: None, right, interval }
    };
    names.into_iter().map(bin).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(answers: &[(f64, bool)]) -> Calibration {
        let confidences: Vec<_> =
            answers.iter().map(|(number, right)| (Confidence::Number(*number), *right)).collect();
        let answers: Vec<_> = confidences.iter().map(|(number, right)| (Some(number), *right)).collect();
        calibration(&answers, &[], String::new(), Draw::default()).unwrap()
    }

    #[test]
    fn the_error_and_the_brier_score_are_those_counted_by_hand() {
        // 0.9 to 1.0: mean confidence 0.95, one of two right; 0.5 to 0.6: 0.6, right.
        let found = of(&[(0.92, true), (0.98, false), (0.6, true)]);
        let error = (2.0 * (0.95f64 - 0.5).abs() + (0.6f64 - 1.0).abs()) / 3.0;
        assert!((found.expected_calibration_error.unwrap() - error).abs() < 1e-12);
        let brier = (0.08f64.powi(2) + 0.98f64.powi(2) + 0.4f64.powi(2)) / 3.0;
        assert!((found.brier.unwrap() - brier).abs() < 1e-12);
        assert_eq!(found.bins[5].answers, 1, "0.6 belongs to the bin that ends there");
        assert_eq!((found.bins[0].confidence, found.bins[0].right), (None, None));
    }

    #[test]
    fn bounds_belong_to_the_bin_below_them() {
        assert_eq!([0.0, 0.1, 0.1000001, 0.3, 0.7, 0.95, 1.0].map(bin_of), [0, 0, 1, 2, 6, 9, 9]);
    }

    #[test]
    fn words_have_a_line_each_and_no_error_figure() {
        let (high, low) = (Confidence::Word("high".into()), Confidence::Word("low".into()));
        let answers = [(Some(&high), true), (Some(&high), false), (Some(&low), false), (None, true)];
        let words = ["high", "medium", "low"].map(str::to_owned);
        let found = calibration(&answers, &words, String::new(), Draw::default()).unwrap();
        assert_eq!((found.answers, found.without, found.brier), (3, 1, None));
        let lines: Vec<_> =
            found.bins.iter().map(|bin| (bin.name.as_str(), bin.answers, bin.right)).collect();
        assert_eq!(lines, [("high", 2, Some(0.5)), ("medium", 0, None), ("low", 1, Some(0.0))]);
        assert_eq!(calibration(&[(None, true)], &[], String::new(), Draw::default()), None);
    }
}
