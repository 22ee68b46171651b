//! The leg of words: BM25 over the text fields, and where the query stands in ids and names.

use std::collections::BTreeMap;

use crawl_core::Result;
use tantivy::query::{
    AllQuery, BooleanQuery, BoostQuery, ConstScoreQuery, EnableScoring, Occur, PhraseQuery, Query, TermQuery,
};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocId, SegmentReader, Term};

use crate::index::Index;
use crate::query::{Parsed, Word};
use crate::schema::{BOOSTS, NAME};
use crate::words::{folded, plain, words};

/// So many words at most stand for `begin*` in a field, the most frequent first,
pub const MOST_BEGINNINGS: usize = 50;
/// out of so many that are looked at in each part of the index.
const MOST_LOOKED_AT: usize = 10_000;

/// A word or phrase in a field: what BM25 is reckoned for.
pub(crate) struct Leaf {
    /// The place of the field in [`TEXTS`].
    pub(crate) field: usize,
    /// The word as the index has it.
    pub(crate) word: String,
    query: Box<dyn Query>,
}

/// The leg of words of one query.
pub(crate) struct TextLeg {
    /// What adds to the score.
    pub(crate) leaves: Vec<Leaf>,
    /// All that adds to the score.
    pub(crate) query: Box<dyn Query>,
    /// Each of these must stand there, of all that is looked at,
    pub(crate) must: Vec<Box<dyn Query>>,
    /// and none of these. Found and taken out here: the text index asks a phrase that it is to exclude for documents before the
    /// first that has it, which its own checks forbid.
    pub(crate) not: Vec<Box<dyn Query>>,
    /// All words of the query in the name, scored by the name; `None` where the query has no plain words.
    pub(crate) in_name: Option<Box<dyn Query>>,
    /// The document of just this id, and those of just this name.
    pub(crate) exact: [Option<Box<dyn Query>>; 2],
    /// Beginnings that stand for more words than are looked at.
    pub(crate) cut: Vec<String>,
    /// Whether there is anything to score.
    pub(crate) scores: bool,
}

/// The plain words of a query, as they were typed.
pub(crate) fn typed(parsed: &Parsed) -> String {
    parsed.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
}

impl TextLeg {
    pub(crate) fn of(index: &Index, parsed: &Parsed) -> Result<Self> {
        let mut leg = TextLeg {
            leaves: Vec::new(),
            query: Box::new(AllQuery),
            must: Vec::new(),
            not: Vec::new(),
            in_name: None,
            exact: [None, None],
            cut: Vec::new(),
            scores: false,
        };
        let any = |found: Vec<Box<dyn Query>>| -> Box<dyn Query> {
            Box::new(BooleanQuery::new(found.into_iter().map(|query| (Occur::Should, query)).collect()))
        };
        let mut found = Vec::new();
        for word in parsed.words.iter().chain(&parsed.must) {
            found.extend(leg.word(index, word, true)?);
        }
        // Words that no index could hold (`--`, `!`) ask for nothing.
        let asked = parsed.words.iter().any(|word| !folded(&word.text).is_empty());
        leg.scores = asked || !found.is_empty() || !parsed.must.is_empty();
        leg.query = any(found);
        for word in &parsed.must {
            let query = any(leg.word(index, word, false)?);
            leg.must.push(query);
        }
        for word in &parsed.not {
            let query = any(leg.word(index, word, false)?);
            leg.not.push(query);
        }
        let typed = typed(parsed);
        let in_name = words(&mut plain(), &typed);
        if !in_name.is_empty() && !parsed.words.iter().any(|word| word.open) {
            let of_name = |word: &String| -> (Occur, Box<dyn Query>) {
                (Occur::Must, Box::new(term(Term::from_field_text(index.fields.texts[NAME], word), true)))
            };
            leg.in_name = Some(Box::new(BooleanQuery::new(in_name.iter().map(of_name).collect())));
            let exact = |field, text: &str| -> Option<Box<dyn Query>> {
                let found = term(Term::from_field_text(field, text), false);
                (!text.is_empty())
                    .then(|| Box::new(ConstScoreQuery::new(Box::new(found), 0.0)) as Box<dyn Query>)
            };
            leg.exact = [
                exact(index.fields.exact_id, &typed.to_lowercase()),
                exact(index.fields.exact_name, &folded(&typed)),
            ];
        }
        Ok(leg)
    }

    /// What finds a word, in each field where it may stand.
    fn word(&mut self, index: &Index, word: &Word, counts: bool) -> Result<Vec<Box<dyn Query>>> {
        let mut queries: Vec<Box<dyn Query>> = Vec::new();
        for (field, boost) in BOOSTS.into_iter().enumerate() {
            if word.field.is_some_and(|only| only != field) {
                continue;
            }
            let of = index.fields.texts[field];
            let mut found: Vec<(String, Box<dyn Query>)> = Vec::new();
            for spelling in self.spellings(index, of, word)? {
                if word.phrase && spelling.len() > 1 {
                    let label = spelling.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join(" ");
                    let terms = spelling.iter().map(|(at, text)| (*at, Term::from_field_text(of, text)));
                    let phrase = PhraseQuery::new_with_offset(terms.collect());
                    found.push((format!("\"{label}\""), Box::new(phrase)));
                } else {
                    for (_, text) in spelling {
                        let query = term(Term::from_field_text(of, &text), true);
                        found.push((text, Box::new(query)));
                    }
                }
            }
            for (label, query) in found {
                // A word that is asked for twice counts once.
                if counts && self.leaves.iter().any(|leaf| leaf.field == field && leaf.word == label) {
                    continue;
                }
                let boosted: Box<dyn Query> = Box::new(BoostQuery::new(query, boost));
                if counts {
                    self.leaves.push(Leaf { field, word: label, query: boosted.box_clone() });
                }
                queries.push(boosted);
            }
        }
        Ok(queries)
    }

