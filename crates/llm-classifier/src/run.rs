//! Whole runs: over a listing or a pipe, as its flags say, and the rows that come of it.

#[cfg(feature = "cli")]
mod asking;
mod labelled;
pub mod lines;
mod reasons;
pub(crate) mod row;

#[cfg(feature = "cli")]
pub use asking::{Asking, Folders};
pub use labelled::{Labelled, check_fields, find_id_field, rejected_root};
pub use reasons::reasons;
