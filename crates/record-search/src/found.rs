//! What the text index finds for a query, below a filter.

use std::sync::Arc;

use crawl_core::Result;
use tantivy::collector::{Collector, SegmentCollector};
use tantivy::query::Query;
use tantivy::{DocId, Score, SegmentReader};

use crate::bitmap::Bitmap;
use crate::columns::NOWHERE;
use crate::index::Index;

/// The best of a query among places that pass, and all that match.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Score and place, the best first; of equal scores the more popular, then the earlier place.
    pub(crate) top: Vec<(f32, u32)>,
    /// All that match and pass.
    pub(crate) matched: Bitmap,
}

/// Asks the text index: the filter holds before the best are kept.
pub(crate) fn search(
    index: &Index,
    query: &dyn Query,
    passed: &Arc<Bitmap>,
    most: usize,
    popularity: &dyn Fn(u32) -> f64,
) -> Result<Found> {
    let collect = Passing { passed: passed.clone(), places: index.places.clone(), most };
    let parts = index.searcher.search(query, &collect).map_err(|cause| index.failed(cause))?;
    let mut found = Found { top: Vec::new(), matched: Bitmap::none(passed.size()) };
    for (top, matched) in parts {
        found.top.extend(top);
        matched.into_iter().for_each(|place| found.matched.set(place));
    }
    sort(&mut found.top, popularity);
    found.top.truncate(most);
    Ok(found)
}

fn sort(top: &mut [(f32, u32)], popularity: &dyn Fn(u32) -> f64) {
    top.sort_unstable_by(|a, b| {
        b.0.total_cmp(&a.0).then_with(|| popularity(b.1).total_cmp(&popularity(a.1))).then(a.1.cmp(&b.1))
    });
}

/// Keeps what passes a filter.
struct Passing {
    passed: Arc<Bitmap>,
    places: Arc<Vec<Vec<u32>>>,
    most: usize,
}

struct PassingPart {
    passed: Arc<Bitmap>,
    places: Arc<Vec<Vec<u32>>>,
    segment: usize,
    most: usize,
    top: Vec<(f32, u32)>,
    /// What is not better than this cannot be among the best any more.
    least: f32,
    /// When there are so many, those that are worse than the best go.
    room: usize,
    matched: Vec<u32>,
}

impl Collector for Passing {
    type Fruit = Vec<(Vec<(f32, u32)>, Vec<u32>)>;
    type Child = PassingPart;

    fn for_segment(&self, segment: u32, _: &SegmentReader) -> tantivy::Result<PassingPart> {
        Ok(PassingPart {
            passed: self.passed.clone(),
            places: self.places.clone(),
            segment: segment as usize,
            most: self.most,
            top: Vec::new(),
            least: f32::NEG_INFINITY,
            room: 4 * self.most + 1_024,
            matched: Vec::new(),
        })
    }

    fn requires_scoring(&self) -> bool {
        self.most > 0
    }

    fn merge_fruits(&self, parts: Vec<(Vec<(f32, u32)>, Vec<u32>)>) -> tantivy::Result<Self::Fruit> {
        Ok(parts)
    }
}

impl SegmentCollector for PassingPart {
    type Fruit = (Vec<(f32, u32)>, Vec<u32>);

    fn collect(&mut self, doc: DocId, score: Score) {
        let place = self.places.get(self.segment).and_then(|places| places.get(doc as usize)).copied();
        let Some(place) = place.filter(|place| *place != NOWHERE && self.passed.has(*place)) else { return };
        self.matched.push(place);
        // Equals stay: which of them are kept is decided by popularity, at the end.
        if score < self.least || self.most == 0 {
            return;
        }
        self.top.push((score, place));
        if self.top.len() >= self.room {
            let nth = self.most - 1;
            self.top.select_nth_unstable_by(nth, |a, b| b.0.total_cmp(&a.0));
            let least = self.top[nth].0;
            self.least = least;
            self.top.retain(|(score, _)| *score >= least);
            self.room = self.room.max(2 * self.top.len());
        }
    }

    fn harvest(self) -> Self::Fruit {
        (self.top, self.matched)
    }
}
