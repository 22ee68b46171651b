//! Integration tests of the hygiene of texts.
//!
//! - `personal`: what is found, what is not, and what is done with it
//! - `recorded`: recorded cases and posts, where `GLEANER_SAMPLES` names them
//! - `duplicates`: bands by their formula, clusters, memory
//! - `dates`: dates and languages
#![allow(clippy::unwrap_used, missing_docs)]

mod dates;
mod duplicates;
mod personal;
mod recorded;
