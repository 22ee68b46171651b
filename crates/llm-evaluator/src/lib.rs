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
mod distil;
mod fit;
mod given;
mod gold;
mod headline;
mod interval;
mod lowest;
mod page;
mod report;
mod sample;
mod score;
mod sweep;
mod table;
mod threshold;

pub use aspect::Aspect;
pub use calibration::{BINS, Bin, Calibration, ErrorIntervals, Errors, FITTING, Fitted, HeldOut};
pub use compare::{Comparison, Difference, Disagreement, McNemar, compare};
pub use cost::{Cost, Mean};
pub use distil::{Aim, Distilled, Distilling, Step, distil, distilled_table};
pub use fit::{Isotonic, Platt};
pub use given::{Confidence, Given, GivenAnswer};
pub use gold::{Gold, GoldRow};
pub use headline::{Figure, Gate, Headline};
pub use interval::{AverageIntervals, Draw, Interval, LabelIntervals, ShareIntervals};
pub use page::{distilled_page, page};
pub use report::{
    AspectReport, Claim, Coverage, How, NOT_THERE, Report, Stratum, StratumIntervals, evaluate,
};
pub use sample::{Picked, Reason, Wish, sample};
pub use score::{Average, LabelScore, Scores};
pub use sweep::{Point, PointIntervals, Sweep};
pub use table::{comparison_table, table};
pub use threshold::{Chosen, KeptRows};
