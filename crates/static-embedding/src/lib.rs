//! Texts to vectors without a network: a table with a vector for each piece of a word. The vector of a text is the sum of
//! those of its pieces, brought to length one.
//!
//! The shipped table (feature `table`, on by default) was distilled from all-MiniLM-L6-v2 and is English:
//! [`Embedding::known`] of [`Embedding::words`] tells how much of a text it knows. `docs/static-embedding.md` has figures.

mod file;
mod pieces;
mod words;

use std::borrow::Cow;

use crawl_core::Result;

use file::Parts;
use pieces::Pieces;

/// How much of a text is looked at: its first bytes, cut where a character ends.
pub const BYTES: usize = 64 * 1024;

/// How much of a text is looked at: its first pieces, and the whole words that they make.
pub const TOKENS: usize = 4096;

#[cfg(feature = "table")]
static SHIPPED: &[u8] = include_bytes!("../data/minilm-256.table");

/// A vector for each piece of a word. Made once: reading takes some milliseconds.
pub struct Table {
    parts: Parts,
    pieces: Pieces,
}

/// What became of a text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Embedding {
    /// [`Table::dimension`] numbers. Its length is one, so that a product of two is their cosine; all are 0 where no piece
    /// of the text has a vector.
    pub vector: Vec<f32>,
    /// How many of its words the table knows. The rest has the vectors of its pieces, which tell little.
    pub known: usize,
    /// How many words it has, signs left out. A CJK character counts as one.
    pub words: usize,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("dimension", &self.dimension()).field("digest", &self.digest()).finish()
    }
}

impl Table {
    /// The table that comes with this crate. English, 256 dimensions.
    #[cfg(feature = "table")]
    pub fn shipped() -> Result<Table> {
        Table::read(SHIPPED)
    }

    /// Reads a table that `make/make_table.py` wrote, of any dimension.
    ///
    /// # Errors
    /// `Config`, if it is no such table, another version of one, or not whole.
    pub fn read(bytes: impl Into<Cow<'static, [u8]>>) -> Result<Table> {
        let parts = Parts::read(bytes.into())?;
        let pieces = Pieces::new(parts.vocabulary())?;
        Ok(Table { parts, pieces })
    }

    /// How many numbers a vector has.
    pub fn dimension(&self) -> usize {
        self.parts.dimension
    }

    /// The SHA-256 of the table, 64 hexadecimal digits. Vectors of tables that differ in it cannot be compared: whoever
    /// keeps vectors keeps it beside them, and refuses another.
    pub fn digest(&self) -> &str {
        &self.parts.digest
    }

    /// The vector of a text, and how much of the text is known. Of long texts the first [`BYTES`] and [`TOKENS`] count.
    pub fn embed(&self, text: &str) -> Embedding {
        let mut embedding = Embedding::default();
        self.embed_into(text, &mut embedding);
        embedding
    }

    /// As [`Table::embed`], into an embedding that was used before, so that many texts need one buffer.
    pub fn embed_into(&self, text: &str, embedding: &mut Embedding) {
        let Embedding { vector, known, words } = embedding;
        vector.clear();
        vector.resize(self.dimension(), 0.0);
        (*known, *words) = (0, 0);
        self.pieces.each_word(text, |word| {
            *words += usize::from(word.counts);
            *known += usize::from(word.known);
            for &id in word.ids {
                let (scale, row) = self.parts.row(id);
                for (sum, &cell) in vector.iter_mut().zip(row) {
                    *sum += scale * f32::from(cell as i8);
                }
            }
        });
        let length = vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
        if length > 0.0 {
            let factor = (1.0 / length) as f32;
            vector.iter_mut().for_each(|x| *x *= factor);
        }
    }

    /// The numbers of a text's pieces, as the tokenizer of all-MiniLM-L6-v2 gives them, without `[CLS]` and `[SEP]`. The
    /// name of a special token within a text is text: its brackets are signs.
    pub fn tokens(&self, text: &str) -> Vec<u32> {
        let mut ids = Vec::new();
        self.pieces.each_word(text, |word| ids.extend_from_slice(word.ids));
        ids
    }
}
