//! What an index knows of its documents without reading them: out of columns of numbers.

use std::collections::{HashMap, HashSet};

use crate::schema::column_name;

/// What is known of a document without reading it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub(crate) row: u64,
    pub(crate) content: u64,
}

/// Key hash and row of the committed documents of these sources that were not seen.
pub(crate) fn unseen(
    index: &tantivy::Index,
    sources: &HashSet<String>,
    seen: &HashSet<u128>,
) -> tantivy::Result<Vec<(u128, u64)>> {
    let reader = index.reader_builder().reload_policy(tantivy::ReloadPolicy::Manual).try_into()?;
    let mut unseen = Vec::new();
    for segment in reader.searcher().segment_readers() {
        let fast = segment.fast_fields();
        let (high, low, row) = (fast.u64("key_high")?, fast.u64("key_low")?, fast.u64("row")?);
        let Some(source) = fast.str(&column_name("source"))? else { continue };
        let mut of_these = HashSet::new();
        let mut terms = source.dictionary().stream()?;
        while terms.advance() {
            if std::str::from_utf8(terms.key()).is_ok_and(|name| sources.contains(name)) {
                of_these.insert(terms.term_ord());
            }
        }
        for doc in segment.doc_ids_alive() {
            let (Some(high), Some(low), Some(row)) = (high.first(doc), low.first(doc), row.first(doc)) else {
                continue;
            };
            let hash = u128::from(high) << 64 | u128::from(low);
            if source.term_ords(doc).any(|ord| of_these.contains(&ord)) && !seen.contains(&hash) {
                unseen.push((hash, row));
            }
        }
    }
    Ok(unseen)
}

/// The committed documents, by key hash.
pub(crate) fn known(index: &tantivy::Index) -> tantivy::Result<HashMap<u128, Known>> {
    let reader = index.reader_builder().reload_policy(tantivy::ReloadPolicy::Manual).try_into()?;
    let searcher = reader.searcher();
    let mut known = HashMap::with_capacity(usize::try_from(searcher.num_docs()).unwrap_or(0));
    for segment in searcher.segment_readers() {
        let fast = segment.fast_fields();
        let (high, low) = (fast.u64("key_high")?, fast.u64("key_low")?);
        let (content, row) = (fast.u64("content")?, fast.u64("row")?);
        for doc in segment.doc_ids_alive() {
            let (Some(high), Some(low)) = (high.first(doc), low.first(doc)) else { continue };
            let (Some(content), Some(row)) = (content.first(doc), row.first(doc)) else { continue };
            known.insert(u128::from(high) << 64 | u128::from(low), Known { row, content });
        }
    }
    Ok(known)
}
