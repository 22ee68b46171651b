//! Finds records among millions by words, meaning and hardware, and says why.
//!
//! A [`Mapping`] makes a [`Document`] of a record. A [`Writer`] puts documents into an index and commits; an [`Index`]
//! is one commit, open for reading. Filters hold before anything is ranked, and an unknown passes none unless it is
//! asked for. What is on the disk, and how scores are made, is in `docs/record-search.md`.
//!
//! ```
//! use record_search::{Index, Mapped, Mapping, Query, Writer};
//!
//! fn main() -> record_search::Result<()> {
//!     # let folder = tempfile::tempdir().unwrap();
//!     # let folder = folder.path();
//!     let mapping = Mapping::named("hf-models")?;
//!     let mut writer = Writer::open(folder, None)?;
//!     for line in [
//!         r#"{"id": "ann/tiny-whisper", "pipeline_tag": "automatic-speech-recognition", "tags": ["license:mit"]}"#,
//!         r#"{"id": "bob/poems", "pipeline_tag": "text-generation", "downloads": 7}"#,
//!     ] {
//!         let record = serde_json::from_str(line).expect("valid JSON");
//!         if let Mapped::Document(document) = mapping.map(&record)? {
//!             writer.put(*document)?;
//!         }
//!     }
//!     writer.commit()?;
//!
//!     let index = Index::open(folder, None)?;
//!     let found = index.search(&Query { text: "whisper license:mit".into(), ..Query::default() })?;
//!     assert_eq!(found.hits[0].shown.id, "ann/tiny-whisper");
//!     // The licence of the other one is unknown, and an unknown passes no filter.
//!     assert_eq!(found.explain.filters[0].unknown, 1);
//!     Ok(())
//! }
//! ```

mod absent;
mod bitmap;
mod columns;
mod commit;
mod document;
mod embed;
mod explain;
mod field;
mod filter;
mod fold;
mod found;
mod hardware;
mod index;
mod input;
mod kept;
mod known;
mod mapping;
mod query;
mod rank;
mod recall;
mod scan;
mod schema;
mod search;
#[cfg(feature = "serve")]
pub mod serve;
mod shown;
mod sink;
mod stats;
mod text;
mod vectors;
mod words;
mod writer;

pub use commit::Model;
pub use crawl_core::Result;
pub use document::{Cell, Document, Kind, MOST_CARD, MOST_NAME, MOST_VALUES, Value};
pub use embed::{Embedded, Embedder, EndpointEmbedder, TableEmbedder};
pub use explain::{Addend, Bm25, Explain, HitExplain, Standing};
pub use field::{Field, Fields};
pub use filter::{Filter, Filtered, Test, Text, number};
pub use hardware::{CONTEXT, Worked, shipped_devices};
pub use index::Index;
pub use input::{BadRow, Inputs, Progress};
pub use mapping::{Mapped, Mapping, Texts};
pub use model_facts::Devices;
pub use query::{
    MOST_FACETS, MOST_HITS, MOST_PARTS, MOST_QUERY, MOST_WORDS, Mode, Parsed, Query, Sort, Word,
};
pub use recall::{Recall, measure as measure_recall};
pub use scan::{MOST_EXACT, chosen};
pub use schema::{BOOSTS, TEXTS};
pub use search::{FacetCounts, Hit, Hits, MEANING, POPULARITY, POPULARITY_FULL, RANK_BASE, Tier};
pub use shown::Shown;
pub use sink::IndexSink;
pub use stats::{ColumnStats, Stats};
pub use text::MOST_BEGINNINGS;
pub use writer::{Changes, Probe, Put, Writer};
