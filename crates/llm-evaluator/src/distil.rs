//! Distilling: labels that a model was paid for train a head, which answers where it is sure, so that the model is asked
//! only about the rest. It is measured on rows that it did not learn from.

mod curve;
mod learned;
mod show;
mod train;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;

use crawl_core::{Error, Kind, Result};
use llm_classifier::head::{HeadFile, can_tell, decide, score};
use llm_classifier::{Answer, Classifier, Task};
use serde::Serialize;
use serde_json::json;
use static_embedding::Table;

use crate::aspect::Scheme;
use crate::gold::Gold;
use crate::interval::Draw;
use crate::score::Places;
use crate::threshold::{KeptRows, held_out, lowest};
pub use curve::Step;
use curve::{Judged, agreements, is_no_worse, sparing, step};
use learned::{Learned, Rows};
pub use show::distilled_table;
pub(crate) use show::{line, signed};
use train::{Weights, loss, train};

/// The penalties that are tried.
const PENALTIES: [f64; 4] = [1e-2, 1e-3, 1e-4, 1e-5];
/// So many rows choose among them.
const TRYING: usize = 4000;
/// Fewer rows than these teach and tell nothing.
const LEAST: [usize; 2] = [50, 20];

/// What is wished of the threshold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Aim {
    /// Where the head answers, it says what the model said, in at least this share of rows, by the low end of the interval.
    Agreement(f64),
    /// At most this share of rows is spared, and less where gold says that it would be worse than the model.
    Spare(f64),
}

/// From what, and for what, to distil.
#[derive(Clone, Copy, Debug)]
pub struct Distilling<'a> {
    /// The root or JSONL file of the labels, whole records.
    pub labels: &'a Path,
    /// Whose cache holds the answers, if the records do not: of a filter also those about what it rejected.
    pub kept: Option<&'a Classifier>,
    /// Which listing of the root, if it has several.
    pub listing: Option<&'a str>,
    /// The member with the id; else `repo_id`, else `id`.
    pub id_field: Option<&'a str>,
    /// What a person said about some of the records. The head does not learn from these.
    pub gold: Option<&'a Gold>,
    /// How many rows are looked at, of larger listings a draw.
    pub rows: usize,
    /// The share of rows that the head does not learn from.
    pub held_out: f64,
    /// What is wished of the threshold.
    pub aim: Aim,
    /// For the bootstrap; its seed also says which rows are held out.
    pub draw: Draw,
    /// The seed of the draw of rows.
    pub seed: u64,
}

/// How a head came to be and how good it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Distilled {
    /// The task.
    pub task: String,
    /// The root or file of the labels.
    pub labels: String,
    /// The models that made them, as far as records tell.
    pub models: BTreeSet<String>,
    /// Labelled records there are.
    pub labelled: u64,
    /// Labels of rules and of heads, which were left out: nobody was paid for them.
    pub not_paid: u64,
    /// Rows the head learnt from.
    pub trained_on: u64,
    /// Rows it did not learn from; all figures are of these.
    pub held_out: u64,
    /// How many of them are in gold.
    pub gold: u64,
    /// Rows that would have been learnt from, but the table does not know their words. Such rows that were held out are
    /// among those: the head says nothing about them.
    pub unknown: u64,
    /// The penalty that was chosen.
    pub penalty: f64,
    /// By this scores are divided.
    pub temperature: f64,
    /// What was wished.
    pub aim: Aim,
    /// What comes of the chosen threshold.
    pub chosen: Step,
    /// The agreement of thresholds that four fifths of the held-out rows chose, on the fifth that they did not see.
    pub unseen: KeptRows,
    /// The model alone.
    pub model: Step,
    /// What comes of other thresholds: for every twentieth of the rows.
    pub curve: Vec<Step>,
}

