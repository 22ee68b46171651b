//! Integration tests of the facts of models.
//!
//! - `headers`: headers of safetensors and GGUF files, whole, cut, and made to do harm
#![allow(clippy::print_stderr, clippy::unwrap_used, clippy::needless_pass_by_value, missing_docs)]

mod headers;
