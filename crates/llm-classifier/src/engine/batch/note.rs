//! Notes: where each batch stands, in files that outlive the process.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use crawl_core::{Error, Kind, Result, Staged};
use serde::{Deserialize, Serialize};

use super::Line;
use crate::ask::chat::Question;
use crate::cache::{Kept, Key};
use crate::money::fund::Booking;
use crate::money::tokens::tokens_of;

/// How far a batch has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Stage {
    /// Its file is written here.
    Ready,
    /// Its file is at the provider.
    Uploaded,
    /// It was handed in.
    Out,
}

/// One batch: `NAME.json`, with `NAME.input.jsonl` for the provider and `NAME.records.jsonl` for us.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Note {
    pub(super) name: String,
    pub(super) stage: Stage,
    pub(super) requests: u64,
    pub(super) file: Option<String>,
    pub(super) batch: Option<String>,
    /// The most that its questions can cost, in billionths of a dollar.
    #[serde(default)]
    pub(super) at_most: u64,
    /// Where that is booked, if runs share a budget.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) booking: Option<Booking>,
    /// Whether it was told that it waits.
    #[serde(skip)]
    pub(super) told_queued: bool,
    /// It has no more tokens than this, as far as that was looked at.
    #[serde(skip)]
    most_tokens: Option<u64>,
    #[serde(skip)]
    folder: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Asked {
    key: String,
    record: String,
    round: u8,
    #[serde(default)]
    at_most: u64,
}

impl Note {
    /// The batches that have not come back, oldest first.
    pub(super) fn open_ones(folder: &Path) -> Result<Vec<Self>> {
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        let entries =
            std::fs::read_dir(folder).map_err(|cause| Error::io("cannot read the notes", folder, cause))?;
        let mut notes = Vec::new();
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.extension().is_some_and(|extension| extension == "json") {
                let bytes = read(&path)?;
                let note: Note = serde_json::from_slice(&bytes).map_err(|cause| {
                    Error::new(Kind::Storage, "a note of a batch cannot be read")
                        .at(path.display().to_string())
                        .because(cause)
                })?;
                notes.push(Note { folder: folder.to_owned(), ..note });
            }
        }
        notes.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(notes)
    }

    /// Writes a new batch down; nothing is sent.
    pub(super) fn write(folder: &Path, lines: &[Line], booking: Option<Booking>) -> Result<Self> {
        std::fs::create_dir_all(folder)
            .map_err(|cause| Error::io("cannot make the folder", folder, cause))?;
        let name = name_at(crawl_core::Timestamp::now());
        let (folder, requests) = (folder.to_owned(), lines.len() as u64);
        let at_most = lines.iter().map(|line| line.at_most).sum();
        let (file, batch, told_queued) = (None, None, false);
        let (stage, most_tokens) = (Stage::Ready, None);
        let note =
            Note { name, stage, requests, file, batch, at_most, booking, told_queued, most_tokens, folder };
        let mut records = Vec::new();
        for line in lines {
            let (key, record) = (line.key.hex(), line.record.clone());
            let asked = Asked { key, record, round: line.round, at_most: line.at_most };
            records.extend(serde_json::to_vec(&asked).unwrap_or_default());
            records.push(b'\n');
        }
        Staged::put(&note.place("records.jsonl"), &records)?;
        let input: Vec<&[u8]> = lines.iter().map(|line| line.text.as_slice()).collect();
        Staged::put(&note.place("input.jsonl"), &input.concat())?;
        note.save()?;
        Ok(note)
    }

    /// The file for the provider.
    pub(super) fn input(&self) -> Result<Bytes> {
        read(&self.place("input.jsonl")).map(Bytes::from)
    }

    /// What was asked, by key: the question, the record's id, the round and the most that it can cost.
    pub(super) fn records(&self) -> Result<HashMap<String, (Question, String, u8, u64)>> {
        let bytes = read(&self.place("records.jsonl"))?;
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let asked = lines.filter_map(|line| serde_json::from_slice::<Asked>(line).ok());
        Ok(asked
            .filter_map(|asked| {
                let question = Question {
                    key: Key::from_hex(&asked.key)?,
                    body: Bytes::new(),
                    about: String::new(),
                    cuts: 0,
                };
                Some((asked.key, (question, asked.record, asked.round, asked.at_most)))
            })
            .collect())
    }

    /// How many of its requests have no more tokens than `limit` together; `None` if all of them.
    pub(super) fn fitting(&mut self, limit: u64, model: &str) -> Result<Option<usize>> {
        if self.most_tokens.is_some_and(|most| most <= limit) {
            return Ok(None);
        }
        let mut tokens = 0;
        for (number, line) in self.input()?.split(|byte| *byte == b'\n').enumerate() {
            let line = serde_json::from_slice::<serde_json::Value>(line).unwrap_or_default();
            let messages = line["body"]["messages"].as_array().into_iter().flatten();
            let texts = messages.filter_map(|message| message["content"].as_str());
            tokens += texts.map(|text| tokens_of(text, model)).sum::<u64>();
            if tokens > limit {
                return Ok(Some(number));
            }
        }
        self.most_tokens = Some(limit);
        Ok(None)
    }

    /// Whether an answer was kept after this batch was written down.
    pub(super) fn is_older_than(&self, kept: &Kept) -> bool {
        name_at(kept.at) >= self.name
    }

    /// The money is booked there.
    pub(super) fn is_booked(&mut self, booking: Option<Booking>) -> Result<()> {
        if self.booking == booking {
            return Ok(());
        }
        self.booking = booking;
        self.save()
    }

    pub(super) fn moves_to(&mut self, stage: Stage) -> Result<()> {
        self.stage = stage;
        self.save()
    }

    /// Its results are in the cache.
    pub(super) fn ended(&self) -> Result<()> {
        for ending in ["json", "input.jsonl", "records.jsonl"] {
            let path = self.place(ending);
            std::fs::remove_file(&path).map_err(|cause| Error::io("cannot remove", &path, cause))?;
        }
        Ok(())
    }

    fn save(&self) -> Result<()> {
        Staged::put(&self.place("json"), &serde_json::to_vec(self).unwrap_or_default())
    }

    fn place(&self, ending: &str) -> PathBuf {
        self.folder.join(format!("{}.{ending}", self.name))
    }
}

/// Names are in the order of time.
fn name_at(time: crawl_core::Timestamp) -> String {
    time.strftime("%Y%m%d-%H%M%S-%9f").to_string()
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|cause| Error::io("cannot read the notes of a batch", path, cause))
}