/// Distils a head of a labelled listing.
///
/// # Errors
/// [`Kind::Config`] if there are too few labels, or all are alike; those of reading the listing.
pub fn distil(task: &Task, wish: &Distilling<'_>) -> Result<(HeadFile, Distilled)> {
    let table = Table::shipped()?;
    let Rows { rows, not_paid, labelled, models } = learned::read(task, &table, wish)?;
    let scheme = Scheme::of(task);
    let labels = scheme.aspects[0].labels.len();
    // The one row of a filter's weights is its yes.
    let outputs = if scheme.filter { 1 } else { labels };
    let wanted = wanted(wish.gold);
    let (seen, unseen): (Vec<Learned>, Vec<Learned>) = split(rows, &wanted, wish);
    let (seen, unknown): (Vec<Learned>, Vec<Learned>) = seen.into_iter().partition(|row| row.seen.is_known);
    enough(&seen, &unseen, wish)?;
    let penalty = penalty(&seen, outputs);
    let weights = trained(&seen, outputs, penalty);
    let temperature = temperature(&weights, &unseen);
    let judged: Vec<Judged> = unseen
        .into_iter()
        .map(|row| {
            let of = |weights: &Weights| score(&weights.weights, weights.offset, &row.seen.features);
            let scores: Vec<f64> = weights.iter().map(of).collect();
            let (answer, confidence) = decide(task, &scores, temperature);
            let confidence = (row.seen.is_known && can_tell(task, &answer)).then_some(confidence);
            let wanted = wanted.get(row.id.as_str()).map(|wanted| (*wanted).clone());
            Judged { confidence, head: places(answer), said: row.said, wanted, cost: row.cost }
        })
        .collect();
    let agreements = agreements(&judged);
    let threshold = threshold(&judged, &agreements, labels, wish.aim);
    let of = |threshold| step(&judged, labels, threshold, wish.draw);
    let curve = (0..=20).map(|part| of(sparing(&agreements, judged.len(), f64::from(part) / 20.0))).collect();
    let chosen = of(threshold);
    let distilled = Distilled {
        task: task.name.clone(),
        labels: wish.labels.display().to_string(),
        models,
        labelled,
        not_paid,
        trained_on: seen.len() as u64,
        held_out: judged.len() as u64,
        gold: judged.iter().filter(|row| row.wanted.is_some()).count() as u64,
        unknown: unknown.len() as u64,
        penalty,
        temperature,
        aim: wish.aim,
        chosen,
        unseen: held_out(&agreements, |rows| match wish.aim {
            Aim::Agreement(wished) => lowest(rows, wished),
            // Of the rows of this part, as many as the threshold takes of all.
            Aim::Spare(_) => {
                let taken = threshold.map_or(0.0, |_| KeptRows::above(&agreements, threshold).kept as f64);
                sparing(rows, rows.len(), taken / agreements.len().max(1) as f64)
            }
        }),
        model: of(None),
        curve,
    };
    let flat: Vec<f32> = weights.iter().flat_map(|weights| weights.weights.iter().copied()).collect();
    let offsets = weights.iter().map(|weights| weights.offset).collect();
    let mut file = HeadFile::new(task, &table, &flat, offsets)?;
    (file.temperature, file.threshold) = (temperature, threshold);
    file.made = made(&distilled);
    Ok((file, distilled))
}

/// What a person said, by id.
fn wanted(gold: Option<&Gold>) -> HashMap<&str, &Places> {
    let rows = gold.into_iter().flat_map(|gold| &gold.rows);
    rows.filter_map(|row| Some((row.id.as_str(), row.wanted[0].as_ref()?))).collect()
}

/// The rows to learn from, and the others: those of gold and of their content, and a share of the rest.
fn split(
    rows: Vec<Learned>,
    wanted: &HashMap<&str, &Places>,
    wish: &Distilling<'_>,
) -> (Vec<Learned>, Vec<Learned>) {
    let known = |row: &&Learned| wanted.contains_key(row.id.as_str());
    let content: HashSet<u64> = rows.iter().filter(known).map(|row| row.content).collect();
    let kept_back = |row: &Learned| {
        let lot = crate::dice::number(wish.draw.seed, &row.content.to_string()) as f64 / u64::MAX as f64;
        content.contains(&row.content) || lot < wish.held_out
    };
    rows.into_iter().partition(|row| !kept_back(row))
}

