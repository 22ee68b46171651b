//! Comparison: two sets of answers about the same gold rows.

use serde::Serialize;

use super::aspect::{Aspect, Scheme};
use super::dice::Dice;
use super::given::Given;
use super::gold::{Gold, GoldRow};
use super::interval::{Draw, quantile};
use super::score::{Confusion, Pair, average, events, is_right, micro, ratio};
use llm_classifier::Task;

/// How two sets of answers differ, over the labelled rows; a row without an answer counts as wrong in both.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Where the first answers come from.
    pub a: String,
    /// Where the second answers come from.
    pub b: String,
    /// The aspect that is compared.
    pub aspect: String,
    /// How many rows.
    pub rows: u64,
    /// Resamples of the bootstrap.
    pub resamples: u32,
    /// Seed of the bootstrap.
    pub seed: u64,
    /// Each figure, of both and their difference.
    pub differences: Vec<Difference>,
    /// Who is right where they differ.
    pub mcnemar: McNemar,
    /// The rows where their answers differ.
    pub disagreements: Vec<Disagreement>,
}

/// One figure of both, and a 95 % interval for its difference: the paired percentile bootstrap (Efron and Tibshirani
/// 1993, chapter 13), which draws rows with replacement and scores both on the same ones.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The figure.
    pub figure: &'static str,
    /// Of the first.
    pub a: Option<f64>,
    /// Of the second.
    pub b: Option<f64>,
    /// The second less the first.
    pub difference: Option<f64>,
    /// The 2.5 % point of the resampled differences.
    pub low: Option<f64>,
    /// The 97.5 % point.
    pub high: Option<f64>,
    /// Whether 0 lies outside the interval.
    pub clear: Option<bool>,
}

/// The rows by who is right, and McNemar's exact test.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct McNemar {
    /// Both right.
    pub both: u64,
    /// Only the first right.
    pub only_a: u64,
    /// Only the second right.
    pub only_b: u64,
    /// Neither right.
    pub neither: u64,
    /// The two-sided chance of a split as uneven as `only_a` to `only_b`, if both were equally good (exact binomial);
    /// `None` if they never differ in this.
    pub p_value: Option<f64>,
}

/// A row that got two different answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Disagreement {
    /// The record's id.
    pub id: String,
    /// What is right.
    pub gold: Vec<String>,
    /// What the first answered; `None` if nothing.
    pub a: Option<Vec<String>>,
    /// What the second answered.
    pub b: Option<Vec<String>>,
}

/// Compares the answers to a task's first aspect. The same seed gives the same intervals.
pub fn compare(task: &Task, gold: &Gold, a: &Given, b: &Given, draw: Draw) -> Comparison {
    let Draw { resamples, seed } = draw;
    let aspect = Scheme::of(task).aspects.swap_remove(0);
    let rows: Vec<Compared<'_>> = gold.rows.iter().filter_map(|row| Compared::of(row, a, b)).collect();
    Comparison {
        a: a.from.clone(),
        b: b.from.clone(),
        aspect: aspect.name.clone(),
        rows: rows.len() as u64,
        resamples,
        seed,
        differences: differences(&rows, aspect.labels.len(), resamples, seed),
        mcnemar: mcnemar(&rows),
        disagreements: rows.iter().filter(|row| row.a != row.b).map(|row| row.shown(&aspect)).collect(),
    }
}

struct Compared<'a> {
    gold: &'a GoldRow,
    wanted: &'a [usize],
    a: Option<&'a [usize]>,
    b: Option<&'a [usize]>,
}

