//! Classifies records with a language model under task files, and keeps every paid answer.
//!
//! A [`Task`] is a file: labels, prompt, fields. A [`Chat`] is an endpoint under that task. The [`Cache`] keeps
//! every answer the moment it arrives. A [`Classifier`] joins the three; [`Labelled`] is its map: the records of
//! a stored listing with the answers added, and what could not be answered as missing.

mod answer;
#[cfg(feature = "cli")]
mod asking;
pub mod batch;
mod cache;
mod chat;
mod classifier;
mod end;
mod endpoint;
mod extract;
mod fund;
pub mod head;
mod labelled;
mod ledger;
pub mod lines;
pub mod litellm;
mod logprobs;
mod money;
pub mod plan;
mod reply;
mod retry;
mod row;
pub mod rules;
mod suspect;
mod task;
mod thoughts;
mod usage;

pub use answer::{Answer, Answers, Verdict};
#[cfg(feature = "cli")]
pub use asking::{Asking, Folders};
pub use cache::{Cache, History, Kept, Opened, Prune, Pruned, Sums, prune};
pub use chat::{Chat, Question, Structured};
pub use classifier::{Classifier, Found};
pub use crawl_core::{self, Row};
pub use fund::{Fund, Period};
pub use labelled::{Labelled, check_fields, find_id_field};
pub use ledger::{Books, Ledger};
pub use money::{Price, Prices, nano};
pub use reply::Reply;
pub use retry::reasons;
pub use row::{Origin, Votes, id_of, shown as shown_id};
pub use task::{
    Choice, Defence, Field, Filter, Form, Label, Labels, Model, Output, ResponseField, Rules, Task, TaskKind,
    Threshold, Words, is_hidden,
};
pub use usage::{Spent, Usage};
