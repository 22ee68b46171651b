//! One query from its text to its hits.

use std::sync::Arc;

use crawl_core::Result;
use serde::Serialize;

use crate::absent;
use crate::bitmap::Bitmap;
use crate::columns::Column;
use crate::document::Kind;
use crate::embed::Embedded;
use crate::explain::{Explain, HitExplain};
use crate::filter;
use crate::index::Index;
use crate::query::{MOST_FACETS, MOST_HITS, Mode, Parsed, Query, no_column, wrong};
use crate::shown::Shown;
use crate::text::{TextLeg, typed};

/// A rank counts as one through this and the rank.
pub const RANK_BASE: f64 = 60.0;
/// What the rank by meaning counts beside a rank by words, whose leg knows more surely what was asked for.
pub const MEANING: f64 = 0.25;
/// The most that popularity adds.
pub const POPULARITY: f64 = 0.002;
/// The popularity at which it adds that much, as a power of ten.
pub const POPULARITY_FULL: f64 = 8.0;

/// Why a hit stands where it stands, the first first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Its id is the query.
    Id,
    /// Its name is the query, but for case and separators.
    Name,
    /// All words of the query are in its name.
    InName,
    /// By ranks: the rest.
    Ranks,
    /// In the order that was asked for, or of popularity where nothing was asked for.
    Sorted,
}

/// A document that was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hit {
    /// What is shown of it.
    #[serde(flatten)]
    pub shown: Shown,
    /// Why it stands here.
    pub tier: Tier,
    /// By which it stands among those of its tier.
    pub score: f64,
    /// How many variants of it were found that stand under it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variants: Option<u64>,
    /// Where its score is from, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explain: Option<HitExplain>,
}

/// What a query found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hits {
    /// In order.
    pub hits: Vec<Hit>,
    /// How many match in all; paging ends there.
    pub total: u64,
    /// How many texts of facets stand in how many of those that match, the most frequent first, by facet.
    pub facets: Vec<FacetCounts>,
    /// What was considered and left out.
    pub explain: Explain,
}

/// The texts of a facet in what was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FacetCounts {
    /// The column.
    pub column: String,
    /// Text and count.
    pub texts: Vec<(String, u64)>,
}

/// A place among the hits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ranked {
    pub(crate) place: u32,
    pub(crate) tier: Tier,
    pub(crate) score: f64,
    pub(crate) text_rank: Option<usize>,
    pub(crate) vector_rank: Option<usize>,
}

/// What the legs of one query are.
pub(crate) struct Legs {
    pub(crate) text: TextLeg,
    pub(crate) typed: String,
    pub(crate) vector: Option<Vec<f32>>,
    /// The place of the document that others are to be like.
    pub(crate) like: Option<u32>,
    pub(crate) explain: Explain,
    pub(crate) popularity: Option<Arc<Column>>,
}

/// What popularity adds.
pub(crate) fn popularity_term(popularity: Option<f64>) -> f64 {
    let powers = (1.0 + popularity.unwrap_or(0.0).max(0.0)).log10();
    POPULARITY * (powers / POPULARITY_FULL).min(1.0)
}

/// What a rank (from 1) adds.
pub(crate) fn rank_term(rank: Option<usize>) -> f64 {
    rank.map_or(0.0, |rank| 1.0 / (RANK_BASE + rank as f64))
}

impl Legs {
    /// What a rank by meaning adds: less beside words than alone.
    pub(crate) fn meaning_term(&self, rank: Option<usize>) -> f64 {
        let beside_words = self.explain.words_matched.is_some();
        rank_term(rank) * if beside_words { MEANING } else { 1.0 }
    }
}

impl Index {
    /// Finds what a query asks for. All filters hold before anything is ranked, so `limit` hits come, or as many as
    /// match.
    ///
    /// # Errors
    /// `Config` if the query cannot be read, names columns that are not there, or asks for more than an index gives;
    /// `Gone` if there is no document that `like` names; those of the embedder.
    pub fn search(&self, query: &Query) -> Result<Hits> {
        self.search_again(query, &mut None)
    }

