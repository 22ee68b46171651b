//! Tasks: what to ask about a record, and which answers there are.

mod file;
mod template;

use std::path::{Path, PathBuf};

use crawl_core::{Error, Kind, Result};

pub(crate) use template::{Template, Values, quoted};

/// One task, as its file in `configs/tasks/` describes it.
#[derive(Clone, Debug)]
pub struct Task {
    /// The name; the file has the same.
    pub name: String,
    /// One sentence for `list`.
    pub about: String,
    /// What kind of answer it asks for.
    pub kind: TaskKind,
    /// The fields of the record that templates may name.
    pub fields: Vec<Field>,
    /// The parameters of the model.
    pub model: Model,
    pub(crate) system: Template,
    pub(crate) user: Template,
}

/// What kind of answer a task asks for.
#[derive(Clone, Debug)]
pub enum TaskKind {
    /// One or several labels of a closed set.
    Labels(Labels),
}

/// A closed set of labels.
#[derive(Clone, Debug)]
pub struct Labels {
    /// The labels, in the order of the file.
    pub labels: Vec<Label>,
    /// How many labels a record may have at most.
    pub most: usize,
    /// The place in `labels` of the label that says "not enough information"; it only ever stands alone.
    pub other: Option<usize>,
    /// The names of the members that are added to a record.
    pub output: Output,
}

/// One label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The number that is written beside the name.
    pub id: i64,
    /// The name, as the model must spell it.
    pub name: String,
    /// What belongs under it; shown to the model.
    pub description: String,
}

/// The names of the members that are added to a record.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The list of label names.
    pub names: String,
    /// The list of label numbers.
    pub ids: String,
    /// The model's reasoning.
    pub reasoning: String,
}

/// A field of the record that the model may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The name of the member.
    pub name: String,
    /// How many characters of it the model sees at most.
    pub limit: usize,
}

/// The parameters that are sent with every request.
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// The model, unless the command line names one.
    #[serde(default)]
    pub name: Option<String>,
    /// `temperature`; not sent if absent, for models that accept none.
    #[serde(default)]
    pub temperature: Option<f64>,
    /// `max_tokens`; not sent if absent.
    #[serde(default)]
    pub max_tokens: Option<u32>,
    /// More members of the request, word for word.
    #[serde(default)]
    pub extra: serde_json::Map<String, serde_json::Value>,
}

impl Task {
    /// Reads a task file.
    ///
    /// # Errors
    /// [`Kind::Config`] with file, line and key of what is wrong.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|cause| {
            Error::new(Kind::Config, "cannot read the task file")
                .at(path.display().to_string())
                .because(cause)
        })?;
        Task::parse(&text, path)
    }

    /// Reads the text of a task file; `path` is for errors.
    ///
    /// # Errors
    /// As [`Task::load`].
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        file::parse(text, path)
    }

    /// The file that `task` names: a path, or the name of a file in one of the folders.
    ///
    /// # Errors
    /// [`Kind::Config`] if there is none; the advice names what there is.
    pub fn find(folders: &[PathBuf], task: &str) -> Result<PathBuf> {
        let mut named = folders.iter().map(|folder| folder.join(format!("{task}.toml")));
        if !task.contains(['/', '\\'])
            && let Some(found) = named.find(|path| path.is_file())
        {
            return Ok(found);
        }
        let path = PathBuf::from(task);
        if path.is_file() {
            return Ok(path);
        }
        let names: Vec<_> = Task::files(folders)?
            .iter()
            .filter_map(|path| path.file_stem()?.to_str().map(str::to_owned))
            .collect();
        let found = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        let looked: Vec<_> = folders.iter().map(|folder| folder.display().to_string()).collect();
        Err(Error::new(Kind::Config, "no such task").at(task.to_owned()).advise(format!(
            "name a task file by its path, or one of the tasks in {} ({found})",
            looked.join(" and ")
        )))
    }

    /// The task files of folders, in order of name; a folder that is not there has none.
    ///
    /// # Errors
    /// [`Kind::Storage`] if a folder cannot be read.
    pub fn files(folders: &[PathBuf]) -> Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for folder in folders.iter().filter(|folder| folder.is_dir()) {
            let entries = std::fs::read_dir(folder)
                .map_err(|cause| Error::io("cannot read the folder", folder, cause))?;
            let toml = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "toml");
            files.extend(entries.flatten().map(|entry| entry.path()).filter(toml));
        }
        files.sort();
        Ok(files)
    }

    /// The fields that the two templates show to the model, by place in [`Task::fields`].
    pub(crate) fn shown(&self) -> Vec<usize> {
        let mut shown: Vec<_> = self.system.shown().chain(self.user.shown()).collect();
        shown.sort_unstable();
        shown.dedup();
        shown
    }
}
