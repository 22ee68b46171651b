//! The report: everything that comes of comparing answers with gold.

use std::collections::BTreeMap;

use serde::Serialize;

use super::aspect::{Aspect, Scheme};
use super::calibration::{Calibration, calibration};
use super::cost::{Cost, cost};
use super::given::{Confidence, Given, GivenAnswer};
use super::gold::{Gold, GoldRow};
use super::score::{Pair, Scores, ratio, score};
use super::sweep::{Judged, Sweep, sweep};
use crate::headline::{Headline, speaking};
use crate::interval::{Draw, Interval, wilson};
use crate::threshold::{Chosen, choose};
use llm_classifier::Task;

/// How good a task's answers are.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The task.
    pub task: String,
    /// The gold file.
    pub gold: String,
    /// The root or file of the answers.
    pub answers: String,
    /// How the bootstrap drew rows, for intervals that are not Wilson's.
    pub draw: Draw,
    /// What to quote.
    pub headline: Headline,
    /// How many gold rows could be scored.
    pub coverage: Coverage,
    /// Each question with a closed set of answers.
    pub aspects: Vec<AspectReport>,
    /// The first aspect by why its rows are in the gold file. Only random rows tell how good the whole listing is.
    pub strata: Vec<Stratum>,
    /// Confidence against outcome, for the first aspect; `None` if no answer has a confidence.
    pub calibration: Option<Calibration>,
    /// What thresholds do.
    pub sweeps: Vec<Sweep>,
    /// The thresholds for the wished precision, if one was wished.
    pub thresholds: Vec<Chosen>,
    /// What the answers cost.
    pub cost: Cost,
}

/// How to measure.
#[derive(Clone, Copy, Debug, Default)]
pub struct How {
    /// For the bootstrap.
    pub draw: Draw,
    /// What says how sure an answer is.
    pub claim: Claim,
    /// The precision for which thresholds are chosen.
    pub precision: Option<f64>,
}

/// What says how sure an answer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Claim {
    /// The answer's member `confidence`.
    #[default]
    Said,
    /// The share of votes that agree.
    Votes,
    /// The probability of the tokens that decide.
    Tokens,
}

/// What became of the gold rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Coverage {
    /// Rows of the gold file.
    pub gold_rows: u64,
    /// Rows that nobody has labelled yet; they are in no figure.
    pub unlabelled: u64,
    /// Labelled rows: `answered` and the `missing` ones.
    pub labelled: u64,
    /// Labelled rows with an answer.
    pub answered: u64,
    /// The share of labelled rows with an answer.
    pub share: Option<f64>,
    /// Wilson's interval of that share.
    pub interval: Option<Interval>,
    /// Labelled rows without an answer, by reason.
    pub missing: BTreeMap<String, u64>,
    /// Ids of which there are two different answers; the first one counted.
    pub conflicting: u64,
}

/// The scores of one aspect, in both ways of counting rows without an answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AspectReport {
    /// The name of the member.
    pub name: String,
    /// Whether a row may have several labels.
    pub many: bool,
    /// Rows without an answer are left out.
    pub answered: Scores,
    /// Rows without an answer count as wrong: nothing was answered.
    pub all: Scores,
}

/// Gold rows that are there for the same reason.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stratum {
    /// `random`, `uncertain`, or `not said`.
    pub sampled: String,
    /// How many rows, those without an answer included.
    pub rows: u64,
    /// The share whose whole answer is right; rows without an answer count as wrong.
    pub subset_accuracy: Option<f64>,
    /// F1 of all decisions in one pot, counted in the same way.
    pub micro_f1: Option<f64>,
    /// How far they may be off: Wilson's, and the bootstrap's.
    pub intervals: StratumIntervals,
}

/// The intervals of a [`Stratum`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct StratumIntervals {
    /// Of the share that is right.
    pub subset_accuracy: Option<Interval>,
    /// Of F1.
    pub micro_f1: Option<Interval>,
}

/// Why a gold row has no answer if its id is not there at all.
pub const NOT_THERE: &str = "not among the records";

const LEFT_OUT: &str = "rows without an answer are left out";
const AS_ERRORS: &str = "rows without an answer count as wrong";

