//! The journal of multipart uploads: what a new process needs to go on with one.
//!
//! It is no proof of anything: each part in it is checked against the server's list and the local bytes.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crawl_core::{Error, Result, Staged};
use serde::{Deserialize, Serialize};

use crate::local::Stamp;

/// A line of the journal.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line {
    Mark(String),
    Begun(Upload),
    Part { upload: String, part: Part },
    Ended { upload: String },
}

/// An upload that was begun and has not ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Upload {
    pub(crate) upload: String,
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) file: PathBuf,
    pub(crate) stamp: Stamp,
    pub(crate) part_size: u64,
    pub(crate) checksums: bool,
    #[serde(default)]
    pub(crate) md5: bool,
    #[serde(default)]
    pub(crate) parts: BTreeMap<i32, Part>,
}

/// A part that the server has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) number: i32,
    pub(crate) size: u64,
    pub(crate) crc: u64,
    pub(crate) etag: Option<String>,
}

/// The file, and what it says.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    mark: String,
    state: Mutex<(File, BTreeMap<String, Upload>)>,
}

impl Journal {
    /// Opens or makes the file and writes it anew with what has not ended. Its owner holds the receipts' lock.
    ///
    /// # Errors
    /// [`crawl_core::Kind::Storage`] if it cannot be read or written.
    pub fn open(path: &Path) -> Result<Self> {
        let failed = |cause| Error::io("cannot open the journal", path, cause);
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(cause) => return Err(failed(cause)),
        };
        let (live, mark) = live(&text);
        let mark = mark.unwrap_or_else(|| format!("{:016x}", fastrand::u64(..)));
        let mut text = spell(&Line::Mark(mark.clone()));
        for upload in live.values() {
            text.push_str(&spell(&Line::Begun(upload.clone())));
        }
        Staged::put(path, text.as_bytes())?;
        let file = OpenOptions::new().append(true).open(path).map_err(failed)?;
        Ok(Journal { path: path.to_owned(), mark, state: Mutex::new((file, live)) })
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What tells these receipts from others in the bucket: the same in each run.
    pub(crate) fn mark(&self) -> &str {
        &self.mark
    }

    /// The upload of this file to this key, if one was begun.
    pub(crate) fn find(&self, bucket: &str, key: &str) -> Option<Upload> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.1.values().find(|upload| upload.bucket == bucket && upload.key == key).cloned()
    }

    pub(crate) fn begun(&self, upload: Upload) -> Result<()> {
        self.add(&Line::Begun(upload))
    }

    pub(crate) fn part(&self, upload: &str, part: Part) -> Result<()> {
        self.add(&Line::Part { upload: upload.to_owned(), part })
    }

    pub(crate) fn ended(&self, upload: &str) -> Result<()> {
        self.add(&Line::Ended { upload: upload.to_owned() })
    }

    /// The kernel keeps what is written when the process dies; a part that a power cut loses is sent again.
    fn add(&self, line: &Line) -> Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = |cause| Error::io("cannot write the journal", &self.path, cause);
        state.0.write_all(spell(line).as_bytes()).map_err(failed)?;
        apply(&mut state.1, line.clone());
        Ok(())
    }
}

fn spell(line: &Line) -> String {
    let mut text = serde_json::to_string(line).expect("our own types have string keys and no failing parts");
    text.push('\n');
    text
}

/// The uploads that have not ended, and the mark.
fn live(text: &str) -> (BTreeMap<String, Upload>, Option<String>) {
    let (mut live, mut mark) = (BTreeMap::new(), None);
    // A line that a crash cut short is no line; what it said is found out again.
    for line in text.lines().filter_map(|line| serde_json::from_str(line).ok()) {
        match line {
            Line::Mark(text) => mark = Some(text),
            line => apply(&mut live, line),
        }
    }
    (live, mark)
}

fn apply(live: &mut BTreeMap<String, Upload>, line: Line) {
    match line {
        Line::Begun(upload) => {
            live.insert(upload.upload.clone(), upload);
        }
        Line::Part { upload, part } => {
            if let Some(upload) = live.get_mut(&upload) {
                upload.parts.insert(part.number, part);
            }
        }
        Line::Ended { upload } => {
            live.remove(&upload);
        }
        Line::Mark(_) => {}
    }
}