impl<'a> Compared<'a> {
    fn of(gold: &'a GoldRow, a: &'a Given, b: &'a Given) -> Option<Compared<'a>> {
        let answer = |given: &'a Given| given.answers.get(&gold.id)?.given[0].as_deref();
        Some(Compared { gold, wanted: gold.wanted[0].as_deref()?, a: answer(a), b: answer(b) })
    }

    fn pairs(&self) -> [Pair<'a>; 2] {
        [(self.wanted, self.a), (self.wanted, self.b)]
    }

    fn shown(&self, aspect: &Aspect) -> Disagreement {
        let names = |places: &[usize]| places.iter().map(|place| aspect.labels[*place].clone()).collect();
        Disagreement {
            id: self.gold.id.clone(),
            gold: names(self.wanted),
            a: self.a.map(names),
            b: self.b.map(names),
        }
    }
}

const FIGURES: [&str; 3] = ["subset accuracy", "micro F1", "macro F1"];

/// What a row adds, for both sides: whether it is right, and its events.
struct Added {
    right: [bool; 2],
    events: [Vec<(usize, Confusion)>; 2],
}

/// The figures of both sides over some rows, in the order of [`FIGURES`].
fn figures<'a>(rows: impl Iterator<Item = &'a Added>, labels: usize) -> [[Option<f64>; 2]; 3] {
    let mut counts = [vec![Confusion::default(); labels], vec![Confusion::default(); labels]];
    let (mut rights, mut total) = ([0u64; 2], 0u64);
    for row in rows {
        total += 1;
        for side in 0..2 {
            rights[side] += u64::from(row.right[side]);
            row.events[side].iter().for_each(|(place, event)| counts[side][*place].add(*event));
        }
    }
    [
        rights.map(|rights| ratio(rights, total)),
        [micro(&counts[0]).f1, micro(&counts[1]).f1],
        [average(&counts[0], |_| 1.0).f1, average(&counts[1], |_| 1.0).f1],
    ]
}

fn differences(rows: &[Compared<'_>], labels: usize, resamples: u32, seed: u64) -> Vec<Difference> {
    let added = |row: &Compared<'_>| {
        let pairs = row.pairs();
        Added { right: pairs.map(is_right), events: pairs.map(events) }
    };
    let added: Vec<Added> = rows.iter().map(added).collect();
    let mut drawn: [Vec<f64>; 3] = Default::default();
    let mut dice = Dice::new(seed);
    for _ in 0..resamples {
        let again = (0..added.len()).map(|_| &added[dice.below(added.len())]);
        for (place, [a, b]) in figures(again, labels).into_iter().enumerate() {
            drawn[place].extend(a.zip(b).map(|(a, b)| b - a));
        }
    }
    let whole = figures(added.iter(), labels);
    let difference = |(place, mut drawn): (usize, Vec<f64>)| {
        drawn.sort_by(f64::total_cmp);
        let [a, b] = whole[place];
        let (low, high) = (quantile(&drawn, 0.025), quantile(&drawn, 0.975));
        Difference {
            figure: FIGURES[place],
            a,
            b,
            difference: a.zip(b).map(|(a, b)| b - a),
            low,
            high,
            clear: low.zip(high).map(|(low, high)| low > 0.0 || high < 0.0),
        }
    };
    drawn.into_iter().enumerate().map(difference).collect()
}

fn mcnemar(rows: &[Compared<'_>]) -> McNemar {
    let count =
        |a: bool, b: bool| rows.iter().filter(|row| row.pairs().map(is_right) == [a, b]).count() as u64;
    let (only_a, only_b) = (count(true, false), count(false, true));
    McNemar {
        both: count(true, true),
        only_a,
        only_b,
        neither: count(false, false),
        p_value: exact(only_a, only_b),
    }
}

/// Twice the chance of at most the smaller count in a fair binomial, at most 1.
fn exact(left: u64, right: u64) -> Option<f64> {
    let all = left + right;
    if all == 0 {
        return None;
    }
    // The logarithm of each term, for 0.5^all is 0 from about a thousand on.
    let mut term = -(all as f64) * std::f64::consts::LN_2;
    let mut tail = term.exp();
    for k in 0..left.min(right) {
        term += ((all - k) as f64 / (k + 1) as f64).ln();
        tail += term.exp();
    }
    Some((2.0 * tail).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exact_test_gives_the_known_chances() {
        let near = |left, right, wanted: f64| {
            let found = exact(left, right).unwrap();
            assert!((found - wanted).abs() < 1e-12 * wanted.max(1e-300), "{found} is not {wanted}");
        };
        // 2 * (1 + 6) / 64; 2 / 2^5; all equal; 2 * (1 + 12 + 66) / 4096.
        near(1, 5, 14.0 / 64.0);
        near(5, 0, 2.0 / 32.0);
        near(4, 4, 1.0);
        near(2, 10, 158.0 / 4096.0);
        assert_eq!(exact(0, 0), None);
        assert!(exact(3000, 2000).unwrap() < 1e-40);
    }
}