/// Compares the answers with gold.
pub fn evaluate(task: &Task, gold: &Gold, given: &Given, how: How) -> Report {
    let scheme = Scheme::of(task);
    let rows: Vec<&GoldRow> = gold.rows.iter().filter(|row| row.is_labelled()).collect();
    let answers: Vec<Option<&GivenAnswer>> = rows.iter().map(|row| given.answers.get(&row.id)).collect();
    let known: Vec<&GivenAnswer> = answers.iter().flatten().copied().collect();
    let first = pairs(0, &rows, &answers);
    let draw = how.draw;
    Report {
        task: task.name.clone(),
        gold: gold.file.clone(),
        answers: given.from.clone(),
        draw,
        headline: headline(&scheme.aspects[0], &first, draw),
        coverage: coverage(gold, given, &rows),
        aspects: scheme
            .aspects
            .iter()
            .enumerate()
            .map(|(place, aspect)| aspect_report(aspect, &pairs(place, &rows, &answers), draw))
            .collect(),
        strata: strata(&scheme.aspects[0], &rows, &first, draw),
        calibration: calibrated(&scheme, &rows, &answers, how),
        sweeps: sweeps(&scheme, &rows, &answers, draw),
        thresholds: how
            .precision
            .map(|wished| thresholds(&scheme, &rows, &answers, wished))
            .unwrap_or_default(),
        cost: cost(&known, draw),
    }
}

