//! Texts to vectors: whoever does it for an index.

mod endpoint;
mod table;

use crawl_core::Result;

pub use endpoint::EndpointEmbedder;
pub use table::TableEmbedder;

/// What became of a text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Embedded {
    /// As many numbers as the embedder's dimension, of length 1; `None` where the text has no word that is known.
    pub vector: Option<Vec<f32>>,
    /// How many of its words are known.
    pub known: usize,
    /// How many words it has.
    pub words: usize,
}

/// Makes vectors of texts. An index keeps the digest of the one that it was built with, and takes no other.
pub trait Embedder: Send + Sync {
    /// Its name, for people.
    fn name(&self) -> String;
    /// What changes whenever its vectors do.
    fn digest(&self) -> String;
    /// How many numbers a vector has.
    fn dimension(&self) -> usize;
    /// The vectors of texts, in their order.
    ///
    /// # Errors
    /// Those of a service that is asked.
    fn embed(&self, texts: &[&str]) -> Result<Vec<Embedded>>;
}
