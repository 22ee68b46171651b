//! The history: which datasets earlier runs have had, by owner and name.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::Path;

use crawl_core::json::Raw;
use crawl_core::{Error, Input, Kind, Result, SourceId};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::Repos;

/// Owners and names of datasets, kept as 128 bits of their SHA-256: 1.5 million need about 50 MB.
#[derive(Clone, Debug, Default)]
pub struct History {
    seen: HashSet<u128>,
    digest: String,
}

/// A line of the history file, as the seed system writes it.
#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    author: Option<&'a str>,
    /// Owner and name, where the name holds a slash itself: else it would be read as the owner's.
    #[serde(skip_serializing_if = "Option::is_none")]
    repo_id: Option<String>,
}

impl History {
    /// Reads a history file: a line a dataset, `{"id":"name","author":"owner"}`. A file that is not there is
    /// an empty history.
    ///
    /// # Errors
    /// [`Kind::Config`] for a line that is none, with its number; [`Kind::Storage`] if it cannot be read.
    pub fn read(path: &Path) -> Result<Self> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(History::default()),
            Err(cause) => return Err(Error::io("cannot read the history", path, cause)),
        };
        let mut history = History::default();
        let mut whole = Sha256::new();
        let mut reader = BufReader::new(file);
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            if reader
                .read_until(b'\n', &mut line)
                .map_err(|cause| Error::io("cannot read the history", path, cause))?
                == 0
            {
                break;
            }
            if line.last() != Some(&b'\n') && key_of(&line).is_none() {
                tracing::warn!(path = %path.display(), number, "the last line is cut (a crash while it was written); left out");
                break;
            }
            whole.update(&line);
            let key = key_of(&line).ok_or_else(|| {
                Error::new(Kind::Config, "not a line of a history")
                    .at(format!("{}:{number}", path.display()))
                    .advise("each line is {\"id\":\"name\",\"author\":\"owner\"}")
            })?;
            history.seen.insert(key);
        }
        // The first 64 bits are enough to tell that it has changed.
        history.digest = data_encoding::HEXLOWER.encode(&whole.finalize()[..8]);
        Ok(history)
    }

    /// Whether a dataset was had before.
    pub fn has(&self, owner: Option<&str>, name: &str) -> bool {
        !self.seen.is_empty() && self.seen.contains(&key(owner, name))
    }

    /// How many datasets it holds.
    pub fn len(&self) -> usize {
        self.seen.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    /// A digest of the file, for the settings of a run.
    pub(crate) fn digest(&self) -> &str {
        &self.digest
    }

    /// Adds the kept records of a finished listing to the history file. Gives how many were new and how many
    /// were there already; what is missing from the listing is not added.
    ///
    /// # Errors
    /// [`Kind::Config`] if the listing has not ended or is of models; [`Kind::Storage`] if a file cannot be read or written.
    pub fn add(path: &Path, root: &Path, id: &SourceId) -> Result<(u64, u64)> {
        if id.as_str().split('/').take(2).eq(Repos::Models.listing().split('/')) {
            let what = "a history is of datasets, and this is a listing of models";
            return Err(Error::new(Kind::Config, what)
                .at(root.display().to_string())
                .advise("datasets with the name of a model would be left out: name a run of datasets"));
        }
        let input = Input::open(root, id)?;
        if !input.ended() {
            return Err(Error::new(Kind::Config, "this listing has not ended")
                .at(root.display().to_string())
                .advise("finish it first: datasets of a half-done run would be left out of the next one"));
        }
        let failed = |cause| Error::io("cannot write the history", path, cause);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .map_err(|cause| Error::io("cannot make the folder", folder, cause))?;
        }
        let mut file =
            File::options().create(true).truncate(false).read(true).write(true).open(path).map_err(failed)?;
        if matches!(file.try_lock(), Err(std::fs::TryLockError::WouldBlock)) {
            return Err(Error::new(Kind::Config, "another process is adding to this history")
                .at(path.display().to_string())
                .advise("wait for it, then run the same command again"));
        }
        let mut history = History::read(path)?;
        mend_last_line(&mut file).map_err(failed)?;
        let (mut new, mut known) = (0, 0);
        for number in 1..=input.pages() {
            let mut lines = Vec::new();
            for record in input.page(number)? {
                let Some((owner, name)) = owner_and_name(record.raw()) else { continue };
                if history.seen.insert(key(owner.as_deref(), &name)) {
                    new += 1;
                    let repo_id = name
                        .contains('/')
                        .then(|| format!("{}/{name}", owner.as_deref().unwrap_or_default()));
                    let line = Line { id: &name, author: owner.as_deref(), repo_id };
                    serde_json::to_writer(&mut lines, &line).map_err(|cause| failed(cause.into()))?;
                    lines.push(b'\n');
                } else {
                    known += 1;
                }
            }
            file.write_all(&lines).map_err(failed)?;
        }
        file.sync_all().map_err(failed)?;
        Ok((new, known))
    }
}

/// Goes behind the last whole line: cuts off what a crash left of one, ends one that only lacks its line break.
fn mend_last_line(file: &mut File) -> std::io::Result<()> {
    let mut reader = BufReader::new(&mut *file);
    let (mut end, mut line) = (0, Vec::new());
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line)?;
        if read == 0 {
            break;
        }
        if line.last() != Some(&b'\n') {
            if key_of(&line).is_some() {
                file.seek(SeekFrom::End(0))?;
                return file.write_all(b"\n");
            }
            break;
        }
        end += read as u64;
    }
    file.set_len(end)?;
    file.seek(SeekFrom::Start(end)).map(|_| ())
}

/// Owner and name of a record: of `repo_id` where there is one (processed rows), else of `author` and `id`.
fn owner_and_name(raw: Raw<'_>) -> Option<(Option<String>, String)> {
    let text = |name: &str| raw.get(name).and_then(|raw| raw.str());
    let full = text("repo_id").or_else(|| text("id"))?;
    Some(match full.split_once('/') {
        Some((owner, name)) => (Some(owner.to_owned()), name.to_owned()),
        None => (text("author").map(|owner| owner.into_owned()), full.into_owned()),
    })
}

fn key_of(line: &[u8]) -> Option<u128> {
    let raw = Raw::parse(line.trim_ascii()).ok()?;
    let (owner, name) = owner_and_name(raw)?;
    Some(key(owner.as_deref(), &name))
}

fn key(owner: Option<&str>, name: &str) -> u128 {
    let mut hash = Sha256::new();
    hash.update(owner.unwrap_or_default());
    hash.update([0]);
    hash.update(name);
    let digest = hash.finalize();
    u128::from_le_bytes(std::array::from_fn(|index| digest[index]))
}
