//! Variants under what they are of.

use crawl_core::Result;

use crate::bitmap::Bitmap;
use crate::columns::Column;
use crate::index::Index;
use crate::mapping::GROUP;
use crate::query::Query;
use crate::search::{Legs, Ranked};

impl Index {
    /// The first of each group of variants, how many groups match, and how many others stand under each.
    pub(crate) fn folded(
        &self,
        query: &Query,
        legs: &mut Legs,
        passed: &Bitmap,
        until: usize,
        mut ranked: Vec<Ranked>,
        matched: &Bitmap,
    ) -> Result<(Vec<Ranked>, u64, Vec<u64>)> {
        let column = self.column(GROUP)?;
        let Some(Column::Facet(groups)) = column.as_deref() else {
            let none = vec![0; ranked.len()];
            return Ok((ranked, matched.count(), none));
        };
        // What is in no group stands for itself.
        let group = |place: u32| groups.at(place).first().copied();
        let mut members = vec![0_u64; groups.names.len()];
        let mut alone = 0;
        for place in matched.places() {
            match group(place) {
                Some(group) => members[group as usize] += 1,
                None => alone += 1,
            }
        }
        let total = alone + members.iter().filter(|count| **count > 0).count() as u64;
        let mut wanted = until;
        loop {
            let whole = ranked.len() < wanted || ranked.len() as u64 >= matched.count();
            let mut seen = std::collections::HashSet::new();
            ranked.retain(|ranked| group(ranked.place).is_none_or(|group| seen.insert(group)));
            if ranked.len() >= until || whole {
                let others =
                    |ranked: &Ranked| group(ranked.place).map_or(0, |group| members[group as usize] - 1);
                let variants = ranked.iter().map(others).collect();
                return Ok((ranked, total, variants));
            }
            wanted = wanted.max(64) * 4;
            ranked = self.rank(query, legs, passed, wanted)?.0;
        }
    }
}
