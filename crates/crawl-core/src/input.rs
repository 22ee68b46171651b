//! Inputs: one or several stored listings, read in order as one.

use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use sha2::{Digest, Sha256};

use crate::store::hex;
use crate::{Error, Kind, Record, Result, SourceId, Stored, round};

/// What a mapping reads: a listing or its parts (`hf/models/part-01`, ...), then its ended rounds, as one.
#[derive(Clone, Debug)]
pub struct Input {
    id: SourceId,
    listings: Arc<Vec<Listing>>,
    /// The page that was read last: with few rows a page, the next rows are of the same one.
    last: Arc<Mutex<Option<Last>>>,
}

/// The place of its listing, its number there, and its records.
type Last = (usize, u64, Vec<Record>);

/// One of its listings, and what lies before it.
#[derive(Debug)]
struct Listing {
    stored: Stored,
    pages_before: u64,
    records_before: u64,
    /// How many records of this listing lie before the end of each page.
    ends: OnceLock<Vec<u64>>,
}

impl Input {
    /// Opens the listing `id` under `root`, or, where there is none of that name, its parts `id/part-*`.
    ///
    /// # Errors
    /// Those of [`Stored::open`].
    pub fn open(root: &Path, id: &SourceId) -> Result<Self> {
        let parts = format!("{id}/part-");
        let parts: Vec<SourceId> = match Stored::sources(root) {
            Ok(found) if !found.contains(id) => {
                found.into_iter().filter(|found| found.as_str().starts_with(&parts)).collect()
            }
            _ => Vec::new(),
        };
        if parts.is_empty() {
            return Input::of(Stored::open(root, id)?);
        }
        let parts = parts.iter().map(|part| Stored::open(root, part)).collect::<Result<Vec<_>>>()?;
        Ok(Input::made_of(id.clone(), parts))
    }

    /// A listing that is open already, and its ended rounds.
    ///
    /// # Errors
    /// Those of [`Stored::open`].
    pub fn of(stored: Stored) -> Result<Self> {
        let id = stored.id().clone();
        let mut listings = vec![stored];
        if listings[0].checkpoint().ended() {
            listings.extend(round::ended(listings[0].root(), &id)?);
        }
        Ok(Input::made_of(id, listings))
    }

    fn made_of(id: SourceId, listings: Vec<Stored>) -> Self {
        let (mut pages_before, mut records_before) = (0, 0);
        let place = |stored: Stored| {
            let listing = Listing { pages_before, records_before, stored, ends: OnceLock::new() };
            pages_before += listing.stored.checkpoint().pages;
            records_before += listing.stored.checkpoint().totals.records;
            listing
        };
        Input { id, listings: Arc::new(listings.into_iter().map(place).collect()), last: Arc::default() }
    }

    /// The name under which it is read.
    pub fn id(&self) -> &SourceId {
        &self.id
    }

    /// The listings that it is made of, in order.
    pub fn listings(&self) -> impl Iterator<Item = &Stored> {
        self.listings.iter().map(|listing| &listing.stored)
    }

    /// The folder of its first listing, to name it by.
    pub fn folder(&self) -> &Path {
        self.listings.first().map_or(Path::new(""), |listing| listing.stored.folder())
    }

    /// Whether no page will be added.
    pub fn ended(&self) -> bool {
        self.listings().all(|stored| stored.checkpoint().ended())
    }

    /// How many pages can be read: all that are committed before the first listing that has not ended, and its own.
    pub fn pages(&self) -> u64 {
        self.readable().map(|stored| stored.checkpoint().pages).sum()
    }

    /// How many records those pages hold.
    pub fn records(&self) -> u64 {
        self.readable().map(|stored| stored.checkpoint().totals.records).sum()
    }

    /// How many records of it could not be had; a round brings back some of those of the listing before it.
    pub fn missing(&self) -> u64 {
        self.listings.last().map_or(0, |listing| listing.stored.checkpoint().totals.missing)
    }

    fn readable(&self) -> impl Iterator<Item = &Stored> {
        let mut open = true;
        self.listings().take_while(move |stored| std::mem::replace(&mut open, stored.checkpoint().ended()))
    }

    /// What identifies it for a resume: the settings of its listings, and, if it must have ended, its bytes.
    ///
    /// # Errors
    /// Those of reading a manifest.
    pub fn digest(&self, growing: bool) -> Result<String> {
        let mut whole = Sha256::new();
        for stored in self.listings() {
            whole.update(stored.id().as_str());
            whole.update(serde_json::to_vec(&stored.checkpoint().settings).unwrap_or_default());
            if !growing {
                stored.briefs()?.iter().for_each(|brief| whole.update(brief.sha256));
            }
        }
        Ok(hex(&whole.finalize()[..8]))
    }

    /// The records of page `number` (from 1).
    ///
    /// # Errors
    /// As [`Stored::records`].
    pub fn page(&self, number: u64) -> Result<Vec<Record>> {
        let listing = self.listings.iter().rfind(|listing| listing.pages_before < number);
        let none = || Error::new(Kind::Storage, format!("there is no page {number}")).at(self.id.as_str());
        let listing = listing.ok_or_else(none)?;
        listing.stored.records(number - listing.pages_before)
    }

    /// The records from number `from` (from 0) on, `count` of them or as many as there are.
    ///
    /// # Errors
    /// As [`Stored::records`].
    pub fn rows(&self, from: u64, count: u64) -> Result<Vec<Record>> {
        let until = from.saturating_add(count).min(self.records());
        let mut rows = Vec::new();
        let mut at = from;
        while at < until {
            let place = self.listings.iter().rposition(|listing| listing.records_before <= at);
            let Some((place, listing)) = place.and_then(|place| Some((place, self.listings.get(place)?)))
            else {
                break;
            };
            let (number, first) = listing.page_of(at)?;
            let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            if last.as_ref().is_none_or(|(of, page, _)| (*of, *page) != (place, number)) {
                *last = Some((place, number, listing.stored.records(number)?));
            }
            let records = last.as_ref().map_or(&[][..], |(_, _, records)| records);
            let skip = usize::try_from(at - first).unwrap_or(usize::MAX);
            let wanted = usize::try_from(until - at).unwrap_or(usize::MAX);
            let before = rows.len();
            rows.extend(records.iter().skip(skip).take(wanted).cloned());
            if rows.len() == before {
                break;
            }
            at += (rows.len() - before) as u64;
        }
        Ok(rows)
    }
}

impl Listing {
    /// The page (from 1) that holds record `at` of the whole, and the number of that page's first record.
    fn page_of(&self, at: u64) -> Result<(u64, u64)> {
        if self.ends.get().is_none() {
            let mut end = 0;
            let ends = self.stored.briefs()?.iter().map(|brief| {
                end += brief.records;
                end
            });
            let _ = self.ends.set(ends.collect());
        }
        let ends = self.ends.get().map_or(&[][..], Vec::as_slice);
        let within = at - self.records_before;
        let index = ends.partition_point(|end| *end <= within);
        if index == ends.len() {
            let what = format!("the manifest tells of fewer records than {}", within + 1);
            return Err(Error::new(Kind::Storage, what).at(self.stored.folder().display().to_string()));
        }
        let first = if index == 0 { 0 } else { ends[index - 1] };
        Ok((index as u64 + 1, self.records_before + first))
    }
}
