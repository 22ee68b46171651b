//! Given answers: what a classified listing, or a JSONL file, answers about the gold rows.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io::BufRead;
use std::path::Path;

use crawl_core::{Error, Input, Kind, Record, Result, Stored};
use serde_json::Value;

use super::aspect::{Aspect, Measure, Scheme, Unknown, found};
use super::score::Places;
use llm_classifier::Task;
use llm_classifier::{id_of, rejected_root};

/// Answers by id; only those about the ids that were wanted are kept.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// The root or file that they were read from.
    pub from: String,
    /// How many records were read in all.
    pub records: u64,
    /// Ids with two different answers; the first counts.
    pub conflicting: u64,
    /// The id of the first record.
    pub example: String,
    pub(crate) answers: HashMap<String, GivenAnswer>,
    /// Why a record has no answer.
    pub(crate) missing: HashMap<String, String>,
}

/// What a classified record holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GivenAnswer {
    /// For each aspect the labels; `None` if there are none.
    pub(crate) given: Vec<Option<Places>>,
    /// How sure it claims to be.
    pub confidence: Option<Confidence>,
    /// The values of the task's counted response fields, in their order.
    pub(crate) measures: Vec<Option<f64>>,
    /// The share of votes that agree, if several were asked for.
    pub vote_share: Option<f64>,
    /// The probability of the tokens that decide, if the endpoint told it.
    pub probability: Option<f64>,
    /// Dollars; `None` if unknown.
    pub cost: Option<f64>,
    /// Tokens sent.
    pub prompt_tokens: Option<f64>,
    /// Tokens received.
    pub completion_tokens: Option<f64>,
}

/// How sure an answer claims to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Confidence {
    /// From 0 to 1.
    Number(f64),
    /// A word of the task, such as `high`.
    Word(String),
}

impl Confidence {
    /// The number, if it is one.
    pub fn number(&self) -> Option<f64> {
        match self {
            Confidence::Number(number) => Some(*number),
            Confidence::Word(_) => None,
        }
    }
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Confidence::Number(number) => write!(f, "{number}"),
            Confidence::Word(word) => f.write_str(word),
        }
    }
}

impl Given {
    /// Reads the answers about `wanted` from a root (the listing, what was asked again for it later, and what it rejected, if
    /// that was kept) or a file.
    ///
    /// # Errors
    /// [`Kind::Config`] if there is nothing to read, if the root has several listings and none is named, or if an
    /// answer has a label that the task does not have; those of reading a listing.
    pub fn read(
        from: &Path,
        task: &Task,
        wanted: &HashSet<&str>,
        listing: Option<&str>,
        id_field: Option<&str>,
    ) -> Result<Self> {
        let scheme = Scheme::of(task);
        let mut given = Given { from: from.display().to_string(), ..Given::default() };
        each_answer(from, listing, id_field, |id, row| {
            if given.records == 0 {
                given.example = id.to_owned();
            }
            given.records += 1;
            match row {
                GivenRow::Record(record) if wanted.contains(id) => given.take(id, record, &scheme),
                GivenRow::Missing(kind) if wanted.contains(id) => {
                    given.missing.insert(id.to_owned(), kind.to_owned());
                    Ok(())
                }
                _ => Ok(()),
            }
        })?;
        given.missing.retain(|id, _| !given.answers.contains_key(id));
        Ok(given)
    }

    /// How many of the wanted ids were there, with an answer or as missing.
    pub fn found(&self) -> usize {
        self.answers.len() + self.missing.len()
    }

    fn take(&mut self, id: &str, record: &Record, scheme: &Scheme) -> Result<()> {
        let answer =
            answer(record, scheme).map_err(|error| error.at(format!("{}, record {id}", self.from)))?;
        if answer.given.iter().all(Option::is_none) {
            self.missing.insert(id.to_owned(), "no answer in the record".into());
            return Ok(());
        }
        match self.answers.get(id) {
            Some(first) => self.conflicting += u64::from(first.given != answer.given),
            None => drop(self.answers.insert(id.to_owned(), answer)),
        }
        Ok(())
    }
}

/// The answer in a classified record.
pub(crate) fn answer(record: &Record, scheme: &Scheme) -> Result<GivenAnswer> {
    let odd = |cause| Error::new(Kind::Shape, "the record cannot be read").because(cause);
    let value: Value = record.raw().to().map_err(odd)?;
    let read = |aspect: &Aspect| aspect.answered(&value).map_err(|cause| foreign(aspect, &cause));
    let number = |name: &str| found(&value, scheme.origin.as_ref()?)?.get(name)?.as_f64();
    Ok(GivenAnswer {
        given: scheme.aspects.iter().map(read).collect::<Result<_>>()?,
        confidence: scheme.confidence.as_ref().and_then(|confidence| sure(&value, confidence)),
        measures: scheme.measures.iter().map(|measure| measure.value(&value)).collect(),
        vote_share: number("vote_share").filter(|share| (0.0..=1.0).contains(share)),
        probability: number("probability").filter(|chance| (0.0..=1.0).contains(chance)),
        cost: number("cost_usd"),
        prompt_tokens: number("prompt_tokens"),
        completion_tokens: number("completion_tokens"),
    })
}

