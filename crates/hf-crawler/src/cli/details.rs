//! `details`: what a listing does not tell of chosen repositories.

use std::collections::HashSet;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Args, ValueEnum};
use crawl_cli::{Known, Outcome, Session, duration, grouped, print, say};
use crawl_core::{Error, Files, Input, Kind, Map, Next, Over, Pump, Round, Since, SourceId, Store, Stored};
use hf_crawler::{Choice, Chosen, Details, Part, Parts, Plan, Repos, version};
use s3_uploader::UploadFlags;

use super::access::HubFlags;

pub(crate) const HELP: &str = "\
Examples:
  hf-crawler details data/models --details files --ids ids.txt           files with sizes and hashes
  hf-crawler details data/models --details config,files --top 500 --to data/top     of those with the most downloads
  hf-crawler details data/models --details config,files,card --id google-bert/bert-base-uncased --to data/bert --plan
  hf-crawler details data/today --details config,files --ids ids.txt --since data/yesterday

  hf-crawler details data/models --details files,config,headers --id Qwen/Qwen3-8B --to data/qwen

A root keeps one choice: another one goes below a --to DIR of its own.

All but files read files: of a model config.json and each GGUF file count as a download, of a dataset any file. So they are
read only of repositories that are chosen, and with --since only where the commit has changed. files asks the API and
counts as nothing.";

