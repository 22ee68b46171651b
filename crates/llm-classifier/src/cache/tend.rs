//! Tending a cache: sums by task and model, what recent answers were like, and leaving old ones out.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::Path;

use crawl_core::{Error, Kind, Result, Staged, Timestamp};
use serde::Serialize;

use super::part::{Part, place, there};
use super::{Cache, Kept, file_of};

/// So much of a journal's end tells what recent answers were like.
const RECENT: u64 = 8 << 20;

/// What recent answers to a prompt were like: means.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct History {
    /// How many answers it is made of.
    pub answers: u64,
    /// Tokens received.
    pub completion_tokens: f64,
    /// Milliseconds, waits included.
    pub latency_ms: f64,
    /// The share of answers that were second ones.
    pub second_rounds: f64,
}

/// Sums of one task, model and prompt.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Sums {
    /// Lines.
    pub answers: u64,
    /// Tokens sent.
    pub prompt_tokens: u64,
    /// Tokens received.
    pub completion_tokens: u64,
    /// Dollars, as far as prices were known.
    pub cost_usd: f64,
    /// Answers that the endpoint did not count; they are in the sum with the most that was possible.
    pub presumed: u64,
    /// Answers whose price was not known.
    pub unpriced: u64,
    /// Bytes of the lines.
    pub bytes: u64,
    /// The newest answer.
    pub newest: Option<Timestamp>,
}

/// What is left out of a journal.
#[derive(Clone, Debug, Default)]
pub struct Prune {
    /// Answers older than this.
    pub before: Option<Timestamp>,
    /// Answers of this task.
    pub task: Option<String>,
    /// Answers to this prompt.
    pub prompt: Option<String>,
    /// Answers of this model.
    pub model: Option<String>,
    /// Only count, change nothing.
    pub dry_run: bool,
}

/// What came of leaving answers out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Lines that stay.
    pub kept: u64,
    /// Lines that go.
    pub gone: u64,
    /// Bytes that go.
    pub bytes: u64,
    /// Journals of running processes: they stay as they are, and their answers are not counted.
    pub in_use: u64,
}

impl Cache {
    /// What recent answers to a prompt were like.
    pub(crate) fn recent(&self, prompt: &str, model: &str) -> Result<History> {
        let mut history = History::default();
        let mut second = 0u64;
        let mut hear = |_: &[u8], kept: Option<Kept>| {
            if let Some(kept) = kept.filter(|kept| kept.prompt == prompt && kept.model == model) {
                history.answers += 1;
                history.completion_tokens += kept.reply.completion_tokens.unwrap_or(0) as f64;
                history.latency_ms += kept.latency_ms as f64;
                second += u64::from(kept.round > 1);
            }
            Ok(())
        };
        for number in there(&self.base)? {
            let path = place(&self.base, number);
            let length = std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
            each_line(&path, length.saturating_sub(RECENT), &mut hear)?;
        }
        let count = history.answers.max(1) as f64;
        history.completion_tokens /= count;
        history.latency_ms /= count;
        history.second_rounds = second as f64 / count;
        Ok(history)
    }

    /// Sums by task, model and prompt of the cache at `path`, also while runs write it.
    ///
    /// # Errors
    /// [`Kind::Config`] if there is none; [`Kind::Storage`] if it cannot be read.
    pub fn sums(path: &Path) -> Result<BTreeMap<(String, String, String), Sums>> {
        let mut sums: BTreeMap<_, Sums> = BTreeMap::new();
        let mut hear = |line: &[u8], kept: Option<Kept>| {
            if let Some(kept) = kept {
                let sum = sums.entry((kept.task, kept.model, kept.prompt)).or_default();
                sum.answers += 1;
                sum.prompt_tokens += kept.reply.prompt_tokens.unwrap_or(0);
                sum.completion_tokens += kept.reply.completion_tokens.unwrap_or(0);
                sum.cost_usd += kept.cost_usd.or(kept.presumed_usd).unwrap_or(0.0);
                sum.presumed += u64::from(kept.cost_usd.is_none() && kept.presumed_usd.is_some());
                sum.unpriced += u64::from(kept.cost_usd.is_none() && kept.presumed_usd.is_none());
                sum.bytes += line.len() as u64;
                sum.newest = sum.newest.max(Some(kept.at));
            }
            Ok(())
        };
        let base = file_of(path);
        for number in journals(&base)? {
            each_line(&place(&base, number), 0, &mut hear)?;
        }
        Ok(sums)
    }
}

