//! Attacks: orders to the model, planted into records, and how often they are obeyed.
//!
//! An [`Attack`] is a text with placeholders; a [`Trial`] asks about clean rows, plants every attack into each of them,
//! asks again, and counts. An attack has succeeded if the answer became what the attack wanted.

mod disguise;
mod plant;
mod set;
mod table;
mod trial;

pub use set::{Attack, AttackSet, Place};
pub use table::attack_table;
pub use trial::{AttackReport, Counts, FormReport, Trial, TrialForm};
