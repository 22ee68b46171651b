//! Classifies records with a language model under task files, and keeps every paid answer.
//!
//! A [`Task`] is a file: labels, prompt, fields. A [`Chat`] is an endpoint under that task. The [`Cache`] keeps
//! every answer the moment it arrives. A [`Classifier`] joins the three; [`Labelled`] is its map: the records of
//! a stored listing with the answers added, and what could not be answered as missing.
//!
//! The rooms lie in layers, each on those before it: `reply/` is what a model said, `task/` what is asked and which answers
//! there are, `money/` what it costs, `cache/` what was answered, `ask/` the way to a model, `engine/` who answers, and `run/`
//! the way from a listing or a pipe to rows.

mod ask;
mod cache;
mod engine;
mod money;
mod reply;
mod run;
mod task;

pub use ask::{Chat, Origin, Question, Structured, Votes};
pub use cache::{Cache, History, Kept, Opened, Prune, Pruned, Sums, prune};
pub use crawl_core::{self, Row};
pub use engine::{Classifier, Found, batch, head, rules};
pub use money::{Books, Fund, Ledger, Period, Price, Prices, Spent, Usage, litellm, nano};
pub use reply::Reply;
#[cfg(feature = "cli")]
pub use run::{Asking, Folders};
pub use run::{Labelled, check_fields, find_id_field, lines, plan, reasons, rejected_root};
pub use task::{
    Answer, Answers, Choice, Defence, Field, Filter, Form, Label, Labels, Model, Output, ResponseField,
    Rules, Task, TaskKind, Threshold, Verdict, Words, id_of, is_hidden, shown_id,
};
