//! HTML in, Markdown out: self-written cases, recorded pages where they are at hand, and hostile ones.
#![allow(clippy::print_stderr, clippy::unwrap_used, missing_docs)]

mod commonmark;
mod hostile;
mod pairs;
mod recorded;
mod samples;
mod training;
