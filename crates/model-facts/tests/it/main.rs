//! Integration tests of the facts of models.
//!
//! - `known`: well-known models, and what is published of them
//! - `rows`: records with anything in them
//! - `cards`: cards of any form, variants of weights, the old columns
//! - `caches`: caches as GGUF headers tell them
//! - `devices`: memory, and what fits where
//! - `documented`: the tables of `docs/models.md`
//! - `samples`: recorded answers of the real Hub, where they are there (`just samples DIR`)
//! - `headers`: headers of safetensors and GGUF files, whole, cut, and made to do harm
#![allow(clippy::print_stderr, clippy::unwrap_used, clippy::needless_pass_by_value, missing_docs)]

mod caches;
mod cards;
mod desk;
mod devices;
mod documented;
mod headers;
mod known;
mod rows;
mod samples;
