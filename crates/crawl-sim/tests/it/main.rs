//! Integration tests.

// Helpers of tests may fail a test as tests do; clippy.toml allows it inside test functions only.
#![allow(clippy::print_stderr, clippy::unwrap_used)]

mod binary;
mod client;
mod discourse;
mod faults;
mod files;
mod kaggle;
mod listing;
mod model;
mod recorded;
mod windows;