fn enough(seen: &[Learned], unseen: &[Learned], wish: &Distilling<'_>) -> Result<()> {
    let refused = |what: String, advice: &str| {
        Err(Error::new(Kind::Config, what).at(wish.labels.display().to_string()).advise(advice.to_owned()))
    };
    let [least, least_held_out] = LEAST;
    if seen.len() < least || unseen.len() < least_held_out {
        let (seen, unseen) = (seen.len(), unseen.len());
        return refused(
            format!(
                "there are {seen} rows to learn from and {unseen} to measure by, and {least} and {least_held_out} are the least"
            ),
            "label more records with a model first; rows of rules, of heads and of languages that the table does not know are left out",
        );
    }
    if seen.iter().all(|row| row.said == seen[0].said) {
        return refused(
            "all rows have the same label: there is nothing to tell apart".into(),
            "the root of a filter lacks what it rejected: repeat the run with --rejected, or give the records of its input, and --kept with the --cache and --model of the run",
        );
    }
    Ok(())
}

fn has(rows: &[Learned], place: usize) -> Vec<bool> {
    rows.iter().map(|row| row.said.contains(&place)).collect()
}

fn trained(rows: &[Learned], outputs: usize, penalty: f64) -> Vec<Weights> {
    let features: Vec<&[f32]> = rows.iter().map(|row| row.seen.features.as_slice()).collect();
    (0..outputs).map(|place| train(&features, &has(rows, place), penalty)).collect()
}

/// The penalty whose weights lose least on a fifth of the rows that they did not learn from.
fn penalty(rows: &[Learned], outputs: usize) -> f64 {
    let rows = &rows[..rows.len().min(TRYING)];
    let (tests, learns): (Vec<_>, Vec<_>) =
        rows.iter().cloned().enumerate().partition(|(place, _)| place % 5 == 0);
    let plain = |rows: Vec<(usize, Learned)>| rows.into_iter().map(|(_, row)| row).collect::<Vec<_>>();
    let (tests, learns) = (plain(tests), plain(learns));
    let lost = |penalty: &f64| losses(&trained(&learns, outputs, *penalty), &tests, 1.0);
    let tried = PENALTIES.iter().map(|penalty| (lost(penalty), *penalty));
    tried.min_by(|one, other| one.0.total_cmp(&other.0)).map_or(PENALTIES[0], |found| found.1)
}

fn losses(weights: &[Weights], rows: &[Learned], temperature: f64) -> f64 {
    let one = |(place, weights): (usize, &Weights)| {
        let scores: Vec<f64> =
            rows.iter().map(|row| weights.score(&row.seen.features) / temperature).collect();
        loss(&scores, &has(rows, place))
    };
    weights.iter().enumerate().map(one).sum()
}

/// The temperature that loses least on the rows that were held out, to a hundredth of its logarithm.
fn temperature(weights: &[Weights], rows: &[Learned]) -> f64 {
    let rows: Vec<Learned> = rows.iter().filter(|row| row.seen.is_known).cloned().collect();
    let lost = |log: f64| losses(weights, &rows, log.exp());
    let (mut low, mut high) = (-2.5f64, 2.5f64);
    while high - low > 0.01 {
        let third = (high - low) / 3.0;
        if lost(low + third) < lost(high - third) { high -= third } else { low += third }
    }
    f64::midpoint(low, high).exp()
}

/// An answer of a head as places in the task's first aspect.
fn places(answer: Answer) -> Places {
    match answer.related {
        Some(related) => vec![usize::from(!related)],
        None => answer.labels,
    }
}

fn threshold(judged: &[Judged], agreements: &[(f64, bool)], labels: usize, aim: Aim) -> Option<f64> {
    match aim {
        Aim::Agreement(wished) => lowest(agreements, wished),
        // A hundredth less and less, until gold says that it is no worse than the model alone.
        Aim::Spare(share) => (0..=100)
            .filter_map(|less| sparing(agreements, judged.len(), share * f64::from(100 - less) / 100.0))
            .find(|threshold| is_no_worse(judged, labels, Some(*threshold))),
    }
}

/// What the file tells people.
fn made(distilled: &Distilled) -> serde_json::Map<String, serde_json::Value> {
    let Distilled { chosen, unseen, .. } = distilled;
    let made = json!({
        "labels": distilled.labels,
        "models": distilled.models,
        "trained_on": distilled.trained_on,
        "held_out": distilled.held_out,
        "penalty": distilled.penalty,
        "aim": distilled.aim,
        "spared": chosen.spared,
        "agreement": chosen.agreement,
        "agreement_unseen": unseen,
        "f1_on_gold": chosen.f1,
        "f1_less_the_models": chosen.difference,
    });
    match made {
        serde_json::Value::Object(made) => made,
        _ => serde_json::Map::new(),
    }
}
