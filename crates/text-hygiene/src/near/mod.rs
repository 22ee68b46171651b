//! Duplicates: equal texts by their hash, near ones by MinHash with bands, each pair verified by its true similarity.

mod deduper;
mod shingles;
mod union;

pub use deduper::{Clusters, Deduper, Like, Member, Settings};
pub(crate) use shingles::is_unspaced;
pub use shingles::jaccard;
