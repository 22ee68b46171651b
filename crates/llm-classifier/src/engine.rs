//! Who answers: the classifier asks rules, a head and a model in turn, or hands questions in as batches.

pub mod batch;
pub(crate) mod classifier;
mod end;
pub mod head;
pub(crate) mod row;
pub mod rules;
pub(crate) mod suspect;

pub use classifier::{Classifier, Found};
