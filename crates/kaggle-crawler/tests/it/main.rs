//! Tests of the readers of imports against sources of our own and recorded ones, of unpacking, and of the crawler
//! against the double.
//!
//! - `archives`: archives on their way, broken and hostile
//! - `archives_kept`: archives that are too large, and those whose program dies
//! - `crawling`: datasets, whole: listings that move, refusals, files, `kill -9`, tokens that stay secret
//! - `models`: models, whole: variations, files, refusals, versions, `kill -9`
#![allow(
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    missing_docs,
    reason = "tests"
)]

mod archives;
mod archives_kept;
mod crawling;
mod desk;
mod hostile;
mod leaderboard;
mod models;
mod notebooks;
mod python;
mod r;
mod remote;
mod samples;
mod sections;
mod shop;
mod unpacking;
mod unpacking_attacks;
