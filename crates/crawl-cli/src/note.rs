//! What a run leaves beside the lock of its listing, for `status`.

use crawl_core::{Stored, Timestamp};
use serde::{Deserialize, Serialize};

/// Who writes a listing, and how the last run ended.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Note {
    pub pid: u32,
    pub program: String,
    pub started_at: Option<Timestamp>,
    /// How many records are expected in all, where that is known.
    pub expects: Option<u64>,
    pub ended_at: Option<Timestamp>,
    pub last_error: Option<String>,
}

impl Note {
    pub(crate) fn begun(program: &str, expects: Option<u64>) -> Self {
        let started_at = Some(Timestamp::now());
        let (pid, program) = (std::process::id(), program.to_owned());
        Note { pid, program, started_at, expects, ..Note::default() }
    }

    pub(crate) fn end(&mut self, error: Option<String>) {
        (self.ended_at, self.last_error) = (Some(Timestamp::now()), error);
    }

    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What the last run of a listing left; nothing if there is none.
    pub(crate) fn of(stored: &Stored) -> Self {
        stored.note().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
    }
}
