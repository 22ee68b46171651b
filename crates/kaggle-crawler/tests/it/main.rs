//! Tests of the readers of imports against sources of our own and recorded ones, and of the crawler against the double.
//!
//! - `crawling`: datasets, whole: listings that move, refusals, files, `kill -9`, tokens that stay secret
#![allow(clippy::unwrap_used, clippy::needless_pass_by_value, missing_docs)]

mod crawling;
mod desk;
mod hostile;
mod notebooks;
mod python;
mod r;
mod samples;
mod shop;
