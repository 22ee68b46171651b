//! How good the answers of a task are, measured against rows that a person has labelled; and how well they withstand
//! orders inside records ([`attack`]).
//!
//! [`Gold`] is what a person said, [`Given`] what was answered, an [`Aspect`] is one question with a closed set of
//! answers, and a [`Report`] is what comes of comparing them. What cannot be known (0/0, no confidence, no price) is
//! `None`, never 0.

mod asked;
mod aspect;
pub mod attack;
mod calibration;
mod compare;
mod cost;
mod dice;
mod given;
mod gold;
mod page;
mod report;
mod sample;
mod score;
mod sweep;
mod table;

pub use aspect::Aspect;
pub use calibration::{BINS, Bin, Calibration};
pub use compare::{Comparison, Difference, Disagreement, McNemar, compare};
pub use cost::{Cost, Mean};
pub use given::{Answer, Confidence, Given};
pub use gold::{Gold, GoldRow};
pub use page::page;
pub use report::{AspectReport, Coverage, NOT_THERE, Report, Stratum, evaluate};
pub use sample::{Picked, Reason, Wish, sample};
pub use score::{Average, LabelScore, Scores};
pub use sweep::{Point, Sweep};
pub use table::{comparison_table, table};
