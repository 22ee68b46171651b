//! The response cache: journals of every answer that was paid for, a line each, appended the moment it arrives.
//!
//! The journals are the truth: one for each process that uses the cache at a time, and all are read by all. Beside them lies
//! one index of all, so that memory does not grow with the number of answers; where it lags behind or is broken, it is mended
//! from the journals. What each process asks now lies there too, so that no other asks it meanwhile.

mod batched;
mod claims;
mod index;
mod part;
mod tend;

use std::collections::HashSet;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crawl_core::{Error, Result, Timestamp};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use crate::reply::Reply;
use batched::Batched;
use claims::Claims;
use index::{Index, Place};
use part::{Part, Watch, folder, there};
pub use tend::{History, Prune, Pruned, Sums, prune};

/// How long an answer may wait to be safe from a power cut. A killed process loses nothing that was written.
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// The SHA-256 of an address and a request body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key([u8; 32]);

impl Key {
    pub(crate) fn new(digest: [u8; 32]) -> Self {
        Key(digest)
    }

    /// The key of a vote; the first has the key of the question.
    pub(crate) fn vote(self, vote: u32) -> Self {
        if vote <= 1 {
            return self;
        }
        use sha2::{Digest, Sha256};
        let digest =
            Sha256::new().chain_update(self.0).chain_update(b"vote").chain_update(vote.to_be_bytes());
        Key(digest.finalize().into())
    }

    /// What the index holds: half of it. The whole is compared with the line.
    fn short(self) -> u128 {
        let mut half = [0; 16];
        half.copy_from_slice(&self.0[..16]);
        u128::from_be_bytes(half)
    }

    pub(crate) fn hex(self) -> String {
        HEXLOWER.encode(&self.0)
    }

    /// The key of its hex.
    pub(crate) fn from_hex(text: &str) -> Option<Self> {
        let mut key = [0; 32];
        let fits = HEXLOWER.decode_len(text.len()) == Ok(key.len());
        (fits && HEXLOWER.decode_mut(text.as_bytes(), &mut key).is_ok()).then_some(Key(key))
    }
}

/// A line of the journal. Lines are for people too: `jq` reads them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// The SHA-256 of the address and the request body, in hex.
    pub key: String,
    /// When the answer was whole.
    pub at: Timestamp,
    /// The address that was asked.
    pub endpoint: String,
    /// The model that was asked.
    pub model: String,
    /// The task.
    pub task: String,
    /// The digest of all that was said beside the record.
    pub prompt: String,
    /// The parameters of the model.
    pub parameters: serde_json::Map<String, serde_json::Value>,
    /// The record's id.
    pub record: String,
    /// 1, or 2 for the answer after the model was shown its error.
    pub round: u8,
    /// How long it took from sending to the whole body, with all waits and tries.
    pub latency_ms: u64,
    /// What it cost; `null` if the price was not known when it was paid, or the endpoint did not count.
    #[serde(default)]
    pub cost_usd: Option<f64>,
    /// The most that it can have cost, where the endpoint did not count: so much was booked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presumed_usd: Option<f64>,
    /// What was said.
    #[serde(flatten)]
    pub reply: Reply,
}

/// What was found when the journal was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// Different questions with an answer.
    pub answers: u64,
    /// Bytes of a torn last line, which were cut off.
    pub torn_bytes: u64,
    /// Lines that are none of ours, of those that were not in the index yet; they stay where they are.
    pub unreadable: u64,
}

/// The journals, open for one process.
#[derive(Debug)]
pub struct Cache {
    base: PathBuf,
    path: PathBuf,
    opened: Opened,
    syncing: Arc<File>,
    journals: Mutex<Journals>,
}

#[derive(Debug)]
struct Journals {
    /// The first one is ours.
    parts: Vec<Part>,
    index: Index,
    claims: Claims,
    batched: Batched,
    watch: Watch,
    synced_at: Instant,
}

impl Journals {
    /// Where the answer to a question lies, also if a process whose journal is known has kept it a moment ago.
    fn find(&mut self, key: Key) -> Result<Option<Place>> {
        if let Some(place) = self.index.get(key.short())? {
            return Ok(Some(place));
        }
        let mut more = false;
        for at in 1..self.parts.len() {
            if self.parts[at].length()? > self.parts[at].end {
                self.index.read(&mut self.parts, at)?;
                more = true;
            }
        }
        if more { self.index.get(key.short()) } else { Ok(None) }
    }

