//! Rounds: a listing of the records that are missing from another, asked for again.

use std::collections::HashSet;
use std::path::Path;

use crate::{Error, Kind, Record, Result, Share, SourceId, Stored};

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
    /// Finds the round to begin or to go on with, for the listing `id` under `root`.
    ///
    /// # Errors
    /// Those of reading the listings; [`Kind::Config`] for a share.
    pub fn next(root: &Path, id: &SourceId) -> Result<Next> {
        if Share::of_name(id).is_some() {
            return Err(Error::new(
                Kind::Config,
                "what is missing from a share is not asked for again by itself",
            )
            .at(id.as_str())
            .advise("run `gather ROOT` first, then ask again for what is missing from the whole"));
        }
        if !is_there(root, id) {
            return Ok(Next::Whole);
        }
        let mut before = Stored::open(root, id)?;
        if !before.checkpoint().ended() {
            return Ok(Next::Whole);
        }
        for number in 1.. {
            if before.checkpoint().totals.missing == 0 {
                break;
            }
            let name = name(id, number);
            if !is_there(root, &name) {
                return Ok(Next::Again(Box::new(Round { id: name, before })));
            }
            let begun = Stored::open(root, &name)?;
            if !begun.checkpoint().ended() {
                return Ok(Next::Again(Box::new(Round { id: name, before })));
            }
            before = begun;
        }
        Ok(Next::Nothing)
    }

    /// The name of the round's listing.
    pub fn id(&self) -> &SourceId {
        &self.id
    }

    /// The name of the listing whose missing records it asks for.
    pub fn of(&self) -> &SourceId {
        self.before.id()
    }

    /// A setting of the listing whose missing records it asks for.
    pub(crate) fn setting(&self, name: &str) -> Option<&str> {
        self.before.checkpoint().settings.as_ref()?.get(name)
    }

    /// How many records it will list, those without an id included.
    pub fn wanted(&self) -> u64 {
        self.before.checkpoint().totals.missing
    }

    /// Of page `number`, the records that are missing from the listing before.
    pub(crate) fn pick(
        &self,
        number: u64,
        mut records: Vec<Record>,
        id: impl Fn(&Record) -> Option<String>,
    ) -> Result<Vec<Record>> {
        let missing = self.before.missing(number)?;
        let wanted: HashSet<&str> = missing.iter().filter_map(|missing| missing.id.as_deref()).collect();
        records.retain(|record| id(record).is_some_and(|id| wanted.contains(id.as_str())));
        Ok(records)
    }
}

/// The ended rounds of a listing, in order.
pub(crate) fn ended(root: &Path, id: &SourceId) -> Result<Vec<Stored>> {
    let mut rounds = Vec::new();
    for number in 1.. {
        let name = name(id, number);
        if !is_there(root, &name) {
            break;
        }
        let stored = Stored::open(root, &name)?;
        if !stored.checkpoint().ended() {
            break;
        }
        rounds.push(stored);
    }
    Ok(rounds)
}

/// Whether a listing is a share or a round of another, which are read with it and never by themselves.
pub(crate) fn belongs_to_another(id: &SourceId) -> bool {
    let round = id.as_str().rsplit_once("-retry-").is_some_and(|(whole, number)| {
        !whole.is_empty() && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    round || Share::of_name(id).is_some()
}

fn name(id: &SourceId, number: u32) -> SourceId {
    id.beside(&format!("-retry-{number}"))
}

fn is_there(root: &Path, id: &SourceId) -> bool {
    root.join(id.as_str()).join("checkpoint.json").is_file()
}
