//! `list`: a line a task.

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Args};
use crawl_cli::{Outcome, print};
use llm_classifier::Task;

use super::asking::Folders;

#[derive(Args)]
pub(crate) struct List {
    #[command(flatten)]
    folders: Folders,
}

/// A file that is wrong is told of, and the rest is listed all the same.
pub(crate) fn run(arguments: &List) -> Result<Outcome> {
    let mut wrong = None;
    for path in arguments.folders.files()? {
        match Task::load(&path) {
            Ok(task) => print(format!("{:<20} {}  ({})", task.name, task.about, path.display())),
            Err(error) => wrong = wrong.or(Some(error)),
        }
    }
    wrong.map_or(Ok(Outcome::Done), |error| Err(error.into()))
}
