//! What is classified: a stored listing, a JSONL file, or a pipe.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use crawl_cli::anyhow::Result;
use crawl_core::json::Raw;
use crawl_core::{Error, Kind, Record, SourceId, Stored};
use llm_classifier::Task;

/// An input that was found.
pub(crate) enum Input {
    /// A stored listing, with its parts and rounds.
    Listing(Box<crawl_core::Input>),
    /// A JSONL file; `-` is stdin.
    Lines(PathBuf),
}

type Records = Box<dyn Iterator<Item = crawl_core::Result<Record>> + Send>;

impl Input {
    /// Opens what a word names: `-`, a file, or the root of a crawl.
    pub(crate) fn open(path: &Path, listing: Option<&str>) -> Result<Self> {
        if path == Path::new("-") || path.is_file() {
            return Ok(Input::Lines(path.to_owned()));
        }
        Ok(Input::Listing(Box::new(stored(path, listing)?)))
    }

    /// Whether it can be read only once.
    pub(crate) fn is_stdin(&self) -> bool {
        matches!(self, Input::Lines(path) if path == Path::new("-"))
    }

    /// Its records, read as they are wanted.
    pub(crate) fn records(&self) -> Result<Records> {
        Ok(match self {
            Input::Listing(stored) => {
                let (pages, stored) = (stored.pages(), stored.clone());
                let page = move |number| match stored.page(number) {
                    Ok(records) => records.into_iter().map(Ok).collect::<Vec<_>>(),
                    Err(error) => vec![Err(error)],
                };
                Box::new((1..=pages).flat_map(page))
            }
            Input::Lines(path) if path == Path::new("-") => {
                lines(BufReader::new(std::io::stdin()), "stdin".into())
            }
            Input::Lines(path) => {
                let file = std::fs::File::open(path)
                    .map_err(|cause| Error::io("cannot read the records", path, cause))?;
                lines(BufReader::with_capacity(1 << 20, file), path.display().to_string())
            }
        })
    }

    /// The member with a record's id, where no flag names it. Of a pipe nothing is known: `id`.
    pub(crate) fn id_field(&self, named: Option<&str>) -> Result<String> {
        if let Some(name) = named {
            return Ok(name.to_owned());
        }
        match self {
            Input::Listing(stored) => Ok(llm_classifier::find_id_field(stored)?.to_owned()),
            Input::Lines(path) if path == Path::new("-") => Ok("id".to_owned()),
            Input::Lines(path) => {
                let first = self.records()?.next().transpose()?;
                let raw = first.as_ref().map(Record::raw);
                let has = |name: &&str| raw.is_none_or(|raw: Raw<'_>| raw.get(name).is_some());
                let found = ["repo_id", "id"].into_iter().find(has).ok_or_else(|| {
                    Error::new(Kind::Config, "the first record has neither `repo_id` nor `id`")
                        .at(path.display().to_string())
                        .advise("name the member that holds the id with --id-field")
                })?;
                Ok(found.to_owned())
            }
        }
    }

    /// Checks that the records fit the task, as far as that can be known before they are read.
    pub(crate) fn check(&self, task: &Task) -> Result<()> {
        match self {
            Input::Listing(stored) => Ok(llm_classifier::check_fields(task, stored)?),
            Input::Lines(_) => Ok(()),
        }
    }
}

fn lines(reader: impl BufRead + Send + 'static, place: String) -> Records {
    let record = move |(index, line): (usize, std::io::Result<Vec<u8>>)| {
        let at = format!("{place}:{}", index + 1);
        let line = match line {
            Ok(line) if line.trim_ascii().is_empty() => return None,
            Ok(line) => line,
            Err(cause) => {
                return Some(Err(Error::new(Kind::Storage, "cannot read the records").at(at).because(cause)));
            }
        };
        Some(Record::parse(line).map_err(|cause| {
            Error::new(Kind::Config, "a line is not JSON")
                .at(at)
                .advise("each line must be one JSON object; correct the line and run again")
                .because(cause)
        }))
    };
    Box::new(reader.split(b'\n').enumerate().filter_map(record))
}

/// The listing of a root.
fn stored(root: &Path, listing: Option<&str>) -> Result<crawl_core::Input> {
    if let Some(name) = listing {
        return Ok(crawl_core::Input::open(root, &SourceId::new(name)?)?);
    }
    let wrong = |what: &str, advice: String| {
        Error::new(Kind::Config, what).at(root.display().to_string()).advise(advice)
    };
    if !root.is_dir() {
        let advice = "name the root of a crawl, such as data/2_processed, a JSONL file, or - for stdin";
        return Err(wrong("there is no such folder or file", advice.into()).into());
    }
    let sources = Stored::sources(root)?;
    match sources.as_slice() {
        [only] => Ok(crawl_core::Input::open(root, only)?),
        [] => Err(wrong(
            "there is no listing under this root",
            "name the root of a crawl: the folder above `hf`".into(),
        )
        .into()),
        several => {
            let names: Vec<_> = several.iter().map(ToString::to_string).collect();
            let advice = format!("choose with --listing: {}", names.join(", "));
            Err(wrong("there are several listings under this root", advice).into())
        }
    }
}
