//! Tests of the readers of imports against sources of our own and recorded ones, of unpacking, and of the crawler
//! against the double.
//!
//! - `crawling`: datasets, whole: listings that move, refusals, files, `kill -9`, tokens that stay secret
//! - `discussions`: topics with all comments, nested over pages; `kill -9`; pseudonyms
//! - `meta`: the same of Meta Kaggle's tables, and refs beyond the caps; odd tables
//! - `meta_memory`: joins larger than memory: `GLEANER_META_MESSAGES` and `GLEANER_META_USERS` make them large
#![allow(
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    missing_docs,
    reason = "tests"
)]

mod crawling;
mod desk;
mod discussions;
mod hostile;
mod leaderboard;
mod meta;
mod meta_memory;
mod notebooks;
mod python;
mod r;
mod remote;
mod samples;
mod sections;
mod shop;
mod unpacking;
mod unpacking_attacks;
