//! The fields of the text index, and a document in them.

use crawl_core::Result;
use tantivy::TantivyDocument;
use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, JsonObjectOptions, OwnedValue, STORED, STRING, Schema,
    TextFieldIndexing, TextOptions,
};

use crate::document::{Document, Value, key_hash};
use crate::shown::Shown;
use crate::words::{PLAIN, PROSE, folded};

/// The text fields, as queries and explanations name them.
pub const TEXTS: [&str; 5] = ["id", "name", "author", "tags", "card"];
/// What the BM25 of each is multiplied by. A word is rare among names, so that its BM25 is high there as it is; were it raised
/// further, one word in a name would outdo all words of the query in a card. The id has the name in it once more.
pub const BOOSTS: [f32; 5] = [0.1, 0.5, 1.0, 1.0, 1.0];
/// Where among the text fields the name is.
pub(crate) const NAME: usize = 1;

/// The fields of the index.
#[derive(Clone, Debug)]
pub(crate) struct Fields {
    /// What tells a document from the others, word for word.
    pub(crate) key: Field,
    /// Two halves of a hash of the key.
    pub(crate) key_high: Field,
    pub(crate) key_low: Field,
    /// A hash of all that is indexed of the document.
    pub(crate) content: Field,
    /// Its number, which no other document of the index has had or will have.
    pub(crate) row: Field,
    /// The id in lower case, as one word.
    pub(crate) exact_id: Field,
    /// The name without case and separators, as one word.
    pub(crate) exact_name: Field,
    /// In the order of [`TEXTS`].
    pub(crate) texts: [Field; 5],
    /// The columns.
    pub(crate) columns: Field,
    /// What is shown of it, as JSON.
    pub(crate) shown: Field,
}

impl Fields {
    /// A document as the text index takes it.
    pub(crate) fn document(&self, row: u64, document: Document) -> Result<TantivyDocument> {
        let key = document.key();
        let hash = key_hash(&key);
        let mut out = TantivyDocument::new();
        out.add_text(self.key, &key);
        out.add_u64(self.key_high, (hash >> 64) as u64);
        out.add_u64(self.key_low, hash as u64);
        out.add_u64(self.content, document.content());
        out.add_u64(self.row, row);
        out.add_text(self.exact_id, document.id.to_lowercase());
        let name = folded(&document.name);
        if !name.is_empty() {
            out.add_text(self.exact_name, name);
        }
        let tags = document.tags.join("\n");
        let texts = [&document.id, &document.name, &document.author, &tags, &document.card];
        for (field, text) in self.texts.iter().zip(texts) {
            out.add_text(*field, text);
        }
        let columns = document.columns.iter().map(|(name, (_, cell))| {
            let value = match &cell.value {
                Value::Number(number) => OwnedValue::F64(*number),
                Value::Texts(texts) => {
                    OwnedValue::Array(texts.iter().cloned().map(OwnedValue::Str).collect())
                }
            };
            (name.clone(), value)
        });
        out.add_object(self.columns, columns.collect());
        out.add_bytes(self.shown, &Shown::of(document).write()?);
        Ok(out)
    }
}

/// The name of a column in tantivy.
pub(crate) fn column_name(column: &str) -> String {
    format!("columns.{column}")
}

pub(crate) fn schema() -> (Schema, Fields) {
    let mut schema = Schema::builder();
    let words = |analyser: &str| {
        let indexing = TextFieldIndexing::default()
            .set_tokenizer(analyser)
            .set_index_option(IndexRecordOption::WithFreqsAndPositions);
        TextOptions::default().set_indexing_options(indexing)
    };
    let key = schema.add_text_field("key", STRING | STORED);
    let key_high = schema.add_u64_field("key_high", FAST);
    let key_low = schema.add_u64_field("key_low", FAST);
    let content = schema.add_u64_field("content", FAST);
    let row = schema.add_u64_field("row", FAST | INDEXED);
    let exact_id = schema.add_text_field("exact_id", STRING);
    let exact_name = schema.add_text_field("exact_name", STRING);
    let texts =
        TEXTS.map(|name| schema.add_text_field(name, words(if name == "card" { PROSE } else { PLAIN })));
    let columns = schema.add_json_field("columns", JsonObjectOptions::default().set_fast("raw"));
    let shown = schema.add_bytes_field("shown", STORED);
    let fields = Fields { key, key_high, key_low, content, row, exact_id, exact_name, texts, columns, shown };
    (schema.build(), fields)
}
