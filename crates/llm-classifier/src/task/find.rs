//! Finds task files in folders.

use std::path::{Path, PathBuf};

use crawl_core::{Error, Kind, Result};

use super::Task;

impl Task {
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
        let name = |path: &PathBuf| path.file_stem()?.to_str().map(str::to_owned);
        let names: Vec<_> = Task::files(folders)?.iter().filter_map(name).collect();
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
            files.extend(entries.flatten().map(|entry| entry.path()).filter(|path| is_toml(path)));
        }
        files.sort();
        Ok(files)
    }
}

fn is_toml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "toml")
}
