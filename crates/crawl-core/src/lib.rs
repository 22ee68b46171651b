//! The spine of Gleaner: records, pages, sources, sinks, the pump, the store, files and the one door to the network.
//!
//! A [`Source`] is one resumable listing; it hands out [`Page`]s: some [`Record`]s and the [`Cursor`] of the
//! next page. A [`Sink`] keeps pages and remembers how many: that memory is the [`Checkpoint`]. [`pump`] moves
//! pages from a source to a sink until the listing ends. The one rule: **write the page, then the checkpoint;
//! read only below the checkpoint.**

mod context;
#[cfg_attr(not(feature = "http"), allow(dead_code, reason = "only what is fetched needs some of it"))]
mod disk;
mod error;
#[cfg_attr(not(feature = "http"), allow(dead_code, reason = "only what is fetched needs some of it"))]
pub mod files;
#[cfg(feature = "http")]
pub mod http;
mod input;
pub mod json;
mod judge;
mod map;
mod page;
mod pump;
pub mod record;
pub mod robots;
mod round;
mod share;
mod shown;
mod since;
mod sink;
mod source;
mod staged;
mod store;
pub mod table;
mod waiting;

pub use context::Context;
pub use disk::{Disk, Fate, Probe};
pub use error::{Error, Kind, Result, Scope};
pub use files::Files;
pub use input::Input;
pub use jiff::Timestamp;
pub use judge::Judge;
pub use map::{Map, Mapped, Over, Row};
pub use page::{Cursor, FileLine, Mark, Missing, Page, Tally};
pub use pump::{Committed, Pump, pump, settings_of};
pub use record::Record;
pub use round::{Next, Round};
pub use share::Share;
pub use shown::{shown, visible};
pub use since::Since;
pub use sink::{Checkpoint, Sink, Totals};
pub use source::{Settings, Source, SourceId};
pub use staged::Staged;
pub use store::{Compression, Gathered, Manifest, Store, Stored, Verified, gather};
/// A wish to stop, shared by all who wait: it ends waits and downloads, and what was sent is finished.
pub use tokio_util::sync::CancellationToken as Stop;
pub use waiting::{Waiting, Why};
