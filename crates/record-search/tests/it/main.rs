//! Tests of indexing and searching, over made-up records.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up its case may panic")]

mod absent;
mod catalogue;
mod crash;
mod endpoint;
mod explain;
mod filters;
mod hostile;
mod incremental;
mod mappings;
mod program;
mod query;
mod roots;
mod serve;

use std::sync::Arc;

use record_search::{Cell, Document, Embedded, Embedder, Index, Kind, Query, Writer};
use tempfile::TempDir;

/// An embedder whose vectors are sums of one random vector a word: texts that share words are near.
pub(crate) struct Hashed {
    pub(crate) seed: u64,
}

pub(crate) const DIMENSION: usize = 72;

impl Embedder for Hashed {
    fn name(&self) -> String {
        "hashed".into()
    }

    fn digest(&self) -> String {
        format!("seed {}", self.seed)
    }

    fn dimension(&self) -> usize {
        DIMENSION
    }

    fn embed(&self, texts: &[&str]) -> record_search::Result<Vec<Embedded>> {
        Ok(texts.iter().map(|text| self.one(text)).collect())
    }
}

impl Hashed {
    fn one(&self, text: &str) -> Embedded {
        let mut sum = vec![0.0_f32; DIMENSION];
        let (mut words, mut known) = (0, 0);
        for word in text.to_lowercase().split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
        {
            words += 1;
            // Words that begin with q are never known.
            if word.starts_with('q') {
                continue;
            }
            known += 1;
            let seed = word
                .bytes()
                .fold(self.seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
            let mut random = fastrand::Rng::with_seed(seed);
            sum.iter_mut().for_each(|number| *number += random.f32() - 0.5);
        }
        let length = sum.iter().map(|number| number * number).sum::<f32>().sqrt();
        sum.iter_mut().for_each(|number| *number /= length.max(1e-9));
        Embedded { vector: (known > 0).then_some(sum), known, words }
    }
}

pub(crate) fn hashed() -> Option<Arc<dyn Embedder>> {
    Some(Arc::new(Hashed { seed: 7 }))
}

pub(crate) const WORDS: [&str; 12] = [
    "llama", "speech", "whisper", "tiny", "german", "chat", "vision", "poems", "code", "large", "music",
    "rare",
];

/// A made-up document; of each column about a third is unknown.
pub(crate) fn document(random: &mut fastrand::Rng, number: usize) -> Document {
    let word = |random: &mut fastrand::Rng| WORDS[random.usize(..WORDS.len() - 1)];
    let name = format!("{}-{}-{number}", word(random), word(random));
    let author = format!("own{}", random.u8(..9));
    let mut document = Document {
        source: if random.bool() { "ones" } else { "others" }.into(),
        id: format!("{author}/{name}"),
        card: format!("{} for {} and {}", word(random), word(random), word(random)),
        tags: vec![word(random).to_owned()],
        meaning: format!("{name} {} {}", word(random), word(random)),
        author,
        name,
        ..Document::default()
    };
    document.columns.insert("source".into(), (Kind::Facet, Cell::texts([document.source.clone()])));
    let mut put = |name: &str, kind: Kind, cell: Cell| {
        document.columns.insert(name.to_owned(), (kind, cell));
    };
    if random.u8(..3) > 0 {
        let some = |random: &mut fastrand::Rng| ["mit", "Apache-2.0", "GPL-3.0", "other"][random.usize(..4)];
        let licences: Vec<&str> = (0..random.usize(1..3)).map(|_| some(random)).collect();
        put("license", Kind::Facet, Cell::texts(licences));
    }
    if random.u8(..3) > 0 {
        put("downloads", Kind::Number, Cell::number(f64::from(random.u32(..2_000))));
        put("popularity", Kind::Number, Cell::number(f64::from(random.u32(..2_000_000))));
    }
    if random.u8(..3) > 0 {
        let mut cell = Cell::number(random.f64() * 1e11);
        cell.derived = random.bool();
        put("params", Kind::Number, cell);
    }
    if random.u8(..3) > 0 {
        put("created", Kind::Time, Cell::number(1.7e9 + f64::from(random.u32(..10_000_000))));
    }
    document
}

pub(crate) fn documents(seed: u64, count: usize) -> Vec<Document> {
    let mut random = fastrand::Rng::with_seed(seed);
    (0..count).map(|number| document(&mut random, number)).collect()
}

/// An index of these, with vectors.
pub(crate) fn index(documents: &[Document]) -> (TempDir, Index) {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(folder.path(), hashed()).unwrap();
    // In several segments.
    for part in documents.chunks(documents.len() / 3 + 1) {
        part.iter().for_each(|document| {
            writer.put(document.clone()).unwrap();
        });
        writer.commit().unwrap();
    }
    writer.close().unwrap();
    let index = Index::open(folder.path(), hashed()).unwrap();
    (folder, index)
}

pub(crate) fn ask(text: &str) -> Query {
    Query { text: text.into(), ..Query::default() }
}

/// The ids of what is found, in order.
pub(crate) fn ids(index: &Index, query: &Query) -> Vec<String> {
    index.search(query).unwrap().hits.into_iter().map(|hit| hit.shown.id).collect()
}
