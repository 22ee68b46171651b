//! What is known of a model of the Hugging Face Hub, told honestly: each fact with its basis, and an unknown as none.
//!
//! [`Facts::of`] reads a record; [`row`] makes a row of [`CATALOGUE`] or [`LEGACY`] of it; [`Footprint`] says what memory
//! it needs, and [`Devices`] on what it fits. [`safetensors::Header`] and [`gguf::Header`] read the beginnings of files.
//!
//! Nothing here reads a file or asks a network: it gets a record, the beginning of a file, or a text. All of them are
//! hostile: sizes are bounded, sums are checked, and a number that cannot be true is unknown.

mod card;
mod columns;
mod config;
mod facts;
mod files;
pub mod gguf;
pub mod hardware;
mod header;
pub mod kv;
pub mod licence;
mod members;
mod parameters;
mod quantised;
mod reading;
pub mod safetensors;

pub use card::Relation;
pub use columns::{CATALOGUE, Described, LEGACY, Origin, markdown, row};
pub use facts::Facts;
pub use files::{Variant, Weights};
pub use hardware::{Devices, Fit, Footprint, Need, fits, tokens_per_second_bound};
pub use header::Reading;
pub use kv::Kv;
pub use licence::{Commercial, Licence};
pub use parameters::Basis;
pub use quantised::Quantisation;
