//! The order of hits: tiers, ranks of both legs, or a column.

use std::collections::HashMap;
use std::sync::Arc;

use crawl_core::Result;

use crate::bitmap::Bitmap;
use crate::columns::Column;
use crate::filter::number_at;
use crate::found::{Found, search as search_text};
use crate::index::Index;
use crate::query::{Mode, Query, Sort, no_column, wrong};
use crate::scan::{Nearest, nearest};
use crate::search::{Legs, Ranked, Tier, popularity_term, rank_term};

/// So many of each leg are ranked at least.
const DEPTH: usize = 500;

impl Index {
    /// The first `until` hits in order, and all that match.
    pub(crate) fn rank(
        &self,
        query: &Query,
        legs: &mut Legs,
        passed: &Bitmap,
        until: usize,
    ) -> Result<(Vec<Ranked>, Bitmap)> {
        let mut passed = passed.clone();
        if let Some(place) = legs.like {
            passed.unset(place);
        }
        let popularity = legs.popularity.clone();
        let popular = |place: u32| number_at(popularity.as_deref(), place).unwrap_or(f64::NEG_INFINITY);
        let before = passed.count();
        for must in &legs.text.must {
            let found = search_text(self, &**must, &Arc::new(passed.clone()), 0, &popular)?.matched;
            passed.and(&found);
        }
        for not in &legs.text.not {
            let found = search_text(self, &**not, &Arc::new(passed.clone()), 0, &popular)?.matched;
            passed.and_not(&found);
        }
        legs.explain.restricted = before - passed.count();
        let passed = Arc::new(passed);
        // Who wants no hit only counts.
        let depth = if until == 0 { 0 } else { DEPTH.max(2 * until) };
        let found = match legs.text.scores && query.mode != Mode::Meaning {
            true => Some(search_text(self, &*legs.text.query, &passed, depth, &popular)?),
            false => None,
        };
        legs.explain.words_matched = found.as_ref().map(|found| found.matched.count());
        // Asked by meaning, in words that have none here: whatever came would be in no order of theirs.
        if query.mode == Mode::Meaning && query.sort.is_none() && legs.text.scores && legs.vector.is_none() {
            return Ok((Vec::new(), Bitmap::none(passed.size())));
        }
        if query.sort.is_some() || (found.is_none() && legs.vector.is_none()) {
            let matched = found.map_or_else(|| Bitmap::clone(&passed), |found| found.matched);
            let ranked = match &query.sort {
                Some(sort) => self.sorted(&matched, sort, until)?,
                None => {
                    let by = Sort { column: "popularity".into(), ascending: false };
                    sorted_by(legs.popularity.as_deref(), &matched, &by, until)
                }
            };
            return Ok((ranked, matched));
        }
        let mut matched = Bitmap::none(passed.size());
        let mut near = Nearest::default();
        if let Some(vector) = &legs.vector {
            let vectors = self.vectors()?;
            matched = Bitmap::clone(&passed);
            matched.and(vectors.has());
            if until > 0 {
                // The signs of what has no vector could choose it, and what has one would stay behind.
                near = nearest(vectors, vector, &matched, depth, threads());
                (legs.explain.compared, legs.explain.chosen_by_signs) = (Some(near.compared), near.by_signs);
            }
        }
        let words = found.is_some();
        let found = found.unwrap_or_default();
        matched.or(&found.matched);
        if until == 0 {
            return Ok((Vec::new(), matched));
        }
        let ranked = self.in_tiers(legs, &passed, words.then_some(&found), &near, until, &popular)?;
        Ok((ranked, matched))
    }

    fn in_tiers(
        &self,
        legs: &Legs,
        passed: &Arc<Bitmap>,
        found: Option<&Found>,
        near: &Nearest,
        until: usize,
        popular: &dyn Fn(u32) -> f64,
    ) -> Result<Vec<Ranked>> {
        let mut ranked: Vec<Ranked> = Vec::new();
        let mut taken = Bitmap::none(passed.size());
        let rank_of = |top: &[(f32, u32)]| -> HashMap<u32, usize> {
            top.iter().enumerate().map(|(at, (_, place))| (*place, at + 1)).collect()
        };
        let by_words = found.map_or(&[][..], |found| &found.top);
        let (text_ranks, vector_ranks) = (rank_of(by_words), rank_of(&near.top));
        let mut take = |place: u32, tier: Tier, score: f64| {
            if !taken.has(place) {
                taken.set(place);
                let (text_rank, vector_rank) =
                    (text_ranks.get(&place).copied(), vector_ranks.get(&place).copied());
                ranked.push(Ranked { place, tier, score, text_rank, vector_rank });
            }
        };
        if found.is_some() {
            for (query, tier) in legs.text.exact.iter().zip([Tier::Id, Tier::Name]) {
                if let Some(query) = query {
                    let found = search_text(self, &**query, passed, until, popular)?;
                    found.top.iter().for_each(|(score, place)| take(*place, tier, f64::from(*score)));
                }
            }
            if let Some(query) = &legs.text.in_name {
                let found = search_text(self, &**query, passed, until, popular)?;
                found.top.iter().for_each(|(score, place)| take(*place, Tier::InName, f64::from(*score)));
            }
        }
        let mut rest: Vec<(f64, u32)> = Vec::new();
        let only_near = near.top.iter().filter(|(_, place)| !text_ranks.contains_key(place));
        for (_, place) in by_words.iter().chain(only_near) {
            let ranks = rank_term(text_ranks.get(place).copied())
                + legs.meaning_term(vector_ranks.get(place).copied());
            rest.push((ranks + popularity_term(number_at(legs.popularity.as_deref(), *place)), *place));
        }
        rest.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        rest.into_iter().for_each(|(score, place)| take(place, Tier::Ranks, score));
        ranked.truncate(until);
        Ok(ranked)
    }

    fn sorted(&self, matched: &Bitmap, sort: &Sort, until: usize) -> Result<Vec<Ranked>> {
        let column = self.column(&sort.column)?.ok_or_else(|| no_column(&sort.column, self.columns()))?;
        match &*column {
            Column::Numbers(_) => Ok(sorted_by(Some(&column), matched, sort, until)),
            Column::Facet(_) => Err(wrong(
                format!("`{}` is a facet, and only numbers and times have an order", sort.column),
                "sort by another column",
            )),
        }
    }
}

/// By a column; what is unknown comes last, of equals the earlier place first.
fn sorted_by(column: Option<&Column>, matched: &Bitmap, sort: &Sort, until: usize) -> Vec<Ranked> {
    let key = |place: u32| match (number_at(column, place), sort.ascending) {
        (Some(number), false) => -number,
        (Some(number), true) => number,
        (None, _) => f64::INFINITY,
    };
    if until == 0 {
        return Vec::new();
    }
    let order = |a: &(f64, u32), b: &(f64, u32)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
    let mut all: Vec<(f64, u32)> = matched.places().map(|place| (key(place), place)).collect();
    if all.len() > until {
        all.select_nth_unstable_by(until, order);
        all.truncate(until);
    }
    all.sort_unstable_by(order);
    let ranked = |(_, place): (f64, u32)| Ranked {
        place,
        tier: Tier::Sorted,
        score: number_at(column, place).unwrap_or(0.0),
        text_rank: None,
        vector_rank: None,
    };
    all.into_iter().map(ranked).collect()
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
