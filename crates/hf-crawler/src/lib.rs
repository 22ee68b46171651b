//! Dataset metadata from the Hugging Face Hub, resumable page by page.
//!
//! [`Datasets`] is the listing, [`Processed`] the mapping that keeps or drops its rows by a [`Filter`], and
//! [`History`] remembers what earlier runs have had.

mod datasets;
mod dates;
mod filter;
mod history;
mod hub;
mod order;
mod place;
mod processed;
mod shape;
mod trail;

pub use crawl_core;
pub use datasets::{Datasets, Listing};
pub use dates::parse_date;
pub use filter::{Days, Filter, Rule};
pub use history::History;
pub use hub::Hub;
pub use processed::Processed;

/// The README's example, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

/// The code for a new source, compiled.
#[cfg(all(doctest, feature = "cli"))]
#[doc = include_str!("../../../docs/your-own-source.md")]
struct YourOwnSource;
