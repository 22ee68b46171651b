//! The headline: the few figures that speak for the whole listing, and the gate that they must pass.

use std::str::FromStr;

use serde::Serialize;

use crate::interval::Interval;
use crate::score::{Pair, Scores};

/// What to quote: of the rows drawn at random, if any are marked so; rows without an answer count as wrong.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Headline {
    /// Which rows: `random`, or `all` where no row says why it is in the gold file.
    pub of: &'static str,
    /// How many.
    pub rows: u64,
    /// The share that is wholly right.
    pub subset_accuracy: Figure,
    /// F1 of all decisions in one pot.
    pub micro_f1: Figure,
    /// The mean F1 over labels.
    pub macro_f1: Figure,
}

/// A figure with its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// The figure; `None` if it is not defined.
    pub value: Option<f64>,
    /// How far it may be off.
    pub interval: Option<Interval>,
}

/// The rows that speak for the listing: the random ones, or all where none is marked.
pub(crate) fn speaking<'a, T: Copy>(
    rows: &'a [T],
    sampled: impl Fn(&T) -> Option<&'a str>,
) -> (&'static str, Vec<T>) {
    match rows.iter().any(|row| sampled(row).is_some()) {
        true => ("random", rows.iter().filter(|row| sampled(row) == Some("random")).copied().collect()),
        false => ("all", rows.to_vec()),
    }
}

impl Headline {
    pub(crate) fn of(of: &'static str, pairs: &[Pair<'_>], scores: &Scores) -> Headline {
        let figure = |value, interval| Figure { value, interval };
        Headline {
            of,
            rows: pairs.len() as u64,
            subset_accuracy: figure(scores.subset_accuracy, scores.intervals.subset_accuracy),
            micro_f1: figure(scores.micro.f1, scores.micro.intervals.f1),
            macro_f1: figure(scores.macro_.f1, scores.macro_.intervals.f1),
        }
    }
}

/// What the headline must have, such as `micro_f1>=0.8` or `micro_f1.low>=0.8`.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    figure: Quoted,
    /// Whether the low end of the interval must have it.
    low: bool,
    least: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Quoted {
    SubsetAccuracy,
    MicroF1,
    MacroF1,
}

impl FromStr for Gate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = "write FIGURE>=NUMBER, such as micro_f1>=0.8 or micro_f1.low>=0.8; figures are subset_accuracy, \
                    micro_f1 and macro_f1, and .low is the low end of the interval";
        let (name, least) = text.split_once(">=").ok_or(form)?;
        let least: f64 = least.trim().parse().map_err(|_| form)?;
        let name = name.trim();
        let (name, low) = name.strip_suffix(".low").map_or((name, false), |name| (name, true));
        let figure = match name {
            "subset_accuracy" => Quoted::SubsetAccuracy,
            "micro_f1" => Quoted::MicroF1,
            "macro_f1" => Quoted::MacroF1,
            _ => return Err(form.into()),
        };
        match (0.0..=1.0).contains(&least) {
            true => Ok(Gate { figure, low, least }),
            false => Err(form.into()),
        }
    }
}

impl Gate {
    /// Why the headline does not pass; `None` if it does. A figure that is not known does not pass.
    pub fn fails(&self, headline: &Headline) -> Option<String> {
        let (name, figure) = match self.figure {
            Quoted::SubsetAccuracy => ("subset_accuracy", headline.subset_accuracy),
            Quoted::MicroF1 => ("micro_f1", headline.micro_f1),
            Quoted::MacroF1 => ("macro_f1", headline.macro_f1),
        };
        let (what, found) = match self.low {
            true => ("the low end of the interval of ", figure.interval.map(|interval| interval.low)),
            false => ("", figure.value),
        };
        let passes = found.is_some_and(|found| found >= self.least);
        let found = found.map_or("not known".into(), |found| format!("{found:.3}"));
        (!passes).then(|| {
            let (of, rows, least) = (headline.of, headline.rows, self.least);
            format!("{what}{name} is {found}, and at least {least} is wanted ({rows} rows: {of})")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_holds_the_figure_or_its_low_end_and_what_is_unknown_does_not_pass() {
        let figure = Figure { value: Some(0.85), interval: Some(Interval { low: 0.78, high: 0.9 }) };
        let unknown = Figure { value: None, interval: None };
        let headline =
            Headline { of: "random", rows: 90, subset_accuracy: figure, micro_f1: figure, macro_f1: unknown };
        let fails = |gate: &str| gate.parse::<Gate>().unwrap().fails(&headline);
        assert_eq!((fails("micro_f1>=0.85"), fails("subset_accuracy.low>=0.78")), (None, None));
        let why = fails("micro_f1.low >= 0.8").unwrap();
        assert_eq!(
            why,
            "the low end of the interval of micro_f1 is 0.780, and at least 0.8 is wanted (90 rows: random)"
        );
        assert!(fails("macro_f1>=0").unwrap().contains("not known"));
        for wrong in ["micro_f1", "f1>=0.8", "micro_f1>=2", "micro_f1>=x", "micro_f1.high>=0.2"] {
            assert!(wrong.parse::<Gate>().is_err(), "{wrong}");
        }
    }
}
