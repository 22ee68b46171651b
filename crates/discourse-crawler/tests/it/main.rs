//! Tests of the crawler against the double, and against recorded topics.
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs, reason = "tests")]

mod crawling;
mod exporting;
mod pictures;
mod samples;
mod shop;
mod uploading;
