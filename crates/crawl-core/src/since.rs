//! What an earlier root has already: items whose version has not changed are not fetched again.

use std::collections::HashMap;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::{Error, Input, Kind, Record, Result, SourceId, Stored};

/// The items that an earlier root keeps, each with the version that it has there: 16 bytes an item and 16 a version.
#[derive(Clone, Debug)]
pub struct Since {
    versions: HashMap<[u8; 16], [u8; 16]>,
    root: String,
}

impl Since {
    /// Reads the records of `name` below `root`, those of its rounds too; `read` gives a record's id and its
    /// version, where it has both.
    ///
    /// # Errors
    /// [`Kind::Config`] if there is no such listing, or its pages are no longer there; those of reading it.
    pub fn read(root: &Path, name: &str, read: impl Fn(&Record) -> Option<(String, String)>) -> Result<Self> {
        let input = Input::of(Stored::open(root, &SourceId::new(name)?)?)?;
        if input.pages() == 0 {
            return Err(Error::new(Kind::Config, "the earlier root holds nothing to compare with")
                .at(root.display().to_string())
                .advise("name the folder of an earlier run that has pages"));
        }
        let mut versions = HashMap::new();
        for page in 1..=input.pages() {
            let records = input.page(page)?;
            versions
                .extend(records.iter().filter_map(&read).map(|(id, version)| (short(&id), short(&version))));
        }
        Ok(Since { versions, root: root.display().to_string() })
    }

    /// With what a later root has: of an item that both have, its version counts.
    pub fn and(mut self, later: Since) -> Self {
        self.versions.extend(later.versions);
        self.root = format!("{},{}", self.root, later.root);
        self
    }

    /// Whether the earlier root has this version of the item.
    pub fn has(&self, id: &str, version: &str) -> bool {
        self.versions.get(&short(id)) == Some(&short(version))
    }

    /// The earlier root, for the settings.
    pub fn root(&self) -> &str {
        &self.root
    }
}

fn short(text: &str) -> [u8; 16] {
    let hash = Sha256::digest(text.as_bytes());
    std::array::from_fn(|at| hash[at])
}