    /// Finds the journals that have come, and those that have new ones in their place since `prune`.
    fn look(&mut self, base: &Path) -> Result<()> {
        if !self.watch.has_changed(folder(base)) {
            return Ok(());
        }
        self.batched.seek();
        let (mut at, mut gone) = (0, Vec::new());
        self.parts.retain(|part| {
            at += 1;
            let stays = at == 1 || part.is_in_place();
            gone.extend((!stays).then_some(part.number));
            stays
        });
        for number in there(base)? {
            if !self.parts.iter().any(|part| part.number == number)
                && let Some(part) = Part::other(base, number)?
            {
                self.parts.push(Part { anew: gone.contains(&number), ..part });
                let last = self.parts.len() - 1;
                self.index.read(&mut self.parts, last)?;
            }
        }
        Ok(())
    }

    /// Claims a question; `None` if another process that lives has claimed it.
    fn claim(&mut self, base: &Path, key: Key) -> Result<Option<usize>> {
        let place = self.claims.put(key.short())?;
        let others = self.look(base).and_then(|()| {
            self.batched.refuse(key.short())?;
            self.others_ask(|asked| asked == key.short())
        });
        let claimed = others.as_ref().map_or(true, |asked| !asked.is_empty());
        if claimed {
            self.claims.free(place);
        }
        others.map(|_| (!claimed).then_some(place))
    }

    /// Such of the questions that other processes ask now.
    fn others_ask(&self, such: impl Fn(u128) -> bool) -> Result<Vec<u128>> {
        let mut asked = Vec::new();
        for part in &self.parts[1..] {
            let mut claims = claims::claimed(&part.path)?;
            claims.retain(|key| such(*key));
            if !claims.is_empty() && part.is_written()? {
                asked.extend(claims);
            }
        }
        Ok(asked)
    }
}

/// The right to ask a question, which no other process has meanwhile.
#[derive(Debug)]
pub(crate) struct Claim<'a> {
    cache: &'a Cache,
    place: usize,
    /// Whether nobody else has kept or asked anything here so far.
    pub(crate) alone: bool,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.cache.lock().claims.free(self.place);
    }
}

impl Cache {
    /// Opens the cache at `path`, a `.jsonl` file or a folder for `answers.jsonl`; makes it if it is not there. Where
    /// other processes use it, this one's answers go into a journal of their own beside theirs.
    ///
    /// # Errors
    /// [`Kind::Storage`] if it cannot be read or made.
    ///
    /// [`Kind::Storage`]: crawl_core::Kind::Storage
    pub fn open(path: &Path) -> Result<Self> {
        let base = file_of(path);
        let failed = |cause| Error::io("cannot open the response cache", &base, cause);
        if let Some(folder) = base.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let own = Part::own(&base)?;
        let (path, syncing) = (own.path.clone(), Arc::new(own.file.try_clone().map_err(failed)?));
        let claims = Claims::of(&path);
        let mut batched = Batched::of(&base);
        batched.seek();
        let mut watch = Watch::new();
        watch.has_changed(folder(&base));
        let others = there(&base)?.into_iter().filter(|number| *number != own.number);
        let others: Vec<Option<Part>> =
            others.map(|number| Part::other(&base, number)).collect::<Result<_>>()?;
        let mut parts = vec![own];
        parts.extend(others.into_iter().flatten());
        let (index, opened) = Index::open(&base, &mut parts)?;
        let synced_at = Instant::now();
        let journals = Mutex::new(Journals { parts, index, claims, batched, watch, synced_at });
        Ok(Cache { base, path, opened, syncing, journals })
    }

    /// The journal of this process.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What lies beside the cache, whichever process uses it.
    pub(crate) fn beside(&self, ending: &str) -> PathBuf {
        self.base.with_extension(ending)
    }

    /// What was found when it was opened.
    pub fn opened(&self) -> Opened {
        self.opened
    }

    /// How many different questions have an answer.
    ///
    /// # Errors
    /// [`Kind::Storage`](crawl_core::Kind::Storage) if the index cannot be brought up to the journals.
    pub fn answers(&self) -> Result<u64> {
        let Journals { parts, index, .. } = &mut *self.lock();
        index.answers(parts)
    }

