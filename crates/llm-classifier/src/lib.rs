//! Classifies records with a language model under task files, and keeps every paid answer.
//!
//! A [`Task`] is a file: labels, prompt, fields. A [`Chat`] is an endpoint under that task. The [`Cache`] keeps
//! every answer the moment it arrives. A [`Classifier`] joins the three; [`Labelled`] is its map: the records of
//! a stored listing with the answers added, and what could not be answered as missing.
//!
//! `task/` is what is asked, `ask/` the way to a model, `money/` what it costs, `engine/` who answers, `cache/` what was
//! answered, and `run/` the way from a listing or a pipe to rows.

mod ask;
mod cache;
mod engine;
mod money;
mod run;
mod task;

pub use ask::answer::{Answer, Answers, Verdict};
pub use ask::chat::{Chat, Question, Structured};
pub use ask::reply::Reply;
pub use ask::{Origin, Votes};
pub use cache::{Cache, History, Kept, Opened, Prune, Pruned, Sums, prune};
pub use crawl_core::{self, Row};
pub use engine::classifier::{Classifier, Found};
pub use engine::{batch, head, rules};
pub use money::{Books, Fund, Ledger, Period, Price, Prices, Spent, Usage, litellm, nano, plan};
#[cfg(feature = "cli")]
pub use run::{Asking, Folders};
pub use run::{Labelled, check_fields, find_id_field, lines, reasons, rejected_root};
pub use task::{
    Choice, Defence, Field, Filter, Form, Label, Labels, Model, Output, ResponseField, Rules, Task, TaskKind,
    Threshold, Words, id_of, is_hidden, shown_id,
};
