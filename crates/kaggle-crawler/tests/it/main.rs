//! Tests of the readers of imports against sources of our own and recorded ones, of unpacking, and of the crawler
//! against the double.
//!
//! - `accounts`: whose credentials are sent
//! - `competitions`: competitions, whole
//! - `uploading`: `--upload`, with a bucket behind the crawl
//! - `listing`: what all parts share: slices, coverage, refs, pages, plans, earlier roots, shares
//! - `crawling`: datasets, whole: listings that move, refusals, files, `kill -9`, tokens that stay secret
//! - `kernels`, `kernels_listed`: kernels, whole: sources by content, outputs, slices, courses, refusals, `kill -9`
//! - `discussions`: topics with all comments, nested over pages; `kill -9`; pseudonyms
//! - `meta`: the same of Meta Kaggle's tables, and refs beyond the caps; odd tables
//! - `meta_memory`: joins larger than memory: `GLEANER_META_MESSAGES` and `GLEANER_META_USERS` make them large
//! - `archives`: archives on their way, broken and hostile
//! - `archives_kept`: archives that are too large, and those whose program dies
//! - `archives_large`: archives of many files, and one of 100 GiB: `GLEANER_SMALL_FILES` makes the first one large
//! - `models`: models, whole: variations, files, refusals, versions, `kill -9`
//! - `models_in_parts`: `--next`, `--share` and `--upload` of models, with their files
#![allow(
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    missing_docs,
    reason = "tests"
)]

mod accounts;
mod archives;
mod archives_kept;
mod archives_large;
mod competitions;
mod crawling;
mod desk;
mod discussions;
mod hostile;
mod kernels;
mod kernels_listed;
mod leaderboard;
mod listing;
mod meta;
mod meta_memory;
mod models;
mod models_in_parts;
mod notebooks;
mod python;
mod r;
mod remote;
mod samples;
mod sections;
mod shop;
mod unpacking;
mod unpacking_attacks;
mod uploading;
