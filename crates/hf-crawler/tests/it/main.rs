//! Integration tests of `hf-crawler` against the double of the Hub.
//!
//! - `listing`: whole crawls, limits, increments, tokens
//! - `broken`: faults of the service, each ending in a whole crawl or in a checkpoint and a clear error
//! - `catalogue`: the catalogue and the differences of two, over a Hub that changes
//! - `models`: the listing of models: fields, filters, increments, kills
//! - `model_rows`: rows of models with anything in any field
//! - `mirrors`: servers that are not quite the Hub: links that lead elsewhere, no links, no order, no end
//! - `older`: roots that the version before shares and files wrote
//! - `details`: files, configs and cards of chosen repositories
//! - `headers`: what files of weights hold, by Range; servers that mean harm
//! - `processing`: the filter, the 14 fields, the history
//! - `filters`: filter files that were written otherwise
//! - `fits`: what fits a memory; synthetic models
//! - `folding`: the rule of the catalogue, on runs that were made up
//! - `killing`: `kill -9` of the real program at random moments
//! - `program`: exit codes, messages, help
//! - `sharing`: a mapping in several processes, and `gather`
//! - `uploading`: pages that move to a bucket behind the crawl
//! - `samples`: recorded answers of the real Hub, where they are there (`just samples DIR`)
#![allow(clippy::print_stderr, clippy::unwrap_used, clippy::needless_pass_by_value, missing_docs)]

mod broken;
mod catalogue;
mod desk;
mod details;
mod filters;
mod fits;
mod folding;
mod headers;
mod killing;
mod listing;
mod mirrors;
mod model_rows;
mod models;
mod older;
mod processing;
mod program;
mod samples;
mod sharing;
mod stopping;
mod uploading;
