//! The command line: words become a task, an endpoint and a listing.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Args, Parser, Subcommand, ValueEnum};
use crawl_cli::{Flags, HttpFlags, Known, Outcome, Session, SharedCommand, grouped, print, say};
use crawl_core::http::{Http, HttpConfig, Secret};
use crawl_core::{Compression, Error, Kind, Pump, Store, Stored};
use llm_classifier::{
    Answers, Cache, Chat, Classifier, Labelled, Next, Structured, Task, check_fields, find_id_field,
    next_round, reasons,
};

/// Labels for records, from a language model at any OpenAI-compatible endpoint, under task files
#[derive(Parser)]
#[command(name = "llm-classifier", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) flags: Flags,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Classify a stored listing
    #[command(after_help = RUN_EXAMPLES)]
    Run(Box<Run>),
    /// Show the tasks there are
    #[command(after_help = "Example:\n  llm-classifier list")]
    List(List),
    #[command(flatten)]
    Shared(SharedCommand),
}

const RUN_EXAMPLES: &str = "\
Examples:
  OPENAI_API_KEY=... llm-classifier run weekly data/2_processed --root data/3_classified --model gpt-4o-mini
  llm-classifier run weekly data/2_processed --root data/3_classified \\
      --base-url http://localhost:11434/v1 --model llama3.1 --structured json_object --concurrency 4

The key is read from OPENAI_API_KEY, and from nowhere else.";

#[derive(Args)]
pub(crate) struct Run {
    /// The name of a task in the folder of tasks, or the path of a task file
    task: String,
    /// The root of a crawl: its pages are read
    input: PathBuf,
    /// Where the classified pages go
    #[arg(long, value_name = "DIR")]
    root: PathBuf,
    /// Which listing of the input, if it has several
    #[arg(long, value_name = "NAME")]
    listing: Option<String>,
    /// The model, if it is not the task's
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// The endpoint
    #[arg(long, value_name = "URL", env = "OPENAI_BASE_URL", default_value = "https://api.openai.com/v1")]
    base_url: String,
    /// How the endpoint is told the form of the answer
    #[arg(long, value_enum, default_value_t = Form::JsonSchema)]
    structured: Form,
    /// How many records are asked about at a time
    #[arg(long, value_name = "N", default_value_t = 50)]
    concurrency: u32,
    /// The response cache: a .jsonl file, or a folder for answers.jsonl [default: `cache` beside the root]
    #[arg(long, value_name = "PATH")]
    cache: Option<PathBuf>,
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
    tasks: List,
    #[command(flatten)]
    http: HttpFlags,
}

#[derive(Args)]
pub(crate) struct List {
    /// The folder of task files
    #[arg(long, value_name = "DIR", default_value = "configs/tasks")]
    tasks: PathBuf,
}

#[derive(ValueEnum, Clone, Copy)]
enum Form {
    /// A strict JSON schema in the request
    #[value(name = "json_schema")]
    JsonSchema,
    /// JSON mode; the schema is in the prompt
    #[value(name = "json_object")]
    JsonObject,
    /// Plain text; the schema is in the prompt, the JSON is found in the answer
    None,
}

#[derive(ValueEnum, Clone, Copy)]
enum Pack {
    None,
    Gzip,
    Zstd,
}

/// `list`: a line a task. A file that is wrong is told of, and the rest is listed all the same.
pub(crate) fn list(arguments: &List) -> Result<Outcome> {
    let mut wrong = None;
    for path in Task::files(&arguments.tasks)? {
        match Task::load(&path) {
            Ok(task) => print(format!("{:<20} {}  ({})", task.name, task.about, path.display())),
            Err(error) => wrong = wrong.or(Some(error)),
        }
    }
    wrong.map_or(Ok(Outcome::Done), |error| Err(error.into()))
}

/// `run`: classifies, and tells what it came to.
pub(crate) async fn run(arguments: Box<Run>, session: &Session) -> Result<Outcome> {
    let input = open_input(&arguments.input, arguments.listing.as_deref())?;
    let classifier = Arc::new(classifier(&arguments, &input)?);
    let in_flight = in_flight(&input, arguments.concurrency);
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
    let task = Task::load(&Task::find(&arguments.tasks.tasks, &arguments.task)?)?;
    let model = arguments.model.clone().or_else(|| task.model.name.clone()).ok_or_else(|| {
        Error::new(Kind::Config, "no model is named")
            .advise("name one with --model, or under [model] in the task file")
    })?;
    check_fields(&task, input)?;
    let id_field = match &arguments.id_field {
        Some(name) => name.as_str(),
        None => find_id_field(input)?,
    };
    let answers = Answers::new(&task)?;
    let key = crawl_cli::env("OPENAI_API_KEY").map(Secret::new);
    let chat =
        Chat::new(&arguments.base_url, key.as_ref(), &model, arguments.structured.into(), task, &answers)?;
    let concurrency = arguments.concurrency.max(1);
    let http = Http::new(http(&arguments.http, concurrency))?;
    let cache = Cache::open(&cache_path(arguments))?;
    tell_opened(&cache);
    let classifier = Classifier::new(chat, answers, cache, http, id_field, concurrency);
    Ok(if arguments.retry_missing { classifier.asking_failures_again() } else { classifier })
}

/// A model may think for long before its first byte, and no answer is as large as a page of a listing.
fn http(flags: &HttpFlags, concurrency: u32) -> HttpConfig {
    let config = flags.http(concurrency as usize);
    HttpConfig { read_timeout: config.timeout, max_body: 16 << 20, ..config }
}

fn cache_path(arguments: &Run) -> PathBuf {
    match &arguments.cache {
        Some(path) => path.clone(),
        None => arguments.root.parent().unwrap_or(Path::new("")).join("cache"),
    }
}

/// As many pages as keep every place busy while the oldest waits for its last answer; not more, for a stop finishes
/// what is in flight.
fn in_flight(input: &Stored, concurrency: u32) -> usize {
    let checkpoint = input.checkpoint();
    let records_a_page = (checkpoint.totals.records / checkpoint.pages.max(1)).max(1);
    let pages = u64::from(concurrency).div_ceil(records_a_page) + 1;
    usize::try_from(pages).unwrap_or(usize::MAX).min(100)
}

fn tell_opened(cache: &Cache) {
    let opened = cache.opened();
    if opened.torn_bytes > 0 {
        say(format!(
            "{}: cut off a torn last line of {} bytes",
            cache.path().display(),
            grouped(opened.torn_bytes)
        ));
    }
    if opened.unreadable > 0 {
        say(format!(
            "{}: passed over {} lines that are not ours",
            cache.path().display(),
            grouped(opened.unreadable)
        ));
    }
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

impl From<Form> for Structured {
    fn from(form: Form) -> Self {
        match form {
            Form::JsonSchema => Structured::JsonSchema,
            Form::JsonObject => Structured::JsonObject,
            Form::None => Structured::None,
        }
    }
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
