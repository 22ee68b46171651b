//! Variants under what they are of, and what holds the same together.

use crawl_core::Result;

use crate::bitmap::Bitmap;
use crate::columns::{Column, Facet};
use crate::index::Index;
use crate::mapping::{GROUP, SAME};
use crate::query::Query;
use crate::search::{Legs, Ranked};

/// No group: what is in none stands for itself.
const ALONE: u32 = u32::MAX;

/// The group of each place: one number for all that are variants of one base, or hold the same as one of these.
#[derive(Debug)]
pub(crate) struct Groups {
    of: Vec<u32>,
    count: usize,
}

impl Groups {
    fn of(variants: Option<&Facet>, same: Option<&Facet>, live: &Bitmap) -> Self {
        let bases = variants.map_or(0, |facet| facet.names.len());
        let count = bases + same.map_or(0, |facet| facet.names.len());
        let first = |facet: Option<&Facet>, place: u32| facet?.at(place).first().copied();
        // Texts of both columns are joined by each document that has both.
        let mut joined: Vec<u32> = (0..count as u32).collect();
        let end = |joined: &mut [u32], mut at: u32| {
            while joined[at as usize] != at {
                let next = joined[at as usize];
                joined[at as usize] = joined[next as usize];
                at = next;
            }
            at
        };
        for place in live.places() {
            if let (Some(base), Some(same)) = (first(variants, place), first(same, place)) {
                let (one, other) = (end(&mut joined, base), end(&mut joined, bases as u32 + same));
                joined[one.max(other) as usize] = one.min(other);
            }
        }
        let mut of = vec![ALONE; live.size()];
        for place in live.places() {
            let text = first(variants, place).or_else(|| first(same, place).map(|same| bases as u32 + same));
            if let Some(text) = text {
                of[place as usize] = end(&mut joined, text);
            }
        }
        Groups { of, count }
    }

    fn at(&self, place: u32) -> Option<u32> {
        self.of.get(place as usize).copied().filter(|group| *group != ALONE)
    }
}

fn facet(column: Option<&Column>) -> Option<&Facet> {
    match column {
        Some(Column::Facet(facet)) => Some(facet),
        _ => None,
    }
}

impl Index {
    fn groups(&self) -> Result<&Groups> {
        if let Some(groups) = self.groups.get() {
            return Ok(groups);
        }
        let (variants, same) = (self.column(GROUP)?, self.column(SAME)?);
        let groups = Groups::of(facet(variants.as_deref()), facet(same.as_deref()), self.live());
        Ok(self.groups.get_or_init(|| groups))
    }

    /// The first of each group, how many groups match, and how many others stand under each.
    pub(crate) fn folded(
        &self,
        query: &Query,
        legs: &mut Legs,
        passed: &Bitmap,
        until: usize,
        mut ranked: Vec<Ranked>,
        matched: &Bitmap,
    ) -> Result<(Vec<Ranked>, u64, Vec<u64>)> {
        let groups = self.groups()?;
        let mut members = vec![0_u64; groups.count];
        let mut alone = 0;
        for place in matched.places() {
            match groups.at(place) {
                Some(group) => members[group as usize] += 1,
                None => alone += 1,
            }
        }
        let total = alone + members.iter().filter(|count| **count > 0).count() as u64;
        let mut wanted = until;
        loop {
            let whole = ranked.len() < wanted || ranked.len() as u64 >= matched.count();
            let mut seen = std::collections::HashSet::new();
            ranked.retain(|ranked| groups.at(ranked.place).is_none_or(|group| seen.insert(group)));
            if ranked.len() >= until || whole {
                let others =
                    |ranked: &Ranked| groups.at(ranked.place).map_or(0, |group| members[group as usize] - 1);
                let variants = ranked.iter().map(others).collect();
                return Ok((ranked, total, variants));
            }
            wanted = wanted.max(64) * 4;
            ranked = self.rank(query, legs, passed, wanted)?.0;
        }
    }
}
