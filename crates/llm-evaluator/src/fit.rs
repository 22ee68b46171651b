//! Fits: curves that make of what an answer claims a chance that holds, learnt from the gold rows.

use serde::Serialize;

/// A curve that only rises: isotonic regression by pooling neighbours that fall (Barlow et al. 1972), as scikit-learn's
/// `IsotonicRegression(out_of_bounds="clip")`. Between two points it is straight.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Isotonic {
    /// What is claimed, and the chance of being right, in ascending order.
    pub points: Vec<(f64, f64)>,
}

/// 1 / (1 + exp(a * claim + b)), with the targets of Platt (1999), as scikit-learn's `method="sigmoid"`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Platt {
    /// The slope; negative if answers that claim more are right more often.
    pub a: f64,
    /// The offset.
    pub b: f64,
}

/// Neighbours with one value.
#[derive(Clone, Copy)]
struct Block {
    first: f64,
    last: f64,
    rights: f64,
    count: f64,
}

impl Isotonic {
    /// Fits claims and outcomes; without any it has no points.
    pub(crate) fn fit(answers: &[(f64, bool)]) -> Isotonic {
        let mut sorted = answers.to_vec();
        sorted.sort_by(|one, other| one.0.total_cmp(&other.0));
        let mut blocks: Vec<Block> = Vec::new();
        for (claim, right) in sorted {
            let rights = f64::from(u8::from(right));
            match blocks.last_mut().filter(|block| block.first == claim) {
                Some(block) => {
                    block.rights += rights;
                    block.count += 1.0;
                }
                None => {
                    // What is before is done: pool it first.
                    pool(&mut blocks);
                    blocks.push(Block { first: claim, last: claim, rights, count: 1.0 });
                }
            }
        }
        pool(&mut blocks);
        let mut points = Vec::new();
        for block in &blocks {
            let value = block.rights / block.count;
            points.push((block.first, value));
            if block.last > block.first {
                points.push((block.last, value));
            }
        }
        Isotonic { points }
    }

    /// The chance of being right; `None` without points.
    pub fn chance(&self, claim: f64) -> Option<f64> {
        let above = self.points.partition_point(|point| point.0 < claim);
        let (Some(below), Some(above)) = (above.checked_sub(1), self.points.get(above)) else {
            // Beyond the ends the curve is flat.
            return self.points.get(above).or(self.points.last()).map(|point| point.1);
        };
        let below = self.points[below];
        Some(below.1 + (above.1 - below.1) * (claim - below.0) / (above.0 - below.0))
    }
}

/// Pools the last blocks as long as they fall.
fn pool(blocks: &mut Vec<Block>) {
    while let [.., before, last] = blocks.as_slice()
        && before.rights * last.count >= last.rights * before.count
    {
        let (before, last) = (*before, *last);
        blocks.truncate(blocks.len() - 2);
        blocks.push(Block {
            first: before.first,
            last: last.last,
            rights: before.rights + last.rights,
            count: before.count + last.count,
        });
    }
}

impl Platt {
    /// Fits claims and outcomes by Newton's steps, halved until they help (Lin, Lin and Weng 2007).
    pub(crate) fn fit(answers: &[(f64, bool)]) -> Platt {
        let rights = answers.iter().filter(|(_, right)| *right).count() as f64;
        let wrongs = answers.len() as f64 - rights;
        let targets = [1.0 / (wrongs + 2.0), (rights + 1.0) / (rights + 2.0)];
        let target = |right: bool| targets[usize::from(right)];
        let loss = |fit: Platt| {
            let one = |(claim, right): &(f64, bool)| {
                let score = fit.a * claim + fit.b;
                // ln(1 + exp(x)) without an overflow.
                let softplus = score.max(0.0) + (-score.abs()).exp().ln_1p();
                softplus - (1.0 - target(*right)) * score
            };
            answers.iter().map(one).sum::<f64>()
        };
        let mut fit = Platt { a: 0.0, b: ((wrongs + 1.0) / (rights + 1.0)).ln() };
        let mut value = loss(fit);
        for _ in 0..100 {
            // A little on the diagonal, for claims that are all the same.
            let (mut aa, mut ab, mut bb, mut a, mut b) = (1e-12, 0.0, 1e-12, 0.0, 0.0);
            for (claim, right) in answers {
                let chance = fit.chance(*claim);
                let (slope, curve) = (target(*right) - chance, chance * (1.0 - chance));
                aa += claim * claim * curve;
                ab += claim * curve;
                bb += curve;
                a += claim * slope;
                b += slope;
            }
            if a.abs().max(b.abs()) < 1e-10 {
                break;
            }
            let determinant = aa * bb - ab * ab;
            let (step_a, step_b) = (-(bb * a - ab * b) / determinant, -(aa * b - ab * a) / determinant);
            let mut part = 1.0;
            let found = loop {
                let next = Platt { a: fit.a + part * step_a, b: fit.b + part * step_b };
                let gain = 1e-4 * part * (a * step_a + b * step_b);
                if loss(next) <= value + gain {
                    break Some(next);
                }
                part /= 2.0;
                if part < 1e-10 {
                    break None;
                }
            };
            let Some(next) = found else { break };
            (fit, value) = (next, loss(next));
        }
        fit
    }

    /// The chance of being right.
    pub fn chance(&self, claim: f64) -> f64 {
        1.0 / (1.0 + (self.a * claim + self.b).exp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_that_fall_are_pooled_and_the_curve_is_straight_between_points() {
        let fit = Isotonic::fit(&[(0.1, false), (0.2, true), (0.3, false), (0.4, true), (0.4, true)]);
        assert_eq!(fit.points, [(0.1, 0.0), (0.2, 0.5), (0.3, 0.5), (0.4, 1.0)]);
        assert_eq!([0.0, 0.1, 0.25, 0.9].map(|claim| fit.chance(claim).unwrap()), [0.0, 0.0, 0.5, 1.0]);
        assert!((fit.chance(0.35).unwrap() - 0.75).abs() < 1e-12);
        assert_eq!(Isotonic::fit(&[]).chance(0.5), None);
    }

    #[test]
    fn one_claim_for_all_gets_the_share_that_is_right() {
        let answers: Vec<_> = (0..40).map(|n| (0.9, n % 4 != 0)).collect();
        assert_eq!(Isotonic::fit(&answers).points, [(0.9, 0.75)]);
        let chance = Platt::fit(&answers).chance(0.9);
        // Platt's targets are drawn a little towards one half.
        assert!((chance - 0.75).abs() < 0.03, "{chance}");
    }

    #[test]
    fn claims_that_mean_nothing_get_a_flat_curve_and_claims_that_split_a_finite_one() {
        let split: Vec<_> = (0..100).map(|n| (f64::from(n) / 100.0, n >= 50)).collect();
        let fit = Platt::fit(&split);
        assert!(fit.a < 0.0 && fit.a.is_finite() && fit.chance(0.95) > 0.95 && fit.chance(0.05) < 0.05);
        let noise: Vec<_> = (0..100).map(|n| (f64::from(n / 2) / 50.0, n % 2 == 0)).collect();
        assert!(Platt::fit(&noise).a.abs() < 1e-6);
    }
}