    /// The words of a field for which a word of the query stands, each with its place among them: as they are all looked for, or
    /// beside one another. Where it is the beginning of a phrase, a spelling for each end.
    fn spellings(
        &mut self,
        index: &Index,
        field: tantivy::schema::Field,
        word: &Word,
    ) -> Result<Vec<Vec<(usize, String)>>> {
        let mut analyser = index.text.tokenizer_for_field(field).map_err(|cause| index.failed(cause))?;
        let mut spelling = Vec::new();
        let mut take =
            |token: &tantivy::tokenizer::Token| spelling.push((token.position, token.text.clone()));
        analyser.token_stream(&word.text).process(&mut take);
        // A beginning is looked for as it was typed: stems would begin otherwise.
        let mut typed = words(&mut plain(), &word.text);
        let Some(begin) = typed.pop().filter(|_| word.open) else { return Ok(vec![spelling]) };
        let at = typed.len();
        spelling.retain(|(before, _)| *before < at);
        let (ends, cut) = beginnings(index, field, &begin)?;
        if cut && !self.cut.contains(&word.text) {
            self.cut.push(word.text.clone());
        }
        let ends = ends.into_iter().map(|end| (at, end));
        if word.phrase {
            return Ok(ends.map(|end| [spelling.as_slice(), &[end]].concat()).collect());
        }
        spelling.extend(ends);
        Ok(vec![spelling])
    }

    /// What each word adds in each field for a place: only those that add anything.
    pub(crate) fn addends(&self, index: &Index, place: u32) -> Result<Vec<(usize, String, f32)>> {
        let address = index.address(place);
        let segment = index.searcher.segment_reader(address.segment_ord);
        let mut addends = Vec::new();
        for leaf in &self.leaves {
            if let Some(score) = score(index, &*leaf.query, segment, address.doc_id)? {
                addends.push((leaf.field, leaf.word.clone(), score));
            }
        }
        Ok(addends)
    }

    /// What each word of the query adds in the name alone, without the boost.
    pub(crate) fn name_addends(
        &self,
        index: &Index,
        place: u32,
        typed: &str,
    ) -> Result<Vec<(usize, String, f32)>> {
        let address = index.address(place);
        let segment = index.searcher.segment_reader(address.segment_ord);
        let mut addends = Vec::new();
        for word in words(&mut plain(), typed) {
            let query = term(Term::from_field_text(index.fields.texts[NAME], &word), true);
            if let Some(score) = score(index, &query, segment, address.doc_id)? {
                addends.push((NAME, word, score));
            }
        }
        Ok(addends)
    }
}

/// What a query gives a document; `None` if it does not match.
fn score(index: &Index, query: &dyn Query, segment: &SegmentReader, doc: DocId) -> Result<Option<f32>> {
    let score = || -> tantivy::Result<Option<f32>> {
        let weight = query.weight(EnableScoring::enabled_from_searcher(&index.searcher))?;
        let mut scorer = weight.scorer(segment, 1.0)?;
        let found = if scorer.doc() < doc { scorer.seek(doc) } else { scorer.doc() };
        Ok((found == doc).then(|| scorer.score()))
    };
    score().map_err(|cause| index.failed(cause))
}

fn term(term: Term, scored: bool) -> TermQuery {
    let option = if scored { IndexRecordOption::WithFreqs } else { IndexRecordOption::Basic };
    TermQuery::new(term, option)
}

/// The words of a field that begin so, the most frequent first; and whether there are more.
fn beginnings(index: &Index, field: tantivy::schema::Field, begin: &str) -> Result<(Vec<String>, bool)> {
    let mut found: BTreeMap<String, u64> = BTreeMap::new();
    let mut cut = false;
    let mut look = || -> tantivy::Result<()> {
        for segment in index.searcher.segment_readers() {
            let inverted = segment.inverted_index(field)?;
            let mut terms = inverted.terms().range().ge(begin.as_bytes()).into_stream()?;
            let mut looked = 0;
            while terms.advance() {
                let Ok(word) = std::str::from_utf8(terms.key()) else { continue };
                if !word.starts_with(begin) {
                    break;
                }
                looked += 1;
                if looked > MOST_LOOKED_AT {
                    cut = true;
                    break;
                }
                *found.entry(word.to_owned()).or_default() += u64::from(terms.value().doc_freq);
            }
        }
        Ok(())
    };
    look().map_err(|cause| index.failed(cause))?;
    let mut found: Vec<(String, u64)> = found.into_iter().collect();
    found.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    cut |= found.len() > MOST_BEGINNINGS;
    found.truncate(MOST_BEGINNINGS);
    Ok((found.into_iter().map(|(word, _)| word).collect(), cut))
}
