//! The evaluator against doubles of language models, and over roots that the classifier's library has written.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up its case may panic")]

mod attack;
mod distil;
mod evaluate;
#[path = "../../../llm-classifier/tests/it/house.rs"]
mod house;
mod program;
mod rejected;
