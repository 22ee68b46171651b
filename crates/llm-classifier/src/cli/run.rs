//! `run`: classifies a stored listing, and tells what it came to.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Args, ValueEnum};
use crawl_cli::{Known, Outcome, Session, counted, grouped, say};
use crawl_core::{
    Compression, Error, Input as Listed, Kind, Next, Over, Pump, Round, Settings, Share, Source, SourceId,
    Store, Stored, Timestamp,
};
use llm_classifier::{Classifier, Labelled, Spent, reasons, rejected_root};

use super::input::Input;
use llm_classifier::Asking;

pub(crate) const EXAMPLES: &str = "\
Examples:
  OPENAI_API_KEY=... llm-classifier run weekly data/2_processed --root data/3_classified --model gpt-4o-mini
  llm-classifier run weekly data/2_processed --root data/3_classified \\
      --base-url http://localhost:11434/v1 --model llama3.1 --structured json_object --concurrency 4
  cat records.jsonl | llm-classifier run weekly - --model gpt-4o-mini --cache cache > labelled.jsonl
  llm-classifier run weekly data/2_processed --root data/3_classified --engine rules
  llm-classifier run weekly data/2_processed --root data/3_classified --engine head,openai --head head.json --model gpt-4o-mini
  llm-classifier run weekly data/2_processed --root data/3_classified --share 7/64 --cache cache-7   then `gather`

The key is read from OPENAI_API_KEY, and from nowhere else.";

#[derive(Args)]
pub(crate) struct Run {
    /// The name of a task in the folders of tasks, or the path of a task file
    task: String,
    /// The root of a crawl, a JSONL file, or - for stdin
    input: PathBuf,
    /// Where the classified pages of a crawl go
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Write records to this JSONL file instead, or - for stdout [default for a file or stdin: -]
    #[arg(long, value_name = "FILE", conflicts_with_all = ["root", "retry_missing", "pages", "compression"])]
    output: Option<PathBuf>,
    /// Which listing of the input, if it has several
    #[arg(long, value_name = "NAME")]
    listing: Option<String>,
    /// The member of a record that holds its id [default: repo_id if records have it, else id]
    #[arg(long, value_name = "NAME")]
    id_field: Option<String>,
    /// Ask again for what is missing, into a listing of its own; invalid, refused and cut answers are paid anew
    #[arg(long)]
    retry_missing: bool,
    /// Only a part of the pages, such as 3/16, from 0/16 to 15/16; `gather ROOT` joins them
    #[arg(long, value_name = "I/N", requires = "root", conflicts_with = "retry_missing")]
    share: Option<Share>,
    /// Write what the task rejects too, with its answers, into the root ROOT.rejected; `llm-evaluator` reads it with ROOT
    #[arg(long, requires = "root")]
    rejected: bool,
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
    let input = Input::open(&arguments.input, arguments.listing.as_deref())?;
    let task = arguments.asking.folders.load(&arguments.task)?;
    input.check(&task)?;
    let id_field = input.id_field(arguments.id_field.as_deref())?;
    let root = arguments.root.as_deref();
    let beside = root.or(arguments.output.as_deref().filter(|path| *path != Path::new("-")));
    let classifier = arguments.asking.classifier(task, &id_field, beside, session)?;
    let next = next(&arguments, root, &input)?;
    let classifier = match (&next, root) {
        (Next::Again(round), Some(root)) => classifier.asking_failures_again(whole_at(root, round)?),
        _ => classifier,
    };
    let classifier = Arc::new(classifier);
    super::batches::run(&arguments.asking, &classifier, &input).await?;
    match (input, root) {
        (Input::Listing(stored), Some(root)) => {
            crawl(&arguments, *stored, root, next, classifier, session).await
        }
        (Input::Listing(_), None) if arguments.output.is_none() => {
            Err(Error::new(Kind::Config, "nothing says where the classified records go")
                .advise("name a folder with --root, or a file with --output (- for stdout)")
                .into())
        }
        (Input::Lines(_), Some(_)) => {
            Err(Error::new(Kind::Config, "records of a file or a pipe have no pages for a --root")
                .advise("name a file with --output, or - for stdout")
                .into())
        }
        (input, None) => {
            let began = Instant::now();
            let output = arguments.output.as_deref().unwrap_or(Path::new("-"));
            let piped = super::pipe::run(&classifier, &input, output, session).await;
            let finished = classifier.finish(Duration::from_secs(30)).await;
            report(&classifier, began.elapsed());
            let outcome = piped?;
            finished?;
            Ok(outcome)
        }
    }
}

async fn crawl(
    arguments: &Run,
    input: Listed,
    root: &Path,
    next: Next,
    classifier: Arc<Classifier>,
    session: &Session,
) -> Result<Outcome> {
    let whole = input.id().clone();
    let options =
        Pump::default().pages(arguments.pages).in_flight(in_flight(&input, arguments.asking.concurrency));
    let Some(again) = again(next) else {
        say(format!("nothing is missing in {}", root.display()));
        return Ok(Outcome::Done);
    };
    let map = Labelled::new(classifier.clone())?;
    let listing = over(arguments, input.clone(), again.clone(), map)?;
    if [listing.id(), &whole].into_iter().any(|id| has_worked(root, id, &listing.settings())) {
        classifier.setup_is_known();
    }
    let began = Instant::now();
    let waiting = || classifier.waiting();
    let known = Known { expects: listing.expects(), waiting: Some(&waiting), ..Known::default() };
    let store = |root: &Path| Store::new(root).with_compression(arguments.compression.into());
    let crawled = session.crawl(&listing, &store(root), options, known).await;
    let audits = arguments.rejected && matches!(crawled, Ok((_, Outcome::Done | Outcome::Missing)));
    let mut audited = Ok(None);
    if audits {
        report(&classifier, began.elapsed());
        let map = Labelled::new(classifier.clone())?.rejected()?;
        let (listing, rejected) = (over(arguments, input, again, map)?, rejected_root(root));
        let paid = || classifier.usage().spent().paid;
        let before = paid();
        audited = session.crawl(&listing, &store(&rejected), options, known).await.map(Some);
        if paid() > before {
            say(format!(
                "  answers: {} paid anew for {}: the cache has lost them",
                paid() - before,
                rejected.display()
            ));
        }
    }
    let finished = classifier.finish(Duration::from_secs(30)).await;
    if !audits {
        report(&classifier, began.elapsed());
    }
    let (checkpoint, outcome) = crawled?;
    let audited = audited?;
    finished?;
    if checkpoint.totals.missing > 0 {
        for (kind, count) in reasons(&Stored::open(root, listing.id())?)? {
            say(format!("  missing {:>12}  {kind}", grouped(count)));
        }
    }
    Ok(match audited {
        Some((_, Outcome::Stopped)) => Outcome::Stopped,
        _ => outcome,
    })
}

