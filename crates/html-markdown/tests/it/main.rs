//! HTML in, Markdown out: self-written cases, recorded pages where they are at hand, and hostile ones.

mod commonmark;
mod hostile;
mod pairs;
mod recorded;
mod samples;
mod training;
