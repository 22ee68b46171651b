//! The embedder that needs no network: a table of word pieces.

use crawl_core::Result;
use static_embedding::Table;

use super::{Embedded, Embedder};

/// A static table of vectors, English if it is the shipped one.
pub struct TableEmbedder {
    table: Table,
}

impl TableEmbedder {
    /// The table that the program brings.
    ///
    /// # Errors
    /// None: a test reads it.
    pub fn shipped() -> Result<Self> {
        Ok(TableEmbedder { table: Table::shipped()? })
    }

    /// Another table.
    pub fn new(table: Table) -> Self {
        TableEmbedder { table }
    }
}

impl Embedder for TableEmbedder {
    fn name(&self) -> String {
        "table".into()
    }

    fn digest(&self) -> String {
        self.table.digest().to_owned()
    }

    fn dimension(&self) -> usize {
        self.table.dimension()
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Embedded>> {
        let embed = |text: &&str| {
            let found = self.table.embed(text);
            // A word that is not known has the vectors of its pieces, which tell little: without any that is, it is none.
            let any = found.known > 0 && found.vector.iter().any(|number| *number != 0.0);
            Embedded { vector: any.then_some(found.vector), known: found.known, words: found.words }
        };
        Ok(texts.iter().map(embed).collect())
    }
}