#[derive(Args, Debug)]
pub(crate) struct DetailsArgs {
    /// The root of a listing that has ended; the details go beside it, into ROOT/hf/models-details
    root: PathBuf,
    /// What to fetch of each, with commas: config, files, card, headers
    #[arg(long, value_enum, value_delimiter = ',', required = true, value_name = "PARTS")]
    details: Vec<Asked>,
    /// Read the header of each GGUF file, not of the one that stands for the model alone; each counts as a download
    #[arg(long)]
    all_gguf: bool,
    /// Of which listing [default: models, where they were listed]
    #[arg(long, value_enum)]
    of: Option<Of>,
    /// Only of this one; may be given several times
    #[arg(long, value_name = "ID")]
    id: Vec<String>,
    /// Only of those in this file, an id a line
    #[arg(long, value_name = "FILE")]
    ids: Option<PathBuf>,
    /// Only of so many with the most downloads
    #[arg(long, value_name = "N", conflicts_with_all = ["id", "ids"])]
    top: Option<u64>,
    /// Leave out what this earlier root has details of and what has not changed since; counted as `unchanged`. May be
    /// given several times, the oldest first
    #[arg(long, value_name = "ROOT")]
    since: Vec<PathBuf>,
    /// Only tell how many requests there will be, and how long they take; nothing is kept
    #[arg(long)]
    plan: bool,
    /// Ask again for what is missing, into a listing of its own
    #[arg(long, conflicts_with = "plan")]
    retry_missing: bool,
    /// Where the details go, if not beside the listing; another choice than the first needs it
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// Repositories a page
    #[arg(long, value_name = "ROWS", default_value = "20")]
    rows_a_page: NonZeroU64,
    #[command(flatten)]
    hub: HubFlags,
    #[command(flatten)]
    upload: UploadFlags,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum Asked {
    /// config.json, word for word
    Config,
    /// Path, size and hashes of all files
    Files,
    /// The text of README.md
    Card,
    /// What the headers of safetensors and GGUF files tell, read by Range
    Headers,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum Of {
    Models,
    Datasets,
}

pub(crate) async fn run(arguments: DetailsArgs, session: &Session) -> Result<Outcome> {
    let repos = repos(&arguments)?;
    let part = |asked: &Asked| match asked {
        Asked::Config => Part::Config,
        Asked::Files => Part::Files,
        Asked::Card => Part::Card,
        Asked::Headers => Part::Headers,
    };
    let parts = Parts::new(arguments.details.iter().map(part).collect(), repos)?;
    if arguments.all_gguf && !parts.has(Part::Headers) {
        let what = "--all-gguf is about headers, and they are not asked for";
        return Err(Error::new(Kind::Config, what).advise("add headers to --details").into());
    }
    let parts = parts.with_all_gguf(arguments.all_gguf);
    let ids = ids(&arguments)?;
    let listing = Input::open(&arguments.root, &SourceId::new(repos.listing())?)?;
    let store = Store::new(arguments.to.as_ref().unwrap_or(&arguments.root));
    let since = since(&arguments.since, repos, &parts)?;
    let (hub, token) = arguments.hub.open(session)?;

    // A plan chooses where it leaves nothing: the root keeps the choice of those who fetch.
    let scratch = arguments.plan.then(|| Files::new(store.root()).scratch()).transpose()?;
    let choosing = scratch.as_ref().map_or(store.clone(), |scratch| Store::new(scratch.path()));
    let (input, chosen) = match (&ids, arguments.top) {
        (None, None) if parts.read_files() => return Err(unchosen(repos).into()),
        (None, None) => (listing, Outcome::Done),
        (ids, top) => {
            let chosen = ids.clone().map(Chosen::Ids).unwrap_or(Chosen::Top(top.unwrap_or_default()));
            let choice = Choice::over(listing, chosen)?;
            let known = Known { expects: choice.expects(), ..Known::default() };
            let (_, outcome) = session.crawl(&choice, &choosing, Pump::default(), known).await?;
            let input = Input::open(choosing.root(), crawl_core::Source::id(&choice))?;
            if outcome == Outcome::Stopped {
                return Ok(outcome);
            }
            let outcome = if all_there(ids.as_deref(), &input)? { outcome } else { Outcome::Missing };
            (input, outcome)
        }
    };
    let plan = Plan::new(&parts, input.records(), token, arguments.hub.http.per_second);
    if arguments.plan {
        lines(&plan, &parts, repos, input.records()).iter().for_each(print);
        return Ok(chosen);
    }
    if !session.flags().quiet {
        lines(&plan, &parts, repos, input.records()).iter().for_each(say);
    }
    let over =
        Details::over(input, hub.clone(), repos, parts, since)?.rows_a_page(Some(arguments.rows_a_page));
    let Some(over) = again(over, arguments.retry_missing, store.root(), repos)? else { return Ok(chosen) };
    let waiting = || hub.waiting_anywhere();
    let known = Known { expects: over.expects(), waiting: Some(&waiting), ..Known::default() };
    let options = Pump::default().in_flight(2);
    let (_, outcome) = arguments.upload.crawl(session, &over, &store, options, known).await?;
    Ok(if outcome == Outcome::Done { chosen } else { outcome })
}

/// Which listing is meant.
fn repos(arguments: &DetailsArgs) -> Result<Repos> {
    Ok(match arguments.of {
        Some(Of::Models) => Repos::Models,
        Some(Of::Datasets) => Repos::Datasets,
        None => {
            let there = Stored::sources(&arguments.root)?;
            let has = |repos: Repos| there.iter().any(|id| id.as_str() == repos.listing());
            if !has(Repos::Models) && has(Repos::Datasets) { Repos::Datasets } else { Repos::Models }
        }
    })
}

/// The ids that were given, each once, if any were.
fn ids(arguments: &DetailsArgs) -> Result<Option<Vec<String>>> {
    let mut ids = arguments.id.clone();
    if let Some(path) = &arguments.ids {
        let text = std::fs::read_to_string(path).map_err(|cause| {
            Error::new(Kind::Config, "cannot read the file of ids")
                .at(path.display().to_string())
                .because(cause)
                .advise("check the path behind --ids; the file has an id a line")
        })?;
        let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
        ids.extend(lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(String::from));
    }
    let mut seen = HashSet::new();
    ids.retain(|id| seen.insert(id.clone()));
    Ok((!ids.is_empty() || arguments.ids.is_some()).then_some(ids))
}

/// What earlier roots have details of: they must hold all that is asked for now.
fn since(roots: &[PathBuf], repos: Repos, parts: &Parts) -> Result<Option<Since>> {
    let name = Details::name(repos)?;
    let mut all: Option<Since> = None;
    for root in roots {
        let stored = Stored::open(root, &name)?;
        let settings = stored.checkpoint().settings.clone().unwrap_or_default();
        if !Parts::of_settings(&settings).is_some_and(|asked| asked.cover(parts)) {
            let asked = settings.get("details").unwrap_or_default();
            let what =
                format!("the earlier root was asked for `{asked}`, which is less than `{}`", told(parts));
            return Err(Error::new(Kind::Config, what)
                .at(root.display().to_string())
                .advise("ask for the same --details, or leave this --since away")
                .into());
        }
        let one = Since::read(root, name.as_str(), version)?;
        all = Some(match all {
            Some(before) => before.and(one),
            None => one,
        });
    }
    Ok(all)
}

fn told(parts: &Parts) -> String {
    parts.names() + if parts.all_gguf() { " of all GGUF files" } else { "" }
}

fn unchosen(repos: Repos) -> Error {
    let counts = match repos {
        Repos::Models => "reading config.json or a GGUF file counts as a download of the model",
        Repos::Datasets => "reading any file of a dataset, its README too, counts as a download",
    };
    Error::new(Kind::Config, format!("files are read only of repositories that are chosen: {counts}"))
        .advise("choose with --ids FILE, --id ID or --top N; --details files alone needs no choice")
}

/// Whether all ids that were named are listed; tells of those that are not.
fn all_there(ids: Option<&[String]>, chosen: &Input) -> Result<bool> {
    let Some(ids) = ids else { return Ok(true) };
    let mut left: HashSet<&str> = ids.iter().map(String::as_str).collect();
    for page in 1..=chosen.pages() {
        for row in chosen.page(page)? {
            if let Some(id) = row.raw().get("id").and_then(|id| id.str()) {
                left.remove(id.as_ref());
            }
        }
    }
    let unlisted: Vec<&str> = ids.iter().map(String::as_str).filter(|id| left.contains(id)).collect();
    if !unlisted.is_empty() {
        let some = unlisted.iter().take(5).copied().collect::<Vec<_>>().join(", ");
        let more = if unlisted.len() > 5 { ", ..." } else { "" };
        say(format!("  {} chosen ids are not in the listing: {some}{more}", grouped(unlisted.len() as u64)));
    }
    Ok(unlisted.is_empty())
}

fn lines(plan: &Plan, parts: &Parts, repos: Repos, repositories: u64) -> Vec<String> {
    let mut lines = vec![
        format!("the plan: {} of {} {}", told(parts), grouped(repositories), repos.name()),
        format!(
            "  requests  at least {} of the API, {} for files; about {} at the quota that the Hub documents (an estimate)",
            grouped(plan.api),
            grouped(plan.files),
            duration(plan.seconds)
        ),
    ];
    if parts.has(Part::Config) {
        lines.push("  counts    each config.json that is read counts as a download of its model".into());
    }
    if parts.has(Part::Headers) {
        lines.push(
            "  headers   and a request or a few for each file of weights: their number is not known before"
                .into(),
        );
        lines
            .push("  counts    each GGUF file whose header is read counts as a download of its model".into());
    }
    if repos == Repos::Datasets && parts.has(Part::Card) {
        lines.push("  counts    each README that is read counts as a download of its dataset".into());
    }
    lines
}

/// The whole, or the round of what is missing from it; `None` if nothing is.
fn again<M: Map>(over: Over<M>, wanted: bool, root: &Path, repos: Repos) -> Result<Option<Over<M>>> {
    if !wanted {
        return Ok(Some(over));
    }
    Ok(match Round::next(root, &Details::name(repos)?)? {
        Next::Whole => Some(over),
        Next::Again(round) => Some(over.again(round)?),
        Next::Nothing => {
            say(format!("nothing is missing in {}", root.display()));
            None
        }
    })
}