/// What is wanted and given for an aspect, for the rows where a person has said what is right, each with its row.
fn pairs<'a>(
    place: usize,
    rows: &[&'a GoldRow],
    answers: &[Option<&'a GivenAnswer>],
) -> Vec<(&'a GoldRow, Pair<'a>)> {
    let pair = |(row, answer): (&&'a GoldRow, &Option<&'a GivenAnswer>)| {
        let wanted = row.wanted[place].as_deref()?;
        Some((*row, (wanted, answer.and_then(|answer| answer.given[place].as_deref()))))
    };
    rows.iter().zip(answers).filter_map(pair).collect()
}

fn coverage(gold: &Gold, given: &Given, rows: &[&GoldRow]) -> Coverage {
    let mut missing: BTreeMap<String, u64> = BTreeMap::new();
    for row in rows.iter().filter(|row| !given.answers.contains_key(&row.id)) {
        let why = given.missing.get(&row.id).map_or(NOT_THERE, String::as_str);
        *missing.entry(why.to_owned()).or_default() += 1;
    }
    let (labelled, lost) = (rows.len() as u64, missing.values().sum::<u64>());
    Coverage {
        gold_rows: gold.rows.len() as u64,
        unlabelled: gold.rows.len() as u64 - labelled,
        labelled,
        answered: labelled - lost,
        share: ratio(labelled - lost, labelled),
        interval: wilson(labelled - lost, labelled),
        missing,
        conflicting: given.conflicting,
    }
}

fn headline(aspect: &Aspect, pairs: &[(&GoldRow, Pair<'_>)], draw: Draw) -> Headline {
    let (of, rows) = speaking(pairs, |(row, _)| row.sampled.as_deref());
    let pairs: Vec<Pair<'_>> = rows.iter().map(|(_, pair)| *pair).collect();
    Headline::of(of, &pairs, &score(&aspect.labels, &pairs, false, AS_ERRORS, draw))
}

fn aspect_report(aspect: &Aspect, pairs: &[(&GoldRow, Pair<'_>)], draw: Draw) -> AspectReport {
    let all: Vec<Pair<'_>> = pairs.iter().map(|(_, pair)| *pair).collect();
    let answered: Vec<Pair<'_>> = all.iter().filter(|(_, given)| given.is_some()).copied().collect();
    let scored = |pairs: &[Pair<'_>], counting| score(&aspect.labels, pairs, !aspect.many, counting, draw);
    AspectReport {
        name: aspect.name.clone(),
        many: aspect.many,
        answered: scored(&answered, LEFT_OUT),
        all: scored(&all, AS_ERRORS),
    }
}

fn strata(aspect: &Aspect, rows: &[&GoldRow], pairs: &[(&GoldRow, Pair<'_>)], draw: Draw) -> Vec<Stratum> {
    if rows.iter().all(|row| row.sampled.is_none()) {
        return Vec::new();
    }
    let mut groups: BTreeMap<&str, Vec<Pair<'_>>> = BTreeMap::new();
    for (row, pair) in pairs {
        groups.entry(row.sampled.as_deref().unwrap_or("not said")).or_default().push(*pair);
    }
    let stratum = |(sampled, pairs): (&str, Vec<Pair<'_>>)| {
        let scores = score(&aspect.labels, &pairs, false, AS_ERRORS, draw);
        Stratum {
            sampled: sampled.to_owned(),
            rows: scores.rows,
            subset_accuracy: scores.subset_accuracy,
            micro_f1: scores.micro.f1,
            intervals: StratumIntervals {
                subset_accuracy: scores.intervals.subset_accuracy,
                micro_f1: scores.micro.intervals.f1,
            },
        }
    };
    groups.into_iter().map(stratum).collect()
}

fn calibrated(
    scheme: &Scheme,
    rows: &[&GoldRow],
    answers: &[Option<&GivenAnswer>],
    how: How,
) -> Option<Calibration> {
    let outcome = |(row, answer): (&&GoldRow, &Option<&GivenAnswer>)| {
        let (wanted, answer) = (row.wanted[0].as_deref()?, (*answer)?);
        let given = answer.given[0].as_deref()?;
        let claim = match how.claim {
            Claim::Said => answer.confidence.clone(),
            Claim::Votes => answer.vote_share.map(Confidence::Number),
            Claim::Tokens => answer.probability.map(Confidence::Number),
        };
        Some((claim, given == wanted))
    };
    let outcomes: Vec<_> = rows.iter().zip(answers).filter_map(outcome).collect();
    let outcomes: Vec<_> = outcomes.iter().map(|(confidence, right)| (confidence.as_ref(), *right)).collect();
    let right = format!("the whole of `{}` is as in gold", scheme.aspects[0].name);
    calibration(&outcomes, &scheme.words, right, how.draw)
}

/// A figure on which a threshold may be set: its name, the thresholds that are tried, and its value in an answer.
type Figured<'a> = (&'a str, Vec<f64>, Box<dyn Fn(&GivenAnswer) -> Option<f64>>);

fn figured(scheme: &Scheme) -> Vec<Figured<'_>> {
    let even = || (0..=20).map(|step| f64::from(step) / 20.0).collect();
    let mut figured: Vec<Figured<'_>> = Vec::new();
    for (place, measure) in scheme.measures.iter().enumerate() {
        figured.push((
            measure.field.member(),
            measure.steps(),
            Box::new(move |answer| answer.measures[place]),
        ));
    }
    figured.push(("vote_share", even(), Box::new(|answer| answer.vote_share)));
    figured.push(("probability", even(), Box::new(|answer| answer.probability)));
    figured
}

fn sweeps(scheme: &Scheme, rows: &[&GoldRow], answers: &[Option<&GivenAnswer>], draw: Draw) -> Vec<Sweep> {
    let judged = rows
        .iter()
        .zip(answers)
        .filter_map(|(row, answer)| Some(Judged { wanted: row.wanted[0].as_deref()?, answer: *answer }));
    let rows: Vec<Judged<'_>> = judged.collect();
    // The first answer of a filter's first aspect is yes.
    let accepts = scheme.filter.then_some(0);
    let swept = |(name, steps, figure): Figured<'_>| sweep(name, &rows, accepts, &steps, figure, draw);
    figured(scheme).into_iter().filter_map(swept).collect()
}

/// For each figure the lowest threshold that is good enough; of a filter among the rows that it lets through.
fn thresholds(
    scheme: &Scheme,
    rows: &[&GoldRow],
    answers: &[Option<&GivenAnswer>],
    wished: f64,
) -> Vec<Chosen> {
    let pairs: Vec<_> = rows.iter().copied().zip(answers.iter().copied()).collect();
    let (which, pairs) = speaking(&pairs, |(row, _)| row.sampled.as_deref());
    let chosen = |(name, _, figure): Figured<'_>| {
        let row = |(row, answer): &(&GoldRow, Option<&GivenAnswer>)| {
            let (wanted, answer) = (row.wanted[0].as_deref()?, (*answer)?);
            let given = answer.given[0].as_deref()?;
            let counts = !scheme.filter || given == [0];
            counts.then_some((figure(answer)?, given == wanted))
        };
        let rows: Vec<(f64, bool)> = pairs.iter().filter_map(row).collect();
        (!rows.is_empty()).then(|| choose(name, which, &rows, wished))
    };
    figured(scheme).into_iter().filter_map(chosen).collect()
}
