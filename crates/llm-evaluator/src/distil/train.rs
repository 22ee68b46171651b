//! Training: logistic regression with an L2 penalty, a label at a time, by accelerated gradient steps (Nesterov 1983). The
//! same rows in the same order give the same weights.

/// So many steps at most.
const STEPS: usize = 400;
/// Where no part of the slope is steeper, the bottom is reached.
const FLAT: f32 = 1e-6;

/// The weights and the offset of one label.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Weights {
    pub(crate) weights: Vec<f32>,
    pub(crate) offset: f64,
}

impl Weights {
    pub(crate) fn score(&self, features: &[f32]) -> f64 {
        self.offset + f64::from(dot(&self.weights, features))
    }
}

/// The weights with the least mean loss plus `penalty` / 2 times their squares; the offset is not penalised.
pub(crate) fn train(rows: &[&[f32]], has: &[bool], penalty: f64) -> Weights {
    let dimension = rows.first().map_or(0, |row| row.len());
    let (count, with) = (rows.len() as f64, has.iter().filter(|has| **has).count() as f64);
    // Half a row more on each side, so that a label that no row or every row has gets a finite offset.
    let offset = ((with + 0.5) / (count - with + 0.5)).ln();
    let mut at = Weights { weights: vec![0.0; dimension], offset };
    if with == 0.0 || with == count {
        return at;
    }
    let longest = rows.iter().map(|row| dot(row, row)).fold(0.0, f32::max);
    // No slope changes faster than this.
    let step = (1.0 / (0.25 * (f64::from(longest) + 1.0) + penalty)) as f32;
    let (mut ahead, mut speed) = (at.clone(), 1.0f64);
    for _ in 0..STEPS {
        let (slope, slope_of_offset) = slope(rows, has, &ahead, penalty);
        if slope.iter().all(|slope| slope.abs() < FLAT) && slope_of_offset.abs() < FLAT {
            break;
        }
        let mut next = ahead.clone();
        next.weights.iter_mut().zip(&slope).for_each(|(weight, slope)| *weight -= step * slope);
        next.offset -= f64::from(step * slope_of_offset);
        // Going on in a direction that leads up: begin anew from here.
        let moved =
            next.weights.iter().zip(&at.weights).zip(&slope).map(|((to, from), slope)| (to - from) * slope);
        let rises = moved.sum::<f32>() + slope_of_offset * (next.offset - at.offset) as f32 > 0.0;
        let faster = if rises { 1.0 } else { f64::midpoint(1.0, (1.0 + 4.0 * speed * speed).sqrt()) };
        let further = if rises { 0.0 } else { (speed - 1.0) / faster };
        ahead = next.clone();
        ahead
            .weights
            .iter_mut()
            .zip(&at.weights)
            .for_each(|(weight, before)| *weight += further as f32 * (*weight - before));
        ahead.offset += further * (ahead.offset - at.offset);
        (at, speed) = (next, faster);
    }
    at
}

/// The slope of the penalised mean loss.
fn slope(rows: &[&[f32]], has: &[bool], at: &Weights, penalty: f64) -> (Vec<f32>, f32) {
    let mut slope = vec![0.0f32; at.weights.len()];
    let mut slope_of_offset = 0.0f64;
    let part = 1.0 / rows.len() as f64;
    for (row, has) in rows.iter().zip(has) {
        let chance = 1.0 / (1.0 + (-at.score(row)).exp());
        let wrong = part * (chance - f64::from(u8::from(*has)));
        slope_of_offset += wrong;
        let wrong = wrong as f32;
        slope.iter_mut().zip(*row).for_each(|(slope, feature)| *slope += wrong * feature);
    }
    slope.iter_mut().zip(&at.weights).for_each(|(slope, weight)| *slope += penalty as f32 * weight);
    (slope, slope_of_offset as f32)
}

/// The mean loss of scores.
pub(crate) fn loss(scores: &[f64], has: &[bool]) -> f64 {
    let one = |(score, has): (&f64, &bool)| {
        // ln(1 + exp(x)) without an overflow.
        let against = if *has { -score } else { *score };
        against.max(0.0) + (-against.abs()).exp().ln_1p()
    };
    scores.iter().zip(has).map(one).sum::<f64>() / scores.len().max(1) as f64
}

/// In sixteen sums side by side, which the machine adds up at once.
fn dot(one: &[f32], other: &[f32]) -> f32 {
    let mut sums = [0.0f32; 16];
    let (ones, others) = (one.chunks_exact(16), other.chunks_exact(16));
    let rest: f32 = ones.remainder().iter().zip(others.remainder()).map(|(one, other)| one * other).sum();
    for (one, other) in ones.zip(others) {
        for place in 0..16 {
            sums[place] += one[place] * other[place];
        }
    }
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Dice;

    fn data(count: usize) -> (Vec<Vec<f32>>, Vec<bool>) {
        let mut dice = Dice::new(5);
        let mut number = || dice.below(2001) as f32 / 1000.0 - 1.0;
        let rows: Vec<Vec<f32>> = (0..count).map(|_| (0..20).map(|_| number()).collect()).collect();
        let has = rows.iter().map(|row| row[0] - 0.5 * row[3] + 0.3 * number() > 0.4).collect();
        (rows, has)
    }

    #[test]
    fn at_the_bottom_there_is_no_slope_and_training_again_gives_the_same() {
        let (rows, has) = data(300);
        let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
        let found = train(&rows, &has, 0.01);
        let (slope, of_offset) = slope(&rows, &has, &found, 0.01);
        assert!(slope.iter().all(|slope| slope.abs() < 1e-4) && of_offset.abs() < 1e-4, "{slope:?}");
        assert_eq!(found, train(&rows, &has, 0.01));
        assert!(found.weights[0] > 1.0 && found.weights[3] < -0.5 && found.weights[7].abs() < 0.4);
    }

    #[test]
    fn a_label_that_all_or_none_have_gets_an_offset_and_no_weights() {
        let (rows, _) = data(9);
        let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
        let none = train(&rows, &[false; 9], 0.01);
        assert!((none.offset - (0.5f64 / 9.5).ln()).abs() < 1e-12 && none.weights.iter().all(|w| *w == 0.0));
        assert!(train(&rows, &[true; 9], 0.01).offset > 2.0);
    }

    #[test]
    fn the_loss_is_that_counted_by_hand_and_finite_far_out() {
        let wanted = ((1.0 + (-2.0f64).exp()).ln() + (1.0 + 1.0f64.exp()).ln()) / 2.0;
        assert!((loss(&[2.0, 1.0], &[true, false]) - wanted).abs() < 1e-12);
        assert_eq!(loss(&[1e4], &[false]), 1e4);
    }
}