/// A number from 0 to 1, a word that counts as one, or a word.
fn sure(record: &Value, confidence: &Measure) -> Option<Confidence> {
    if let Some(number) = confidence.value(record) {
        return (0.0..=1.0).contains(&number).then_some(Confidence::Number(number));
    }
    found(record, &confidence.path)?.as_str().map(|word| Confidence::Word(word.to_owned()))
}

fn foreign(aspect: &Aspect, cause: &Unknown) -> Error {
    let what = format!("`{}` in `{}` is no answer of this task", cause.said, aspect.name);
    Error::new(Kind::Config, what)
        .advise("name the task under which these records were classified, with the labels it had then")
}

/// A row of a classified listing.
pub(crate) enum GivenRow<'a> {
    Record(&'a Record),
    /// Its kind.
    Missing(&'a str),
}

/// Goes over the rows of a root or a file, each with its id.
pub(crate) fn each(
    from: &Path,
    listing: Option<&str>,
    id_field: Option<&str>,
    mut take: impl FnMut(&str, GivenRow<'_>) -> Result<()>,
) -> Result<()> {
    let mut record = |record: &Record| {
        let fields = id_field.map_or(vec!["repo_id", "id"], |field| vec![field]);
        match fields.iter().find_map(|field| id_of(record.raw(), field)) {
            Some(id) => take(&id, GivenRow::Record(record)),
            None => Ok(()),
        }
    };
    if from.is_file() {
        return lines(from, record);
    }
    let stored = listings(from, listing)?;
    for listing in &stored {
        for page in 1..=listing.checkpoint().pages {
            listing.records(page)?.iter().try_for_each(&mut record)?;
        }
    }
    for listing in &stored {
        for page in 1..=listing.checkpoint().pages {
            for missing in listing.missing(page)? {
                if let Some(id) = &missing.id {
                    take(id, GivenRow::Missing(&missing.kind))?;
                }
            }
        }
    }
    Ok(())
}

/// As [`each`], and then over the rows that a run with `--rejected` kept beside the root.
pub(crate) fn each_answer(
    from: &Path,
    listing: Option<&str>,
    id_field: Option<&str>,
    mut take: impl FnMut(&str, GivenRow<'_>) -> Result<()>,
) -> Result<()> {
    each(from, listing, id_field, &mut take)?;
    let rejected = rejected_root(from);
    match from.is_dir() && rejected.is_dir() {
        true => each(&rejected, listing, id_field, take),
        false => Ok(()),
    }
}

/// The lines of a JSONL file as records.
fn lines(file: &Path, mut take: impl FnMut(&Record) -> Result<()>) -> Result<()> {
    let failed = |cause| Error::io("cannot read the file", file, cause);
    let reader = std::io::BufReader::with_capacity(1 << 20, std::fs::File::open(file).map_err(failed)?);
    for (number, line) in reader.lines().enumerate() {
        let line = line.map_err(failed)?;
        if line.trim().is_empty() {
            continue;
        }
        let record = Record::parse(line).map_err(|cause| {
            Error::new(Kind::Config, "the line is not JSON")
                .at(format!("{}:{}", file.display(), number + 1))
                .because(cause)
                .advise("mend it; each line is one JSON object")
        })?;
        take(&record)?;
    }
    Ok(())
}

/// The listing of a root, and the rounds in which its missing records were asked for again.
fn listings(root: &Path, listing: Option<&str>) -> Result<Vec<Stored>> {
    let wrong = |what: &str, advice: String| {
        Error::new(Kind::Config, what).at(root.display().to_string()).advise(advice)
    };
    if !root.is_dir() {
        return Err(wrong("there is no such file or folder", "name a root of `run`, or a JSONL file".into()));
    }
    let all = Stored::sources(root)?;
    let names: Vec<_> = all.iter().map(ToString::to_string).collect();
    let chosen = match (listing, all.as_slice()) {
        (Some(name), all) => all.iter().find(|id| id.as_str() == name).ok_or_else(|| {
            wrong(&format!("there is no listing `{name}` here"), format!("there are: {}", names.join(", ")))
        })?,
        (None, [only]) => only,
        (None, []) => {
            let advice = "name the root that `llm-classifier run --root` wrote: the folder above `hf`";
            return Err(wrong("there is no listing under this root", advice.into()));
        }
        (None, _) => {
            let advice = format!("choose with --listing: {}", names.join(", "));
            return Err(wrong("there are several listings under this root", advice));
        }
    };
    Ok(Input::open(root, chosen)?.listings().cloned().collect())
}
