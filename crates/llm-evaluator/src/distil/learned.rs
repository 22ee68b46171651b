//! What is learnt from: the rows of a labelled listing, as a head sees them, with what the model said.

use std::collections::{BTreeSet, HashMap, HashSet};

use crawl_core::{Record, Result};
use llm_classifier::Task;
use llm_classifier::head::Seen;
use static_embedding::Table;

use crate::asked::answered;
use crate::aspect::{Scheme, found};
use crate::dice::number;
use crate::given::{GivenAnswer, GivenRow, answer, each, each_answer};
use crate::gold::Gold;
use crate::lowest::Lowest;
use crate::score::Places;

use super::Distilling;

/// One row.
#[derive(Clone, Debug)]
pub(crate) struct Learned {
    pub(crate) id: String,
    pub(crate) seen: Seen,
    /// What the model said.
    pub(crate) said: Places,
    pub(crate) cost: Option<f64>,
    /// Of what the head sees: rows of equal content go to the same side.
    pub(crate) content: u64,
}

/// All of them, and what was left out.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) rows: Vec<Learned>,
    /// Labels that no model was paid for.
    pub(crate) not_paid: u64,
    /// Records with a label in all.
    pub(crate) labelled: u64,
    /// The models that made the labels.
    pub(crate) models: BTreeSet<String>,
}

/// Reads the rows of a root or a file; of more than `most` those of lowest lot, and all that are in gold.
pub(crate) fn read(task: &Task, table: &Table, wish: &Distilling<'_>) -> Result<Rows> {
    let scheme = Scheme::of(task);
    let gold: HashSet<&str> = wish.gold.into_iter().flat_map(labelled).collect();
    let mut lowest = Lowest::new(wish.rows);
    let mut kept: HashMap<String, (Record, GivenAnswer)> = HashMap::new();
    let mut all = Rows::default();
    let take = |id: &str, row: GivenRow<'_>| {
        let GivenRow::Record(record) = row else { return Ok(()) };
        let (answer, made) = match wish.kept {
            None => (answer(record, &scheme)?, made_by(record, &scheme)),
            Some(classifier) => match classifier.kept(record, id)? {
                None => return Ok(()),
                Some((answer, origin)) => (answered(&answer, &origin, &scheme), Made::Model(origin.model)),
            },
        };
        if answer.given[0].is_none() {
            return Ok(());
        }
        match made {
            Made::Free => {
                all.not_paid += 1;
                return Ok(());
            }
            Made::Model(Some(model)) => drop(all.models.insert(model)),
            Made::Model(None) => {}
        }
        all.labelled += 1;
        if gold.contains(id) {
            kept.entry(id.to_owned()).or_insert_with(|| (record.clone(), answer));
        } else {
            lowest.offer(number(wish.seed, id), id, || (record.clone(), answer));
        }
        Ok(())
    };
    match wish.kept {
        None => each_answer(wish.labels, wish.listing, wish.id_field, take)?,
        // There the records are the input of the run, whose answers the cache has.
        Some(_) => each(wish.labels, wish.listing, wish.id_field, take)?,
    }
    let drawn = lowest.rows.into_iter().map(|((_, id), row)| (id, row));
    let mut chosen: Vec<(String, (Record, GivenAnswer))> = kept.into_iter().chain(drawn).collect();
    chosen.sort_by(|one, other| one.0.cmp(&other.0));
    for (id, (record, answer)) in chosen {
        let Some(said) = answer.given.into_iter().next().flatten() else { continue };
        let seen = Seen::of(table, task, record.raw(), &id);
        let content = number(0, &format!("{:?}", seen.features));
        all.rows.push(Learned { id, seen, said, cost: answer.cost, content });
    }
    Ok(all)
}

/// The ids of gold rows that somebody has labelled.
fn labelled(gold: &Gold) -> impl Iterator<Item = &str> {
    gold.rows.iter().filter(|row| row.wanted[0].is_some()).map(|row| row.id.as_str())
}

enum Made {
    /// A model, and which.
    Model(Option<String>),
    /// Words and tags, or another head.
    Free,
}

fn made_by(record: &Record, scheme: &Scheme) -> Made {
    let value: serde_json::Value = record.raw().to().unwrap_or_default();
    let Some(how) = scheme.origin.as_ref().and_then(|path| found(&value, path)) else {
        return Made::Model(None);
    };
    match how["engine"].as_str() {
        Some("rules" | "head") => Made::Free,
        _ => Made::Model(how["model"].as_str().map(str::to_owned)),
    }
}
