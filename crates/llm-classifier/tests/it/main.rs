//! The classifier against a double of a language model whose right answers are known.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up its case may panic")]

mod again;
mod batch;
mod cache;
mod codes;
mod desk;
mod engines;
mod filter;
mod house;
mod labels;
mod money;
mod odd;
mod paid;
mod pipes;
mod program;
mod refused;
mod rejected;
mod rooms;
mod servers;
mod task;
mod team;
mod vendors;
mod votes;
mod whole;
