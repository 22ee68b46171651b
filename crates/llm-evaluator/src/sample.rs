//! Samples: rows that are worth labelling by hand, some at random and some of which the answers are unsure.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use crawl_core::{Error, Kind, Record, Result};
use serde::Serialize;
use serde_json::Value;

use super::aspect::{Aspect, Scheme};
use super::dice::number;
use super::given::{Confidence, GivenAnswer, GivenRow, answer, each, each_answer};
use crate::lowest::Lowest;
use llm_classifier::Task;

/// Why a row was picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// Drawn from all rows with the same chance for each: such rows tell how good the whole listing is.
    Random,
    /// Two answers differ, or the confidence is among the lowest: such rows tell most about where the task is weak.
    Uncertain,
}

/// A row to label: the record, word for word, with `sampled` and an empty `gold` behind its own members.
#[derive(Clone, Debug)]
pub struct Picked {
    /// The row.
    pub row: Record,
    /// Why it was picked.
    pub reason: Reason,
}

/// From where and how much to pick.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// The root or JSONL file of the records.
    pub input: &'a Path,
    /// The roots or JSONL files of their answers; without any all rows are random. If there are several, say of the
    /// rules and of a model, records that they answer differently come first.
    pub labels: &'a [PathBuf],
    /// Which listing of the roots, if they have several.
    pub listing: Option<&'a str>,
    /// The member with the id; else `repo_id`, else `id`.
    pub id_field: Option<&'a str>,
    /// How many rows, half of them uncertain.
    pub rows: usize,
    /// The same seed picks the same rows, in whatever order they lie.
    pub seed: u64,
}

/// Picks rows. Where fewer rows have a confidence than are wanted, random ones take their place.
///
/// # Errors
/// [`Kind::Config`] if the records already have a member `gold` or `sampled`; those of reading the listings.
pub fn sample(task: &Task, wish: Wish<'_>) -> Result<Vec<Picked>> {
    let scheme = Scheme::of(task);
    let unsure = unsure(&scheme, wish)?;
    let mut random = Lowest::new(wish.rows);
    let mut uncertain = BTreeMap::new();
    each(wish.input, wish.listing, wish.id_field, |id, row| {
        let GivenRow::Record(record) = row else { return Ok(()) };
        random.offer(number(wish.seed, id), id, || record.clone());
        if let Some(rank) = unsure.get(id) {
            uncertain.entry((*rank, id.to_owned())).or_insert_with(|| record.clone());
        }
        Ok(())
    })?;
    let empty = empty_gold(&scheme);
    let row = |(record, reason)| to_label(&record, reason, &empty).map(|row| Picked { row, reason });
    mixed(random.rows, uncertain, wish.rows).into_iter().map(row).collect()
}

type Ranked = BTreeMap<(u64, String), Record>;

/// First the random ones, so that they are drawn from all; then those of the uncertain that were not; then random ones
/// where there are too few.
fn mixed(random: Ranked, uncertain: Ranked, rows: usize) -> Vec<(Record, Reason)> {
    let most_unsure = (rows / 2).min(uncertain.len());
    let mut random: Vec<(String, Record)> =
        random.into_iter().map(|((_, id), record)| (id, record)).collect();
    let spare = random.split_off(random.len().min(rows - most_unsure));
    let mut there: HashSet<String> = random.iter().map(|(id, _)| id.clone()).collect();
    let mut unsure: Vec<Record> = Vec::new();
    for ((_, id), record) in uncertain {
        if unsure.len() < most_unsure && there.insert(id) {
            unsure.push(record);
        }
    }
    let left = rows.saturating_sub(random.len() + unsure.len());
    random.extend(spare.into_iter().filter(|(id, _)| !there.contains(id)).take(left));
    let unsure = unsure.into_iter().map(|record| (record, Reason::Uncertain));
    random.into_iter().map(|(_, record)| (record, Reason::Random)).chain(unsure).collect()
}

/// The ids whose answers are least sure, at least as many as rows are wanted, each with its rank: first those with two different
/// answers, then by confidence; equal ones by lot.
fn unsure(scheme: &Scheme, wish: Wish<'_>) -> Result<HashMap<String, u64>> {
    // An id may be there by several answers.
    let mut lowest = Lowest::new(wish.rows.saturating_mul(wish.labels.len()));
    // The digest of the first answer to each id.
    let mut first: HashMap<u64, u64> = HashMap::new();
    for labels in wish.labels {
        each_answer(labels, wish.listing, wish.id_field, |id, row| {
            let GivenRow::Record(record) = row else { return Ok(()) };
            let answer = answer(record, scheme)?;
            let lot = number(wish.seed, id) >> 32;
            if wish.labels.len() > 1 && answer.given[0].is_some() {
                let said = number(0, &format!("{:?}", answer.given[0]));
                if *first.entry(number(0, id)).or_insert(said) != said {
                    lowest.offer(lot, id, || ());
                }
            }
            if let Some(sure) = sureness(&answer, scheme) {
                // Millionths of confidence first, then the lot.
                lowest.offer((1 + (sure * 1e6) as u64) << 32 | lot, id, || ());
            }
            Ok(())
        })?;
    }
    // Its lowest rank counts.
    Ok(lowest.rows.into_keys().rev().map(|(rank, id)| (id, rank)).collect())
}

/// How sure an answer claims to be, 0 to 1; the words of a task in even steps.
fn sureness(answer: &GivenAnswer, scheme: &Scheme) -> Option<f64> {
    match answer.confidence.as_ref()? {
        Confidence::Number(number) => Some(*number),
        Confidence::Word(word) => {
            let place = scheme.words.iter().position(|other| other == word)?;
            Some(1.0 - (place + 1) as f64 / scheme.words.len() as f64)
        }
    }
}

/// What a person fills in.
fn empty_gold(scheme: &Scheme) -> Value {
    let empty = |aspect: &Aspect| if aspect.many { Value::Array(Vec::new()) } else { Value::Null };
    match scheme.aspects.as_slice() {
        [only] => empty(only),
        // Here an empty list would say "none of them".
        several => Value::Object(several.iter().map(|aspect| (aspect.name.clone(), Value::Null)).collect()),
    }
}

#[derive(Serialize)]
struct ToLabel<'a> {
    sampled: Reason,
    gold: &'a Value,
}

fn to_label(record: &Record, reason: Reason, gold: &Value) -> Result<Record> {
    if let Some(name) = ["gold", "sampled"].into_iter().find(|name| record.raw().get(name).is_some()) {
        return Err(Error::new(Kind::Config, format!("the records already have a member `{name}`"))
            .advise("rename it first: `sample` adds one of that name to be filled in"));
    }
    record.with_members(&ToLabel { sampled: reason, gold })
}
