//! Metadata of datasets and models from the Hugging Face Hub, resumable page by page.
//!
//! [`Repositories`] is the listing, [`Processed`] the mapping that keeps or drops rows of datasets by a [`Filter`], and
//! [`History`] remembers what earlier runs have had.

pub mod catalogue;
mod dates;
mod details;
mod filter;
mod history;
mod hub;
mod listing;
mod order;
mod place;
mod processed;
mod repositories;
mod shape;
mod trail;

pub use crawl_core;
pub use dates::parse_date;
pub use details::{Choice, Chosen, Details, Part, Parts, Plan, version};
pub use filter::{Days, Filter, Rule};
pub use history::History;
pub use hub::Hub;
pub use listing::{Fields, Listing, PARTIAL, Repos};
pub use processed::Processed;
pub use repositories::Repositories;

/// The README's example, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

/// The code for a new source, compiled.
#[cfg(all(doctest, feature = "cli"))]
#[doc = include_str!("../../../docs/your-own-source.md")]
struct YourOwnSource;
