//! Where task files lie.

use std::path::PathBuf;

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Args};

use crate::task::Task;

/// Where task files lie.
#[derive(Args)]
pub struct Folders {
    /// A folder of task files; several if wanted [default: configs/tasks and configs/domains]
    #[arg(long, value_name = "DIR")]
    tasks: Vec<PathBuf>,
}

impl Folders {
    fn all(&self) -> Vec<PathBuf> {
        match self.tasks.is_empty() {
            true => vec!["configs/tasks".into(), "configs/domains".into()],
            false => self.tasks.clone(),
        }
    }

    /// Every task file there is.
    pub fn files(&self) -> Result<Vec<PathBuf>> {
        Ok(Task::files(&self.all())?)
    }

    /// The task that a word names: a name in the folders, or the path of a file.
    pub fn load(&self, task: &str) -> Result<Task> {
        Ok(Task::load(&Task::find(&self.all(), task)?)?)
    }
}
