//! `list`: a line a task.

use std::path::Path;

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Args};
use crawl_cli::{Outcome, print};
use llm_classifier::{Task, TaskKind, rules};

use llm_classifier::Folders;

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
            Ok(task) => print(line(&task, &path)),
            Err(error) => wrong = wrong.or(Some(error)),
        }
    }
    wrong.map_or(Ok(Outcome::Done), |error| Err(error.into()))
}

fn line(task: &Task, path: &Path) -> String {
    let requires = task.requires.as_ref().map(|name| format!(", requires {name}")).unwrap_or_default();
    let kind = match task.kind {
        TaskKind::Labels(_) => "labels",
        TaskKind::Filter(_) => "filter",
    };
    let rules = if rules::has_words(task) { ", has rules" } else { "" };
    format!("{:<16} {kind:<7} {}  ({}{requires}{rules})", task.name, task.about, path.display())
}