/// As many pages as keep every place busy while the oldest waits for its last answer; not more, for a stop finishes
/// what is in flight.
fn in_flight(input: &Listed, concurrency: u32) -> usize {
    let records_a_page = (input.records() / input.pages().max(1)).max(1);
    let pages = u64::from(concurrency).div_ceil(records_a_page) + 1;
    usize::try_from(pages).unwrap_or(usize::MAX).min(100)
}

/// What there is to do.
fn next(arguments: &Run, root: Option<&Path>, input: &Input) -> Result<Next> {
    match (input, root) {
        (Input::Listing(stored), Some(root)) if arguments.retry_missing => {
            Ok(Round::next(root, stored.id())?)
        }
        _ => Ok(Next::Whole),
    }
}

/// When the listing whose missing records are asked for again was whole: answers that came later are of this round.
fn whole_at(root: &Path, round: &Round) -> Result<Timestamp> {
    let pages = Stored::open(root, round.of())?.manifest()?;
    Ok(pages.iter().map(|page| page.fetched_at).max().unwrap_or_else(Timestamp::now))
}

/// Whether a listing has records that were answered, or dropped for their answer, under the same question to the same model.
fn has_worked(root: &Path, id: &SourceId, settings: &Settings) -> bool {
    let Ok(stored) = Stored::open(root, id) else { return false };
    let at = stored.checkpoint();
    let same = |name: &str| at.settings.as_ref().and_then(|there| there.get(name)) == settings.get(name);
    let answered = at.totals.records > 0 || !at.totals.dropped.is_empty();
    answered && ["model", "prompt", "parameters", "structured"].into_iter().all(same)
}

/// The round in which to ask again, if it is one; `None` if there is nothing to do.
fn again(next: Next) -> Option<Option<Box<Round>>> {
    match next {
        Next::Whole => Some(None),
        Next::Again(round) => Some(Some(round)),
        Next::Nothing => None,
    }
}

/// The listing to make.
fn over(arguments: &Run, input: Listed, again: Option<Box<Round>>, map: Labelled) -> Result<Over<Labelled>> {
    let whole = Over::new(input, map)?;
    Ok(match again {
        None => whole.share(arguments.share)?,
        Some(round) => whole.again(round)?,
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
    if spent.paid > 0 || spent.presumptions > 0 {
        say(match spent.unpriced {
            0 => format!("  cost: ${:.6}{}", spent.cost_usd, presumed(&spent)),
            unpriced => {
                format!("  cost: unknown for {}: no price of this model", counted(unpriced, "answer"))
            }
        });
    }
    if let Some(head) = classifier.head() {
        say(format!("  head: {} answered by {} ({})", grouped(spent.headed), head.from(), head.digest()));
    }
    if classifier.engines().starts_with("rules") {
        say(format!("  rules: {} answered by words and tags{}", grouped(spent.ruled), saved(&spent)));
    }
    if spent.suspicious > 0 || spent.second_looks > 0 {
        let (suspicious, looks) = (grouped(spent.suspicious), grouped(spent.second_looks));
        say(format!(
            "  suspicious: {suspicious} answered records hold what may be orders; {looks} second looks"
        ));
    }
    if spent.without_probability > 0 {
        let count = grouped(spent.without_probability);
        say(format!(
            "  probabilities: unknown for {count} answers: the endpoint does not tell those of the tokens that decide"
        ));
    }
    if spent.cuts > 0 {
        say(format!("  fields that were cut to their limits: {}", grouped(spent.cuts)));
    }
    if let Some(cache) = classifier.cache() {
        let answers = cache
            .answers()
            .map_or("how many answers it has is not known".into(), |answers| counted(answers, "answer"));
        say(format!("  cache: {} ({answers})", cache.path().display()));
    }
}

/// How much of the cost is the most that was possible, for the endpoint did not tell.
fn presumed(spent: &Spent) -> String {
    match spent.presumptions {
        0 => String::new(),
        count => format!(
            " at most; ${:.6} of it are high estimates, for the endpoint did not count {} answers or tries",
            spent.presumed_usd,
            grouped(count)
        ),
    }
}

/// What the rules have saved, by the mean of what was paid for the others in this run.
fn saved(spent: &Spent) -> String {
    let known = spent.paid > spent.repairs && spent.unpriced == 0;
    if !known || spent.ruled == 0 {
        return String::new();
    }
    let each = spent.cost_usd / (spent.paid - spent.repairs) as f64;
    format!(
        ", which saved about ${:.6} (an estimate: ${each:.6} was the mean of the others)",
        each * spent.ruled as f64
    )
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
