//! What a training set should not hold, and what it should know of its texts: personal data and secrets by rules with
//! validators ([`find`], [`apply`]), exact and near duplicates ([`Deduper`]), dates ([`date`]), languages ([`language`]).
//!
//! Nothing here reads a file, asks a network, or changes a text that it was not asked to change.

pub mod date;
mod language;
mod near;
mod pii;

pub use language::language;
pub use near::{Clusters, Deduper, Like, Member, Settings, jaccard};
pub use pii::{Cleaned, Finding, Kind, Mode, apply, apply_to, find, iban_is_valid, luhn_is_valid};
