//! The curve: what is spared, what it costs, and how good the answers are, at each threshold.

use serde::Serialize;

use crate::headline::Figure;
use crate::interval::{Draw, Interval};
use crate::score::{Pair, Places, counts, micro, ratio};
use crate::threshold::KeptRows;

/// A row that the head did not learn from.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    /// How sure the head is; `None` where it can say nothing.
    pub(crate) confidence: Option<f64>,
    /// What the head says.
    pub(crate) head: Places,
    /// What the model said.
    pub(crate) said: Places,
    /// What is right, where a person has said so.
    pub(crate) wanted: Option<Places>,
    pub(crate) cost: Option<f64>,
}

/// One threshold.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// From this confidence on the head answers; `None`: never.
    pub threshold: Option<f64>,
    /// The share of rows for which no model is asked.
    pub spared: Option<f64>,
    /// Of these rows, those where the head says what the model said.
    pub agreement: KeptRows,
    /// Dollars a record; `None` if the labels do not tell what they cost.
    pub dollars: Option<f64>,
    /// F1 of all labels in one pot on gold rows, head and model together.
    pub f1: Figure,
    /// That F1 less the model's alone, and the interval of the difference (paired bootstrap).
    pub difference: Figure,
}

impl Judged {
    fn is_spared(&self, threshold: Option<f64>) -> bool {
        self.confidence.zip(threshold).is_some_and(|(confidence, threshold)| confidence >= threshold)
    }

    fn agrees(&self) -> bool {
        self.head == self.said
    }

    /// What is answered: by the head where it is sure, else by the model.
    fn answer(&self, threshold: Option<f64>) -> &[usize] {
        if self.is_spared(threshold) { &self.head } else { &self.said }
    }
}

/// The confidences, and whether the head says what the model said.
pub(crate) fn agreements(rows: &[Judged]) -> Vec<(f64, bool)> {
    rows.iter().filter_map(|row| Some((row.confidence?, row.agrees()))).collect()
}

/// The lowest threshold that spares at most this share of `all` rows; `None` if it spares none.
pub(crate) fn sparing(rows: &[(f64, bool)], all: usize, share: f64) -> Option<f64> {
    let mut sure: Vec<f64> = rows.iter().map(|row| row.0).collect();
    sure.sort_by(|one, other| other.total_cmp(one));
    let most = (share * all as f64 + 1e-9).floor() as usize;
    let most = most.min(sure.len());
    // Rows of one confidence are spared together.
    let place = (0..most).rev().find(|place| sure.get(place + 1).is_none_or(|next| *next < sure[*place]));
    place.map(|place| sure[place])
}

/// Micro F1 of some rows, at a threshold and of the model alone.
fn both<'a>(
    rows: impl Iterator<Item = &'a Judged>,
    labels: usize,
    threshold: Option<f64>,
) -> [Option<f64>; 2] {
    let (mut mixed, mut alone): (Vec<Pair<'_>>, Vec<Pair<'_>>) = (Vec::new(), Vec::new());
    for row in rows {
        let Some(wanted) = row.wanted.as_deref() else { continue };
        mixed.push((wanted, Some(row.answer(threshold))));
        alone.push((wanted, Some(&row.said)));
    }
    [micro(&counts(labels, mixed)).f1, micro(&counts(labels, alone)).f1]
}

/// Whether head and model together are at least as good on gold as the model alone.
pub(crate) fn is_no_worse(rows: &[Judged], labels: usize, threshold: Option<f64>) -> bool {
    let [mixed, alone] = both(rows.iter(), labels, threshold);
    mixed.zip(alone).is_none_or(|(mixed, alone)| mixed >= alone)
}

