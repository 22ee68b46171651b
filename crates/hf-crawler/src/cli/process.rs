//! `process`: what is kept of a listing.

use std::path::{Path, PathBuf};

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Args};
use crawl_cli::{Known, Outcome, Session, grouped, say};
use crawl_core::{Error, Input, Kind, Pump, Share, SourceId, Staged, Store, Stored, Timestamp};
use hf_crawler::{Filter, History, Processed};
use s3_uploader::UploadFlags;

use super::Packing;

#[derive(Args, Debug)]
pub(crate) struct ProcessArgs {
    /// The root of a finished crawl
    input: PathBuf,
    /// Where the kept rows go
    #[arg(long, value_name = "DIR")]
    root: PathBuf,
    /// The filter file; see configs/filters/
    #[arg(long, value_name = "FILE")]
    filter: Option<PathBuf>,
    /// Drop what is in this history
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
    /// Only created on or after this day; goes before the filter file
    #[arg(long, value_name = "DAY")]
    created_from: Option<String>,
    /// Only created on or before this day
    #[arg(long, value_name = "DAY")]
    created_to: Option<String>,
    /// Only changed on or after this day
    #[arg(long, value_name = "DAY")]
    modified_from: Option<String>,
    /// Only changed on or before this day
    #[arg(long, value_name = "DAY")]
    modified_to: Option<String>,
    /// The day that is written into each row [default: that of the root's first run, else today, UTC]
    #[arg(long, value_name = "DAY")]
    collect_date: Option<String>,
    /// Only a part of the pages, such as 3/16, from 0/16 to 15/16; `gather ROOT` joins them
    #[arg(long, value_name = "I/N", conflicts_with_all = ["upload", "cloud"])]
    share: Option<Share>,
    /// How committed pages are compressed
    #[arg(long, value_enum, default_value_t = Packing::None)]
    compress: Packing,
    #[command(flatten)]
    upload: UploadFlags,
}

pub(crate) async fn run(arguments: ProcessArgs, session: &Session) -> Result<Outcome> {
    let mut filter = arguments.filter.as_deref().map(Filter::read).transpose()?.unwrap_or_default();
    let set = |days: &mut Option<hf_crawler::Days>, from: Option<String>, to: Option<String>| {
        if from.is_some() || to.is_some() {
            let before = days.take().unwrap_or_default();
            *days = Some(hf_crawler::Days { from: from.or(before.from), to: to.or(before.to) });
        }
    };
    set(&mut filter.created, arguments.created_from, arguments.created_to);
    set(&mut filter.modified, arguments.modified_from, arguments.modified_to);
    let same = |path: &PathBuf| path.canonicalize().ok();
    if same(&arguments.input).is_some() && same(&arguments.input) == same(&arguments.root) {
        let what = "the listing that is read and the root that is written are the same";
        return Err(Error::new(Kind::Config, what)
            .at(arguments.root.display().to_string())
            .advise("name another --root")
            .into());
    }
    let id = SourceId::new("hf/datasets")?;
    let input = Input::open(&arguments.input, &id)?;
    let earlier = collect_date_of(&arguments.root, &id);
    let history = match &arguments.history {
        Some(path) => snapshot(path, &arguments.root, earlier.is_some(), arguments.share)?,
        None => History::default(),
    };
    let today = || Timestamp::now().to_string()[..10].to_owned();
    let collect_date = arguments.collect_date.or(earlier).unwrap_or_else(today);
    let source = Processed::over(input, &filter, history, &collect_date)?.share(arguments.share)?;
    let store = Store::new(&arguments.root).with_compression(arguments.compress.into());
    let known = Known { expects: source.expects(), ..Known::default() };
    let crawled = arguments.upload.crawl(session, &source, &store, Pump::default(), known);
    let (_, outcome) = crawled.await?;
    if !session.flags().quiet {
        let census = source.map().census();
        for (name, count) in &census.wrong {
            say(format!(
                "  {} of {} rows have {name} of another type",
                grouped(*count),
                grouped(census.records)
            ));
        }
        for (name, count) in &census.absent {
            say(format!("  {} of {} rows have no {name}", grouped(*count), grouped(census.records)));
        }
    }
    Ok(outcome)
}

/// The day that earlier runs wrote into the rows of this listing, or of any share of it: shares of two days would not
/// be gathered.
fn collect_date_of(root: &Path, id: &SourceId) -> Option<String> {
    let there = Stored::everything(root).unwrap_or_default();
    let ours =
        |found: &&SourceId| *found == id || Share::of_name(found).is_some_and(|(whole, _)| whole == *id);
    there.iter().filter(ours).find_map(|found| {
        let stored = Stored::open(root, found).ok()?;
        Some(stored.checkpoint().settings.as_ref()?.get("collect_date")?.to_owned())
    })
}

/// The history as it was when this root was begun: a copy of it lies in the root, so that remembering another run
/// meanwhile changes nothing here, and so that all shares have the same one.
fn snapshot(path: &Path, root: &Path, begun: bool, share: Option<Share>) -> Result<History> {
    let copy = root.join("history.jsonl");
    let there = begun || share.is_some() && copy.is_file();
    if !there {
        let failed = |cause| Error::io("cannot copy the history into the root", &copy, cause);
        std::fs::create_dir_all(root).map_err(failed)?;
        if path.is_file() {
            // Shares may begin at the same moment.
            let own =
                share.map_or(String::new(), |share| format!(".{}", share.to_string().replace('/', "-of-")));
            let part = root.join(format!("history.jsonl{own}.part"));
            let mut new = Staged::through(&copy, &part)?;
            std::fs::File::open(path)
                .and_then(|mut old| std::io::copy(&mut old, &mut new))
                .map_err(failed)?;
            new.finish()?;
        } else {
            say(format!("history {}: not there yet, nothing is dropped as already seen", path.display()));
        }
    }
    let history = History::read(&copy)?;
    if !history.is_empty() {
        say(format!("history {}: {} datasets", path.display(), grouped(history.len() as u64)));
    }
    Ok(history)
}
