//! The spine of Gleaner: records, pages, sources, sinks, the pump, the store, files and the one door to the network.
//!
//! A [`Source`] is one resumable listing; it hands out [`Page`]s: some [`Record`]s and the [`Cursor`] of the
//! next page. A [`Sink`] keeps pages and remembers how many: that memory is the [`Checkpoint`]. [`pump`] moves
//! pages from a source to a sink until the listing ends. The one rule: **write the page, then the checkpoint;
//! read only below the checkpoint.**

mod disk;
mod error;
#[cfg(feature = "http")]
pub mod files;
#[cfg(feature = "http")]
pub mod http;
pub mod json;
mod page;
mod pump;
pub mod record;
mod shown;
mod sink;
mod source;
mod store;

pub use disk::{Disk, Fate, Probe};
pub use error::{Error, Kind, Result, Scope};
pub use jiff::Timestamp;
pub use page::{Cursor, FileLine, Missing, Page, Tally};
pub use pump::{Committed, Pump, pump};
pub use record::Record;
pub use shown::{shown, visible};
pub use sink::{Checkpoint, Sink, Totals};
pub use source::{Settings, Source, SourceId};
pub use store::{Compression, Manifest, Store, Stored, StoredPage, Verified};
/// A wish to stop, shared by all who wait: it ends waits and downloads, and what was sent is finished.
pub use tokio_util::sync::CancellationToken as Stop;
