//! A crawler of Kaggle, over its HTTP API.
//!
//! [`Datasets`] is the listing of datasets, [`Details`] the map that fetches what belongs to each: metadata, the list of
//! its files, the files. [`Kaggle`] is the service with a credential; it can send read-only methods and nothing else.

mod client;
mod datasets;
mod details;
mod folder;
pub mod imports;
pub mod leaderboard;
pub mod sections;
pub mod unpack;

pub use client::{Kaggle, Method};
pub use crawl_core;
pub use datasets::{Datasets, Listing, Named};
pub use details::{Details, Select};
pub use folder::{folder, reference};
