//! Whole runs: over a listing or a pipe, as its flags say, and plans of them before anything is sent.

#[cfg(feature = "cli")]
mod asking;
mod labelled;
pub mod lines;
pub mod plan;
mod reasons;

#[cfg(feature = "cli")]
pub use asking::{Asking, Folders};
pub use labelled::{Labelled, check_fields, find_id_field, rejected_root};
pub use reasons::reasons;
