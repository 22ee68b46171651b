//! What is known of a model of the Hugging Face Hub, told honestly: each fact with its basis, and an unknown as none.
//!
//! Nothing here reads a file or asks a network: it gets a record, the beginning of a file, or a text. All of them are
//! hostile: sizes are bounded, sums are checked, and a number that cannot be true is unknown.

pub mod gguf;
mod header;
pub mod safetensors;

pub use header::Reading;