    /// Whether a question has an answer, by the index alone, and by the journals that are known.
    pub(crate) fn has(&self, key: Key) -> Result<bool> {
        Ok(self.lock().find(key)?.is_some())
    }

    /// The answer to a question. A process that has come meanwhile is known once a question was claimed.
    pub(crate) fn get(&self, key: Key) -> Result<Option<Kept>> {
        let mut journals = self.lock();
        let Some(place) = journals.find(key)? else { return Ok(None) };
        let part = journals.parts.iter_mut().find(|part| part.number == place.part);
        let line = part.map(|part| part.line(place.start, place.length)).transpose()?;
        let Some(line) = line.flatten() else { return Ok(None) };
        drop(journals);
        let kept: Option<Kept> = serde_json::from_slice(&line).ok();
        Ok(kept.filter(|kept| kept.key == key.hex()))
    }

    /// The right to ask a question; `None` as long as another process has it. What that one was answered is found once the
    /// right is had. Nobody has it while the question is out in a batch: that is an error.
    pub(crate) fn claim(&self, key: Key) -> Result<Option<Claim<'_>>> {
        let mut journals = self.lock();
        let place = journals.claim(&self.base, key)?;
        let alone = journals.parts.len() == 1;
        Ok(place.map(|place| Claim { cache: self, place, alone }))
    }

    /// Which of these questions other processes ask now, or have been answered.
    pub(crate) fn taken(&self, keys: impl Iterator<Item = Key>) -> Result<HashSet<Key>> {
        let mut journals = self.lock();
        journals.look(&self.base)?;
        // In this order: what was answered in between is not asked any more, and found then.
        let asked: HashSet<u128> = journals.others_ask(|key| key != 0)?.into_iter().collect();
        let mut taken = HashSet::new();
        for key in keys {
            if asked.contains(&key.short()) || journals.find(key)?.is_some() {
                taken.insert(key);
            }
        }
        Ok(taken)
    }

    /// Keeps an answer with one write, and tells whether a [`Cache::sync`] is due.
    pub(crate) fn keep(&self, key: Key, kept: &Kept) -> Result<bool> {
        let failed = |cause| Error::io("cannot write the response cache", &self.path, cause);
        let mut line = Vec::with_capacity(1024);
        serde_json::to_writer(&mut line, kept).map_err(|cause| failed(cause.into()))?;
        line.push(b'\n');
        let mut journals = self.lock();
        let Journals { parts, index, .. } = &mut *journals;
        let own = &mut parts[0];
        if let Err(cause) = own.file.write_all(&line) {
            // Half a line must not stand before the next one.
            let _ = own.file.set_len(own.end);
            return Err(failed(cause));
        }
        let length = u32::try_from(line.len()).unwrap_or(0);
        let at = kept.at.as_microsecond();
        let place = Place { part: own.number, start: own.end, length, at };
        own.end += line.len() as u64;
        index.put(key.short(), place, parts)?;
        let due = journals.synced_at.elapsed() >= SYNC_EVERY;
        if due {
            journals.synced_at = Instant::now();
        }
        Ok(due)
    }

    /// Makes what was written safe from a power cut. Blocks.
    pub(crate) fn sync(&self) -> Result<()> {
        self.syncing
            .sync_data()
            .map_err(|cause| Error::io("cannot sync the response cache", &self.path, cause))
    }

    /// The file, for a sync that nobody waits for.
    pub(crate) fn syncing(&self) -> Arc<File> {
        self.syncing.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Journals> {
        self.journals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        // What is not in the index is found in the journals at the next start.
        let Journals { parts, index, claims, .. } = &mut *self.lock();
        let _ = index.flush(parts);
        claims.tidy();
        parts[0].tidy();
    }
}

impl Kept {
    /// The hex of a key, as lines have it.
    pub(crate) fn key(key: Key) -> String {
        key.hex()
    }
}

/// The journal that a path names: a `.jsonl` file, or `answers.jsonl` in a folder.
pub(crate) fn file_of(path: &Path) -> PathBuf {
    let is_file = path.extension().is_some_and(|extension| extension == "jsonl") && !path.is_dir();
    if is_file { path.to_owned() } else { path.join("answers.jsonl") }
}
