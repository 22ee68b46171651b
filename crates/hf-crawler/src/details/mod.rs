//! What a listing does not tell of chosen repositories: their files, their `config.json`, their cards.

mod choice;
mod file;
mod headers;
mod ids;
mod map;
mod plan;
mod tree;

pub use choice::{Choice, Chosen};
pub use map::{Details, version};
pub use plan::Plan;

use crawl_core::{Error, Kind, Result, Settings};

use crate::Repos;

/// One thing that is asked for of each repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// `config.json`, word for word; only of models.
    Config,
    /// Path, size and hashes of all files.
    Files,
    /// The text of `README.md`.
    Card,
    /// What the headers of safetensors and GGUF files tell; only of models.
    Headers,
}

impl Part {
    /// All of them.
    pub const ALL: [Part; 4] = [Part::Config, Part::Files, Part::Card, Part::Headers];

    /// Its name on the command line and in settings.
    pub fn name(self) -> &'static str {
        match self {
            Part::Config => "config",
            Part::Files => "files",
            Part::Card => "card",
            Part::Headers => "headers",
        }
    }
}

/// What is asked for of each repository: at least one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    parts: Vec<Part>,
    all_gguf: bool,
}

impl Parts {
    /// These, of such repositories.
    ///
    /// # Errors
    /// [`Kind::Config`] if there are none, or if such repositories do not have them.
    pub fn new(mut parts: Vec<Part>, repos: Repos) -> Result<Self> {
        parts.sort_unstable();
        parts.dedup();
        if parts.is_empty() {
            let what = "nothing is asked for of each repository";
            return Err(
                Error::new(Kind::Config, what).advise("give --details, such as --details config,files")
            );
        }
        if repos == Repos::Datasets
            && let Some(odd) = parts.iter().find(|part| !matches!(part, Part::Files | Part::Card))
        {
            let what = format!("datasets have no {}", odd.name());
            return Err(Error::new(Kind::Config, what).advise("of datasets there are files and card"));
        }
        Ok(Parts { parts, all_gguf: false })
    }

    /// With the headers of all GGUF files, not of the one that stands for the model alone.
    pub fn with_all_gguf(self, all_gguf: bool) -> Self {
        Parts { all_gguf, ..self }
    }

    /// Whether the headers of all GGUF files are asked for.
    pub fn all_gguf(&self) -> bool {
        self.all_gguf
    }

    /// Whether it is asked for.
    pub fn has(&self, part: Part) -> bool {
        self.parts.contains(&part)
    }

    /// Whether the list of files is asked for: headers are read of files that are known.
    pub(super) fn asks_tree(&self) -> bool {
        self.has(Part::Files) || self.has(Part::Headers)
    }

    /// Whether all of `others` are asked for too.
    pub fn cover(&self, others: &Parts) -> bool {
        others.parts.iter().all(|part| self.has(*part)) && (self.all_gguf || !others.all_gguf)
    }

    /// Whether anything is read that the Hub may count as a download.
    pub fn read_files(&self) -> bool {
        self.parts.iter().any(|part| *part != Part::Files)
    }

    /// Their names, as `config,files`.
    pub fn names(&self) -> String {
        self.parts.iter().map(|part| part.name()).collect::<Vec<_>>().join(",")
    }

    /// What a root was asked for, by its settings; `None` if they do not tell.
    pub fn of_settings(settings: &Settings) -> Option<Self> {
        let part = |name: &str| Part::ALL.into_iter().find(|part| part.name() == name);
        let parts = settings.get("details")?.split(',').map(part).collect::<Option<Vec<_>>>()?;
        Some(Parts { parts, all_gguf: settings.get("gguf") == Some("all") })
    }
}
