//! The classifier against a double of a language model whose right answers are known.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up its case may panic")]

mod cache;
mod house;
mod program;
mod refused;
mod task;
mod whole;