/// What comes of a threshold.
pub(crate) fn step(rows: &[Judged], labels: usize, threshold: Option<f64>, draw: Draw) -> Step {
    let spared = rows.iter().filter(|row| row.is_spared(threshold)).count() as u64;
    let gold: Vec<&Judged> = rows.iter().filter(|row| row.wanted.is_some()).collect();
    let [mixed, alone] = both(gold.iter().copied(), labels, threshold);
    let found = draw.intervals(gold.len(), &[gold.len() as u64], |places| {
        vec![both(places.iter().map(|place| gold[*place]), labels, threshold)[0]]
    });
    let differences = draw.of(gold.len(), |places| {
        let [mixed, alone] = both(places.iter().map(|place| gold[*place]), labels, threshold);
        mixed.zip(alone).map(|(mixed, alone)| mixed - alone)
    });
    let difference = mixed.zip(alone).map(|(mixed, alone)| mixed - alone);
    let same = gold.iter().all(|row| row.answer(threshold) == row.said);
    Step {
        threshold,
        spared: ratio(spared, rows.len() as u64),
        agreement: KeptRows::above(&agreements(rows), threshold),
        dollars: dollars(rows, threshold),
        f1: Figure { value: mixed, interval: found[0] },
        difference: Figure {
            value: difference,
            // Where all answers are the model's there is no doubt.
            interval: differences.or(difference.filter(|_| same).map(|at| Interval { low: at, high: at })),
        },
    }
}

/// What a record costs, where the model is asked only about those that are not spared.
fn dollars(rows: &[Judged], threshold: Option<f64>) -> Option<f64> {
    let costs: Option<Vec<f64>> = rows.iter().map(|row| row.cost).collect();
    let costs = costs.filter(|costs| !costs.is_empty())?;
    let paid = rows.iter().zip(&costs).filter(|(row, _)| !row.is_spared(threshold)).map(|(_, cost)| cost);
    // The sum of no numbers would be -0.
    Some(paid.fold(0.0, |sum, cost| sum + cost) / costs.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(confidence: Option<f64>, head: usize, said: usize, wanted: usize) -> Judged {
        Judged { confidence, head: vec![head], said: vec![said], wanted: Some(vec![wanted]), cost: Some(0.5) }
    }

    #[test]
    fn a_step_counts_what_is_spared_what_it_costs_and_what_becomes_of_f1() {
        let rows =
            [row(Some(0.9), 0, 0, 0), row(Some(0.8), 1, 0, 1), row(Some(0.3), 0, 1, 1), row(None, 0, 1, 1)];
        let of = |threshold| step(&rows, 2, threshold, Draw { resamples: 50, seed: 1 });
        let all = of(Some(0.8));
        assert_eq!((all.spared, all.dollars), (Some(0.5), Some(0.25)));
        assert_eq!((all.agreement.kept, all.agreement.right, all.agreement.of), (2, 1, 3));
        // The model has three of four right, and the head puts the fourth right.
        assert_eq!((all.f1.value, all.difference.value), (Some(1.0), Some(0.25)));
        let none = of(None);
        assert_eq!((none.spared, none.dollars, none.difference.value), (Some(0.0), Some(0.5), Some(0.0)));
        assert_eq!(none.difference.interval, Some(Interval { low: 0.0, high: 0.0 }));
        let free = step(&rows[..2], 2, Some(0.8), Draw { resamples: 50, seed: 1 }).dollars.unwrap();
        assert!(free == 0.0 && free.is_sign_positive());
        assert!(is_no_worse(&rows, 2, Some(0.8)) && !is_no_worse(&rows[2..], 2, Some(0.3)));
    }

    #[test]
    fn no_more_than_the_wished_share_is_spared_and_equal_rows_are_spared_together() {
        let rows = [(0.9, true), (0.8, true), (0.8, false), (0.5, true)];
        let of = |share| sparing(&rows, 4, share);
        assert_eq!(
            (of(0.0), of(0.25), of(0.5), of(0.75), of(1.0)),
            (None, Some(0.9), Some(0.9), Some(0.8), Some(0.5))
        );
        assert_eq!(sparing(&rows, 8, 0.5), Some(0.5), "of all rows, those without a confidence too");
    }
}
