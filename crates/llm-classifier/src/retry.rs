//! Rounds: a listing of the records that are missing from another, asked for again.

use std::collections::HashSet;
use std::path::Path;

use crawl_core::{Record, Result, SourceId, Stored, Tally};

use crate::row::id_of;

/// The missing records of an ended listing, as a listing of their own beside it: `NAME-retry-1` and so on.
#[derive(Clone, Debug)]
pub struct Round {
    id: SourceId,
    before: Stored,
}

/// What there is to do for a listing whose missing records shall be asked for again.
#[derive(Debug)]
pub enum Next {
    /// The listing itself has not ended: go on with it first.
    Whole,
    /// Ask for what is missing from the last round.
    Again(Box<Round>),
    /// Nothing is missing.
    Nothing,
}

impl Round {
    /// The name of the round's listing.
    pub fn id(&self) -> &SourceId {
        &self.id
    }

    /// The name of the listing whose missing records it asks for.
    pub fn of(&self) -> &SourceId {
        self.before.id()
    }

    /// How many records it will list, those without an id included.
    pub fn wanted(&self) -> u64 {
        self.before.checkpoint().totals.missing
    }

    /// Of the input's page `number`, the records that are missing in the listing before.
    pub(crate) fn pick(&self, number: u64, mut records: Vec<Record>, id_field: &str) -> Result<Vec<Record>> {
        let missing = self.before.missing(number)?;
        let wanted: HashSet<&str> = missing.iter().filter_map(|missing| missing.id.as_deref()).collect();
        records.retain(|record| id_of(record.raw(), id_field).is_some_and(|id| wanted.contains(id.as_str())));
        Ok(records)
    }
}

/// Finds the round to begin or to go on with, for the listing `id` under `root`.
///
/// # Errors
/// Those of reading the listings.
pub fn next_round(root: &Path, id: &SourceId) -> Result<Next> {
    let there = |id: &SourceId| root.join(id.as_str()).join("checkpoint.json").is_file();
    if !there(id) {
        return Ok(Next::Whole);
    }
    let mut before = Stored::open(root, id)?;
    if !before.checkpoint().ended() {
        return Ok(Next::Whole);
    }
    for number in 1u32.. {
        if before.checkpoint().totals.missing == 0 {
            return Ok(Next::Nothing);
        }
        let round = Round { id: SourceId::new(format!("{id}-retry-{number}"))?, before };
        if !there(&round.id) {
            return Ok(Next::Again(Box::new(round)));
        }
        let begun = Stored::open(root, &round.id)?;
        if !begun.checkpoint().ended() {
            return Ok(Next::Again(Box::new(round)));
        }
        before = begun;
    }
    Ok(Next::Nothing)
}

/// Why records are missing from a listing: counts by kind.
///
/// # Errors
/// Those of reading the listing.
pub fn reasons(listing: &Stored) -> Result<Tally> {
    let mut reasons = Tally::new();
    for line in listing.manifest()?.iter().filter(|line| line.missing > 0) {
        for missing in listing.missing(line.number)? {
            *reasons.entry(missing.kind).or_default() += 1;
        }
    }
    Ok(reasons)
}
