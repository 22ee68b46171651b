//! What the steps of a run dropped, and what they could not have.

use std::collections::BTreeMap;
use std::path::Path;

use crawl_core::{Input, Result, SourceId, Stored};

/// So many messages of what is missing are told apart; the others are counted as one.
const MESSAGES: usize = 20;
const LONGEST: usize = 160;

/// A listing of a root.
#[derive(Debug)]
pub(crate) struct Step {
    /// The root's folder and the listing's name.
    pub(super) name: String,
    pub(super) records: u64,
    pub(super) dropped: BTreeMap<String, u64>,
    pub(super) missing: BTreeMap<String, u64>,
}

impl Step {
    /// All listings of a root.
    ///
    /// # Errors
    /// Those of [`Stored::open`], and of reading manifests.
    pub(crate) fn all(root: &Path) -> Result<Vec<Step>> {
        Stored::sources(root)?.iter().map(|id| Step::read(root, id)).collect()
    }

    fn read(root: &Path, id: &SourceId) -> Result<Self> {
        let folder = root.file_name().unwrap_or(root.as_os_str()).to_string_lossy();
        let input = Input::open(root, id)?;
        let mut step = Step {
            name: format!("{folder}: {id}"),
            records: input.records(),
            dropped: BTreeMap::new(),
            missing: BTreeMap::new(),
        };
        for stored in input.listings() {
            for line in stored.manifest()? {
                for (reason, count) in &line.dropped {
                    *step.dropped.entry(reason.clone()).or_default() += count;
                }
                if line.missing > 0 {
                    stored
                        .missing(line.number)?
                        .iter()
                        .for_each(|missing| step.note(&missing.kind, &missing.message));
                }
            }
        }
        Ok(step)
    }

    fn note(&mut self, kind: &str, message: &str) {
        let message: String = format!("{kind}: {message}").chars().take(LONGEST).collect();
        let known = self.missing.len() < MESSAGES || self.missing.contains_key(&message);
        *self.missing.entry(if known { message } else { "other reasons".to_owned() }).or_default() += 1;
    }
}