    /// As [`Index::search`], for who asks several times about the same text: it is embedded once.
    pub(crate) fn search_again(&self, query: &Query, embedded: &mut Option<Embedded>) -> Result<Hits> {
        let until = query.offset.saturating_add(query.limit);
        if until > MOST_HITS {
            let what = format!("hits are shown up to number {MOST_HITS}, not {until}");
            return Err(wrong(what, "add words or filters, or sort by a column"));
        }
        if query.facets.len() > MOST_FACETS || query.facet_texts > MOST_FACETS {
            let what = format!("at most {MOST_FACETS} facets are counted, and as many texts of each");
            return Err(wrong(what, "ask for fewer"));
        }
        let mut parsed = Parsed::of(&query.text, self.columns(), self.devices())?;
        for filter in &query.filters {
            let more = Parsed::of(filter, self.columns(), self.devices())?;
            if more.filters.len() != 1
                || !more.words.is_empty()
                || !more.must.is_empty()
                || !more.not.is_empty()
            {
                return Err(wrong(
                    format!("`{filter}` is no filter"),
                    "write column:value, such as license:mit",
                ));
            }
            parsed.filters.extend(more.filters);
        }
        let notes = absent::notes(self, &parsed.filters)?;
        let (passed, filtered) = filter::apply_all(self, &parsed.filters)?;
        let mut legs = self.legs(query, &parsed, embedded)?;
        legs.explain.considered = self.documents();
        legs.explain.passed = passed.count();
        legs.explain.filters = filtered;
        legs.explain.notes = notes;
        let (ranked, matched) = self.rank(query, &mut legs, &passed, until)?;
        let (ranked, total, variants) = match query.fold {
            true => self.folded(query, &mut legs, &passed, until, ranked, &matched)?,
            false => (ranked, matched.count(), Vec::new()),
        };
        let mut hits = Vec::new();
        for (at, ranked) in ranked.into_iter().enumerate().take(until).skip(query.offset) {
            let explain = match query.explain {
                true => Some(self.explain_hit(&legs, &ranked)?),
                false => None,
            };
            let Ranked { place, tier, score, .. } = ranked;
            hits.push(Hit {
                shown: self.shown(place)?,
                tier,
                score,
                variants: variants.get(at).copied(),
                explain,
            });
        }
        let matched = Arc::new(matched);
        let facets = query.facets.iter().map(|facet| self.facet(facet, &matched, query.facet_texts));
        Ok(Hits { hits, total, facets: facets.collect::<Result<_>>()?, explain: legs.explain })
    }

    /// What the query asks of each leg.
    fn legs(&self, query: &Query, parsed: &Parsed, embedded: &mut Option<Embedded>) -> Result<Legs> {
        let text = TextLeg::of(self, parsed)?;
        let mut explain = Explain { cut_beginnings: text.cut.clone(), ..Explain::default() };
        let (mut vector, mut like_place) = (None, None);
        if let Some(like) = &query.like {
            let place = self.find(like)?;
            let vectors = self.vectors()?;
            match vectors.at(place) {
                Some((bytes, length)) => {
                    vector = Some(bytes.iter().map(|byte| f32::from(byte.cast_signed()) * length).collect());
                }
                None => {
                    return Err(wrong(
                        format!("`{like}` has no vector"),
                        "build the index with vectors, or search by words",
                    ));
                }
            }
            like_place = Some(place);
            explain.meaning = "on".into();
        } else if query.mode != Mode::Words && query.sort.is_none() {
            vector = self.meaning(&parsed.meaning(), query.mode, embedded, &mut explain)?;
        }
        let popularity = self.column("popularity")?;
        Ok(Legs { text, typed: typed(parsed), vector, like: like_place, explain, popularity })
    }

    /// The vector of a text, if it has one that says something.
    fn meaning(
        &self,
        text: &str,
        mode: Mode,
        embedded: &mut Option<Embedded>,
        explain: &mut Explain,
    ) -> Result<Option<Vec<f32>>> {
        if text.is_empty() {
            return Ok(None);
        }
        let Some(embedder) = self.embedder() else {
            explain.meaning = "off: no vectors".into();
            return match mode {
                Mode::Meaning => Err(wrong(
                    "this index has no vectors".into(),
                    "search by words, or build it with vectors",
                )),
                _ => Ok(None),
            };
        };
        if embedded.is_none() {
            *embedded = embedder.embed(&[text])?.into_iter().next();
        }
        let Some(embedded) = embedded else { return Ok(None) };
        explain.words_known = Some((embedded.known, embedded.words));
        // Words that the table has never seen mean nothing to it: what is left of the query would rank alone.
        if mode == Mode::Both && embedded.known * 2 < embedded.words {
            explain.meaning = "off: under half of the words are known to the embedder".into();
            return Ok(None);
        }
        explain.meaning = match embedded.vector {
            Some(_) => "on".into(),
            None => "off: no word is known to the embedder".into(),
        };
        Ok(embedded.vector.clone())
    }

    /// Whatever is asked by meaning, the same records match: those that pass. So their counts are kept.
    fn facet(&self, name: &str, matched: &Arc<Bitmap>, most: usize) -> Result<FacetCounts> {
        let column = self.column(name)?.ok_or_else(|| no_column(name, self.columns()))?;
        let Column::Facet(facet) = &*column else {
            let facets = self.columns().iter().filter(|(_, kind)| **kind == Kind::Facet);
            let facets: Vec<&str> = facets.map(|(name, _)| name.as_str()).collect();
            let advice = format!("count a column of texts: {}", facets.join(", "));
            return Err(wrong(format!("`{name}` is no facet"), &advice));
        };
        let key = (name.to_owned(), most, matched.clone());
        let counts = self.counted.or_make(key, |_| {
            let texts = filter::count(facet, matched, most).0;
            Ok::<_, crawl_core::Error>(Arc::new(FacetCounts { column: name.to_owned(), texts }))
        })?;
        Ok(FacetCounts::clone(&counts))
    }
}