/// The numbers of the journals of a cache that is there.
fn journals(base: &Path) -> Result<Vec<u32>> {
    let numbers = if base.parent().is_none_or(Path::exists) { there(base)? } else { Vec::new() };
    match numbers.is_empty() {
        true => Err(Error::new(Kind::Config, "there is no cache")
            .at(base.display().to_string())
            .advise("name the .jsonl file or the folder that --cache named")),
        false => Ok(numbers),
    }
}

/// Leaves answers out of the cache at `path`. A new journal is whole before it takes the place of the old one; those of
/// running processes stay as they are.
///
/// # Errors
/// [`Kind::Config`] if there is no cache or nothing says what shall go; [`Kind::Storage`] if the disk refuses.
pub fn prune(path: &Path, what: &Prune) -> Result<Pruned> {
    if what.before.is_none() && what.task.is_none() && what.prompt.is_none() && what.model.is_none() {
        return Err(Error::new(Kind::Config, "nothing says which answers shall go")
            .advise("name them with --older-than, --task, --prompt or --model"));
    }
    let base = file_of(path);
    let mut pruned = Pruned::default();
    for number in journals(&base)? {
        match Part::locked(&base, number, false)? {
            Some(part) => leave_out(&part, what, &mut pruned)?,
            None => pruned.in_use += 1,
        }
    }
    Ok(pruned)
}

/// The journal stays locked until it has no name any more, so that no run that starts meanwhile writes into it.
fn leave_out(part: &Part, what: &Prune, pruned: &mut Pruned) -> Result<()> {
    let path = &part.path;
    let failed = |cause| Error::io("cannot write the response cache", path, cause);
    let mut new = match what.dry_run {
        true => None,
        false => Some(Staged::create(path)?),
    };
    each_line(path, 0, |line, kept| {
        if kept.is_some_and(|kept| what.takes(&kept)) {
            pruned.gone += 1;
            pruned.bytes += line.len() as u64;
            return Ok(());
        }
        // A last line without its end was never whole.
        if !line.ends_with(b"\n") {
            return Ok(());
        }
        pruned.kept += 1;
        new.as_mut().map_or(Ok(()), |new| new.write_all(line)).map_err(failed)
    })?;
    if let Some(new) = new {
        // Whoever opens the index next knows by the mark that it is another journal, and makes it anew.
        new.finish()?;
    }
    Ok(())
}

impl Prune {
    fn takes(&self, kept: &Kept) -> bool {
        self.before.is_none_or(|before| kept.at < before)
            && self.task.as_ref().is_none_or(|task| *task == kept.task)
            && self.prompt.as_ref().is_none_or(|prompt| *prompt == kept.prompt)
            && self.model.as_ref().is_none_or(|model| *model == kept.model)
    }
}

