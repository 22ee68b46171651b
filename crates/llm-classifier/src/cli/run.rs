//! `run`: classifies a stored listing, and tells what it came to.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Args, ValueEnum};
use crawl_cli::{Known, Outcome, Session, grouped, say};
use crawl_core::{Compression, Error, Kind, Pump, Store, Stored};
use llm_classifier::{Classifier, Labelled, Next, check_fields, find_id_field, next_round, reasons};

use super::asking::Asking;

pub(crate) const EXAMPLES: &str = "\
Examples:
  OPENAI_API_KEY=... llm-classifier run weekly data/2_processed --root data/3_classified --model gpt-4o-mini
  llm-classifier run weekly data/2_processed --root data/3_classified \\
      --base-url http://localhost:11434/v1 --model llama3.1 --structured json_object --concurrency 4

The key is read from OPENAI_API_KEY, and from nowhere else.";

#[derive(Args)]
pub(crate) struct Run {
    /// The name of a task in the folders of tasks, or the path of a task file
    task: String,
    /// The root of a crawl: its pages are read
    input: PathBuf,
    /// Where the classified pages go
    #[arg(long, value_name = "DIR")]
    root: PathBuf,
    /// Which listing of the input, if it has several
    #[arg(long, value_name = "NAME")]
    listing: Option<String>,
    /// The member of a record that holds its id [default: repo_id if records have it, else id]
    #[arg(long, value_name = "NAME")]
    id_field: Option<String>,
    /// Ask again for what is missing, into a listing of its own; invalid, refused and cut answers are paid anew
    #[arg(long)]
    retry_missing: bool,
    /// Stop after so many pages
    #[arg(long, value_name = "N")]
    pages: Option<u64>,
    /// Compress the pages
    #[arg(long, value_enum, default_value_t = Pack::None)]
    compression: Pack,
    #[command(flatten)]
    asking: Asking,
}

#[derive(ValueEnum, Clone, Copy)]
enum Pack {
    None,
    Gzip,
    Zstd,
}

pub(crate) async fn run(arguments: Run, session: &Session) -> Result<Outcome> {
    let input = open_input(&arguments.input, arguments.listing.as_deref())?;
    let classifier = Arc::new(classifier(&arguments, &input)?);
    let in_flight = in_flight(&input, arguments.asking.concurrency);
    let store = Store::new(&arguments.root).with_compression(arguments.compression.into());
    let (listing, expects) = match listing(&arguments, input, &classifier)? {
        Some(found) => found,
        None => {
            say(format!("nothing is missing in {}", arguments.root.display()));
            return Ok(Outcome::Done);
        }
    };
    let options = Pump { pages: arguments.pages, in_flight };
    let began = Instant::now();
    let waiting = || classifier.waiting();
    let crawled = session.crawl(&listing, &store, options, Known { expects, waiting: Some(&waiting) }).await;
    let finished = classifier.finish(Duration::from_secs(30)).await;
    report(&classifier, began.elapsed());
    let (checkpoint, outcome) = crawled?;
    finished?;
    if checkpoint.totals.missing > 0 {
        let id = crawl_core::Source::id(&listing);
        for (kind, count) in reasons(&Stored::open(&arguments.root, id)?)? {
            say(format!("  missing {:>12}  {kind}", grouped(count)));
        }
    }
    Ok(outcome)
}

fn open_input(root: &Path, listing: Option<&str>) -> Result<Stored> {
    if let Some(name) = listing {
        return Ok(Stored::open(root, &crawl_core::SourceId::new(name)?)?);
    }
    let wrong = |what: &str, advice: String| {
        Error::new(Kind::Config, what).at(root.display().to_string()).advise(advice)
    };
    if !root.is_dir() {
        return Err(wrong(
            "there is no such folder",
            "name the root of a crawl, such as data/2_processed".into(),
        )
        .into());
    }
    let sources = Stored::sources(root)?;
    match sources.as_slice() {
        [only] => Ok(Stored::open(root, only)?),
        [] => Err(wrong(
            "there is no listing under this root",
            "name the root of a crawl: the folder above `hf`".into(),
        )
        .into()),
        several => {
            let names: Vec<_> = several.iter().map(ToString::to_string).collect();
            Err(wrong(
                "there are several listings under this root",
                format!("choose with --listing: {}", names.join(", ")),
            )
            .into())
        }
    }
}

fn classifier(arguments: &Run, input: &Stored) -> Result<Classifier> {
    let task = arguments.asking.folders.load(&arguments.task)?;
    check_fields(&task, input)?;
    let id_field = match &arguments.id_field {
        Some(name) => name.as_str(),
        None => find_id_field(input)?,
    };
    let classifier = arguments.asking.classifier(task, id_field, Some(&arguments.root))?;
    Ok(if arguments.retry_missing { classifier.asking_failures_again() } else { classifier })
}

/// As many pages as keep every place busy while the oldest waits for its last answer; not more, for a stop finishes
/// what is in flight.
fn in_flight(input: &Stored, concurrency: u32) -> usize {
    let checkpoint = input.checkpoint();
    let records_a_page = (checkpoint.totals.records / checkpoint.pages.max(1)).max(1);
    let pages = u64::from(concurrency).div_ceil(records_a_page) + 1;
    usize::try_from(pages).unwrap_or(usize::MAX).min(100)
}

/// The listing to make, and how many records it will list; `None` if nothing is missing.
fn listing(
    arguments: &Run,
    input: Stored,
    classifier: &Arc<Classifier>,
) -> Result<Option<(Labelled, Option<u64>)>> {
    let next = match arguments.retry_missing {
        true => next_round(&arguments.root, input.id())?,
        false => Next::Whole,
    };
    let checkpoint = input.checkpoint();
    let expects = checkpoint.ended().then_some(checkpoint.totals.records);
    Ok(match next {
        Next::Whole => Some((Labelled::new(input, classifier.clone()), expects)),
        Next::Again(round) => {
            let expects = Some(round.wanted());
            Some((Labelled::again(input, classifier.clone(), round), expects))
        }
        Next::Nothing => None,
    })
}

fn report(classifier: &Classifier, took: Duration) {
    let spent = classifier.usage().spent();
    say(format!(
        "  answers: {} paid now, {} from the cache; {} of them second ones after an error; {} tokens sent, {} received; \
         {:.1} s",
        grouped(spent.paid),
        grouped(spent.cached),
        grouped(spent.repairs),
        grouped(spent.prompt_tokens),
        grouped(spent.completion_tokens),
        took.as_secs_f64()
    ));
    if spent.cuts > 0 {
        say(format!("  fields that were cut to their limits: {}", grouped(spent.cuts)));
    }
    let cache = classifier.cache();
    say(format!("  cache: {} ({} answers)", cache.path().display(), grouped(cache.answers())));
}

impl From<Pack> for Compression {
    fn from(pack: Pack) -> Self {
        match pack {
            Pack::None => Compression::None,
            Pack::Gzip => Compression::Gzip,
            Pack::Zstd => Compression::Zstd,
        }
    }
}
