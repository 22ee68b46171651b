//! Classifies records with a language model under task files, and keeps every paid answer.
//!
//! A [`Task`] is a file: labels, prompt, fields. A [`Chat`] is an endpoint under that task. The [`Cache`] keeps
//! every answer the moment it arrives. A [`Classifier`] joins the three; [`Labelled`] is its listing: page *n* of
//! a stored listing gives page *n* with the answers added, and what could not be answered as missing.

mod answer;
mod cache;
mod chat;
mod classifier;
pub mod evaluate;
mod extract;
mod health;
mod labelled;
mod reply;
mod retry;
mod row;
mod task;
mod usage;

pub use answer::{Answers, Verdict};
pub use cache::{Cache, Kept, Opened};
pub use chat::{Chat, Question, Structured};
pub use classifier::Classifier;
pub use labelled::{Labelled, check_fields, find_id_field};
pub use reply::Reply;
pub use retry::{Next, Round, next_round, reasons};
pub use task::{Field, Label, Labels, Model, Output, Task, TaskKind};
pub use usage::{Spent, Usage};