/// Reads the lines from `from` on, the first one perhaps not whole.
fn each_line(path: &Path, from: u64, mut hear: impl FnMut(&[u8], Option<Kept>) -> Result<()>) -> Result<()> {
    let failed = |cause| Error::io("cannot read the response cache", path, cause);
    let mut file = File::open(path).map_err(failed)?;
    file.seek(SeekFrom::Start(from)).map_err(failed)?;
    let mut lines = BufReader::with_capacity(1 << 20, file);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).map_err(failed)? > 0 {
        hear(&line, serde_json::from_slice(&line).ok())?;
        line.clear();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Key;

    fn kept(number: u64, task: &str) -> (Key, Kept) {
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&number.to_be_bytes());
        let key = Key::new(digest);
        let line = serde_json::json!({
            "key": Kept::key(key), "at": Timestamp::now(), "endpoint": "e", "model": "m", "task": task, "prompt": "p",
            "parameters": {}, "record": number.to_string(), "round": 1, "latency_ms": 1,
        });
        (key, serde_json::from_value(line).unwrap())
    }

    /// Whether a question has an answer, as whoever asks it finds out.
    fn has(cache: &Cache, number: u64) -> bool {
        let key = kept(number, "t").0;
        drop(cache.claim(key).unwrap());
        cache.get(key).unwrap().is_some()
    }

    #[test]
    fn prune_loses_no_answer_of_a_run_that_starts_meanwhile() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        let run = std::thread::spawn(move || {
            let mut written = 0;
            while written < 150 {
                let cache = Cache::open(&path).unwrap();
                for task in ["keep", "go"] {
                    let (key, kept) = kept(written * 2 + u64::from(task == "go"), task);
                    cache.keep(key, &kept).unwrap();
                }
                written += 1;
            }
        });
        let what = Prune { task: Some("go".into()), ..Prune::default() };
        while !run.is_finished() {
            let _ = prune(folder.path(), &what);
        }
        run.join().unwrap();
        prune(folder.path(), &what).unwrap();
        let cache = Cache::open(folder.path()).unwrap();
        let lost = (0..150).filter(|number| cache.get(kept(number * 2, "keep").0).unwrap().is_none()).count();
        assert_eq!((lost, cache.answers().unwrap()), (0, 150));
        // Stats are read while a run has it open.
        let sums = Cache::sums(folder.path()).unwrap();
        assert_eq!(sums.values().map(|sum| sum.answers).sum::<u64>(), 150);
    }

    #[test]
    fn processes_that_use_a_cache_at_a_time_see_what_the_others_keep() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Cache::open(folder.path()).unwrap();
        let put = |cache: &Cache, number: u64| {
            let (key, line) = kept(number, "t");
            cache.keep(key, &line).unwrap();
        };
        let first = open();
        put(&first, 1);
        let (second, third) = (open(), open());
        put(&second, 2);
        put(&third, 3);
        put(&first, 4);
        for cache in [&first, &second, &third] {
            assert!((1..=4).all(|number| has(cache, number)) && !has(cache, 5));
        }
        assert_eq!(Cache::sums(folder.path()).unwrap().values().map(|sum| sum.answers).sum::<u64>(), 4);
        // What a running process writes stays.
        drop(second);
        let what = Prune { task: Some("t".into()), ..Prune::default() };
        let pruned = prune(folder.path(), &what).unwrap();
        assert_eq!((pruned.gone, pruned.in_use), (1, 2));
        assert!(has(&first, 3) && has(&third, 1));
        drop((first, third));
        // Who keeps nothing leaves nothing, and the others' index stays as it is.
        let (alone, idle) = (open(), open());
        let files = || std::fs::read_dir(folder.path()).unwrap().count();
        let before = files();
        assert!(has(&idle, 3));
        drop(idle);
        assert_eq!(files(), before - 1);
        assert_eq!((alone.answers().unwrap(), has(&alone, 2), has(&alone, 3)), (3, false, true));
        // An index that knows a journal as it was before is made anew.
        put(&alone, 6);
        drop(alone);
        let again = open();
        assert!([1, 3, 4, 6].into_iter().all(|number| has(&again, number)) && again.answers().unwrap() == 4);
    }

    #[test]
    fn of_two_answers_to_a_question_the_later_one_counts_in_whatever_order_they_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Cache::open(folder.path()).unwrap();
        let (one, two) = (open(), open());
        let (key, earlier) = kept(1, "earlier");
        let later = Kept {
            at: earlier.at + std::time::Duration::from_secs(1),
            task: "later".into(),
            ..earlier.clone()
        };
        // The later one lies in the first journal, which is read first.
        one.keep(key, &later).unwrap();
        two.keep(key, &earlier).unwrap();
        let task = |cache: &Cache| {
            drop(cache.claim(key).unwrap());
            cache.get(key).unwrap().unwrap().task
        };
        assert_eq!((task(&one), open().answers().unwrap()), ("later".into(), 1));
        drop((one, two));
        assert_eq!(task(&open()), "later");
        std::fs::remove_file(folder.path().join("answers.index")).unwrap();
        assert_eq!(task(&open()), "later");
    }

    #[test]
    fn a_journal_that_has_come_into_the_place_of_another_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Cache::open(folder.path()).unwrap();
        let put = |cache: &Cache, number: u64, task: &str| {
            let (key, line) = kept(number, task);
            cache.keep(key, &line).unwrap();
        };
        let first = open();
        // As `plan` does: it keeps nothing, and takes its journal with it.
        let idle = open();
        assert!(!has(&first, 1));
        drop(idle);
        let second = open();
        put(&second, 1, "go");
        put(&second, 2, "stay");
        assert!(has(&first, 1) && has(&first, 2));
        drop(second);
        let what = Prune { task: Some("go".into()), ..Prune::default() };
        assert_eq!(prune(folder.path(), &what).unwrap().gone, 1);
        let third = open();
        put(&third, 3, "stay");
        assert_eq!(third.path(), folder.path().join("answers.part-1.jsonl"));
        assert_eq!([3, 2, 1].map(|number| has(&first, number)), [true, true, false]);
    }
}
