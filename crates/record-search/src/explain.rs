//! Why a hit is there, and what is not: all numbers of which a score is made.

use std::collections::BTreeMap;

use crawl_core::Result;
use serde::Serialize;

use crate::filter::{Filtered, number_at};
use crate::index::Index;
use crate::scan::cosine;
use crate::schema::TEXTS;
use crate::search::{Legs, Ranked, Tier, popularity_term, rank_term};

/// What a query considered, left out and looked at.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Explain {
    /// All documents of the index.
    pub considered: u64,
    /// What each filter leaves out of them, each by itself.
    pub filters: Vec<Filtered>,
    /// Texts that filters ask for and that no document has, in words, with what may have been meant.
    pub notes: Vec<String>,
    /// What all filters together let through.
    pub passed: u64,
    /// What phrases, words in a field and words with a minus left out of that.
    pub restricted: u64,
    /// In how many of the rest any word of the query stands; `None` where words were not asked.
    pub words_matched: Option<u64>,
    /// Whether meaning ranks; and if not, why.
    pub meaning: String,
    /// How many words of the query the embedder knows, and how many there are.
    pub words_known: Option<(usize, usize)>,
    /// How many vectors were compared in bytes; `None` where meaning does not rank, or no hit was asked for.
    pub compared: Option<u64>,
    /// Whether their signs chose them, out of more.
    pub chosen_by_signs: bool,
    /// Beginnings (`begin*`) that stand for more words than are looked at.
    pub cut_beginnings: Vec<String>,
}

impl Explain {
    /// Whether all words counted, in each leg that there is: that not all did is to be told unasked.
    pub fn as_asked(&self) -> bool {
        self.cut_beginnings.is_empty() && self.words_known.is_none_or(|_| self.meaning == "on")
    }
}

/// Where the place of a hit is from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HitExplain {
    /// Tiers come one after the other, whatever the scores.
    pub tier: Tier,
    /// What the score is the sum of.
    pub addends: Vec<Addend>,
    /// BM25 of each word in each field, with the boost of the field; they sum up to what the words rank by.
    pub bm25: Vec<Bm25>,
    /// Its rank by words; `None` where it is not among the first that were looked at.
    pub rank_by_words: Option<usize>,
    /// Its cosine to the query; `None` where it has no vector, or meaning does not rank.
    pub cosine: Option<f32>,
    /// Its rank by meaning; `None` where it is not among the first that were looked at.
    pub rank_by_meaning: Option<usize>,
    /// Each column of the index: whether this document told it, or it was worked out, or it is unknown.
    pub values: BTreeMap<String, Standing>,
}

/// A part of a score.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Addend {
    /// What it is for.
    pub what: String,
    /// How much it is.
    pub value: f64,
}

/// What a word adds in a field.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bm25 {
    /// The field.
    pub field: &'static str,
    /// The word or phrase, as the index has it.
    pub word: String,
    /// What it adds.
    pub value: f64,
}

/// Where a value is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// The record told it.
    Real,
    /// It was worked out of other fields.
    Derived,
    /// It is unknown.
    Absent,
}

impl Index {
    pub(crate) fn explain_hit(&self, legs: &Legs, ranked: &Ranked) -> Result<HitExplain> {
        let place = ranked.place;
        let bm25_of = |(field, word, value): (usize, String, f32)| Bm25 {
            field: TEXTS[field],
            word,
            value: f64::from(value),
        };
        let bm25: Vec<Bm25> = legs.text.addends(self, place)?.into_iter().map(bm25_of).collect();
        let addend = |what: &str, value: f64| Addend { what: what.to_owned(), value };
        let addends = match ranked.tier {
            Tier::Id | Tier::Name => Vec::new(),
            Tier::InName => {
                let of_name = legs.text.name_addends(self, place, &legs.typed)?;
                of_name
                    .into_iter()
                    .map(|(_, word, value)| addend(&format!("BM25 of the name: {word}"), value.into()))
                    .collect()
            }
            Tier::Ranks => vec![
                addend("rank by words", rank_term(ranked.text_rank)),
                addend("rank by meaning", legs.meaning_term(ranked.vector_rank)),
                addend("popularity", popularity_term(number_at(legs.popularity.as_deref(), place))),
            ],
            Tier::Sorted if ranked.score == 0.0 => Vec::new(),
            Tier::Sorted => vec![addend("the column", ranked.score)],
        };
        let cosine = match &legs.vector {
            Some(vector) => cosine(self.vectors()?, vector, place),
            None => None,
        };
        let shown = self.shown(place)?;
        let standing = |name: &String| match shown.columns.get(name) {
            None => Standing::Absent,
            Some(cell) if cell.derived => Standing::Derived,
            Some(_) => Standing::Real,
        };
        Ok(HitExplain {
            tier: ranked.tier,
            addends,
            bm25,
            rank_by_words: ranked.text_rank,
            cosine,
            rank_by_meaning: ranked.vector_rank,
            values: self.columns().keys().map(|name| (name.clone(), standing(name))).collect(),
        })
    }
}
