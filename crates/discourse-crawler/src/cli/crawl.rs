//! `crawl`.

use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::Arc;

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Args, ValueEnum};
use crawl_cli::{HttpFlags, Known, Outcome, Session, say};
use crawl_core::http::Http;
use crawl_core::robots::{Fetched, RobotsCache};
use crawl_core::{Error, Input, Kind, Next, Pump, Round, Staged, Store};
use discourse_crawler::pictures::{Keep, Ocr, Pictures};
use discourse_crawler::{
    Conversations, Earlier, Forum, Place, Select, Site, TOKEN, Topics, host_folder, terms,
};
use futures::{FutureExt, StreamExt};
use regex::Regex;
use s3_uploader::UploadFlags;

use super::account;

/// So many forums are crawled at once.
const FORUMS: usize = 16;

#[derive(Args, Debug)]
pub(crate) struct CrawlArgs {
    /// Forums, categories, tags or topics, as a browser shows their addresses; forums are crawled side by side
    #[arg(value_name = "URL", required = true)]
    urls: Vec<String>,
    /// Where everything goes; a new crawl is a new root
    #[arg(long, value_name = "DIR")]
    root: PathBuf,
    /// List no more than so many topics of each
    #[arg(long, value_name = "TOPICS")]
    limit: Option<u64>,
    /// Only topics whose title or address fits this pattern (a regular expression)
    #[arg(long = "match", value_name = "PATTERN", value_parser = regex)]
    matches: Option<Regex>,
    /// No topics whose title or address fits this pattern
    #[arg(long = "exclude", value_name = "PATTERN", value_parser = regex)]
    excludes: Option<Regex>,
    /// Private messages too, which a key may show
    #[arg(long)]
    private: bool,
    /// The most requests a second to a forum [default: 1]; never more than one at a time
    #[arg(long, value_name = "N", value_parser = crawl_cli::positive)]
    rate: Option<f64>,
    /// Only what these earlier roots do not have in its present state; name all of them, the oldest first
    #[arg(long, value_name = "ROOT")]
    since: Vec<PathBuf>,
    /// With --since: fetch so many of a hundred known topics again, whatever lists say; others each run
    #[arg(long, value_name = "PERCENT", default_value_t = 5, value_parser = clap::value_parser!(u8).range(..=100))]
    recheck: u8,
    /// What becomes of pictures: kept, only read by OCR, or not fetched
    #[arg(long, value_enum, default_value_t = Images::Keep)]
    images: Images,
    /// The languages in which Tesseract reads pictures, such as eng+deu; none: no picture is read
    #[arg(long, value_name = "LANGUAGES", default_value = "eng")]
    ocr_lang: String,
    /// Only list the topics
    #[arg(long, conflicts_with = "retry_missing")]
    list_only: bool,
    /// Ask again for what is missing, into a listing of its own
    #[arg(long)]
    retry_missing: bool,
    /// Topics a page of conversations
    #[arg(long, value_name = "TOPICS", default_value = "10")]
    rows_a_page: NonZeroU64,
    #[command(flatten)]
    http: HttpFlags,
    #[command(flatten)]
    upload: UploadFlags,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Images {
    /// Fetched, kept, and read by OCR if Tesseract is installed
    Keep,
    /// Fetched and read; only the text is kept
    OcrOnly,
    /// Not fetched
    None,
}

fn regex(text: &str) -> Result<Regex, String> {
    Regex::new(text).map_err(|error| error.to_string())
}

pub(crate) async fn run(arguments: CrawlArgs, session: &Session) -> Result<Outcome> {
    let places = arguments.urls.iter().map(|url| Place::read(url)).collect::<Result<Vec<_>, _>>()?;
    for (at, place) in places.iter().enumerate() {
        if places[..at].iter().any(|other| other.base == place.base) {
            let what = "two parts of one forum share the folder of their forum";
            return Err(Error::new(Kind::Config, what)
                .at(arguments.urls[at].clone())
                .advise("crawl each into a root of its own")
                .into());
        }
    }
    if arguments.http.contact.is_none() {
        say(
            "note: --contact ADDRESS tells the forum's operators how to reach you; it is kind, and they block less",
        );
    }
    // Each forum has a rate of its own, so none waits for another.
    let crawls = places.into_iter().map(|place| one(place, &arguments, session).boxed_local());
    let results: Vec<Result<Outcome>> = futures::stream::iter(crawls).buffered(FORUMS).collect().await;
    let mut outcome = Outcome::Done;
    let mut first = None;
    for (result, url) in results.into_iter().zip(&arguments.urls) {
        match result {
            Ok(Outcome::Done) => {}
            // One that was stopped is not done, whatever another one lacks.
            Ok(other) if outcome != Outcome::Stopped => outcome = other,
            Ok(_) => {}
            Err(error) if arguments.urls.len() > 1 => {
                say(format!("{url}: {error:#}"));
                first.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    first.map_or(Ok(outcome), Err)
}

async fn one(place: Place, arguments: &CrawlArgs, session: &Session) -> Result<Outcome> {
    // What is wrong with a flag is told before anybody is asked.
    let earlier = match arguments.since.is_empty() {
        true => None,
        false => {
            let roots = arguments.since.iter().map(PathBuf::as_path);
            Some(Arc::new(Earlier::read(roots, &Conversations::name(&place.base)?)?))
        }
    };
    let forum = forum(&place, arguments, session).await?;
    let site = Site::of(&forum).await?;
    keep_terms(&forum, arguments).await?;
    let waiting = || forum.waiting();
    let known = Known { expects: arguments.limit, waiting: Some(&waiting), ..Known::default() };
    let store = Store::new(&arguments.root);
    let topics = Topics::new(forum.clone(), place.what)?.since(earlier.clone(), arguments.recheck);
    let id = crawl_core::Source::id(&topics).clone();
    let options = Pump::default().rows(arguments.limit);
    let listed = session.crawl(&topics, &store, options, known).await?.1;
    if arguments.list_only || listed == Outcome::Stopped {
        return Ok(listed);
    }
    let select = Select {
        matches: arguments.matches.clone(),
        excludes: arguments.excludes.clone(),
        private: arguments.private,
        earlier,
    };
    let input = Input::open(&arguments.root, &id)?;
    let pictures = pictures(arguments, &forum)?;
    let over = Conversations::over(input, forum.clone(), site, select, pictures)?
        .rows_a_page(Some(arguments.rows_a_page));
    let over = match arguments.retry_missing {
        true => match Round::next(&arguments.root, &Conversations::name(&place.base)?)? {
            Next::Whole => over,
            Next::Again(round) => over.again(round)?,
            Next::Nothing => {
                say(format!("nothing is missing in {}", arguments.root.display()));
                return Ok(listed);
            }
        },
        false => over,
    };
    let known = Known { expects: over.expects(), waiting: Some(&waiting), ..Known::default() };
    let crawled = arguments.upload.crawl(session, &over, &store, Pump::default(), known).await?.1;
    Ok(if crawled == Outcome::Done { listed } else { crawled })
}

/// What becomes of pictures; without Tesseract they are kept and not read.
fn pictures(arguments: &CrawlArgs, forum: &Forum) -> Result<Pictures> {
    let keep = match arguments.images {
        Images::Keep => Keep::Keep,
        Images::OcrOnly => Keep::OcrOnly,
        Images::None => Keep::None,
    };
    let wanted = keep != Keep::None && arguments.ocr_lang != "none";
    let ocr = if wanted { Ocr::find("tesseract", &arguments.ocr_lang)? } else { None };
    if wanted && ocr.is_none() {
        let install = "install Tesseract (Debian: apt-get install tesseract-ocr)";
        if keep == Keep::OcrOnly {
            return Err(Error::new(
                Kind::Config,
                "--images ocr-only wants Tesseract, which is not installed",
            )
            .advise(format!("{install}, or keep the pictures with --images keep"))
            .into());
        }
        say(format!("note: pictures are kept and not read: {install}, or say --ocr-lang none"));
    }
    Ok(Pictures::new(forum.http().clone(), forum.base().clone(), keep, ocr))
}

/// The forum, asked as its robots.txt wants it.
async fn forum(place: &Place, arguments: &CrawlArgs, session: &Session) -> Result<Forum> {
    let mut config = arguments.http.http(4, session.stop());
    config.per_second = arguments.rate.or(config.per_second);
    let fetched = RobotsCache::new(Http::new(config.clone())?, TOKEN).fetched(&place.base, false).await?;
    if let Fetched::Unreachable { why } = &*fetched {
        return Err(Error::new(Kind::Transient, "robots.txt cannot be had, so nothing is crawled")
            .at(place.base.to_string())
            .because(why.clone())
            .advise("check the address; if it is right, run the same command again when the forum answers")
            .into());
    }
    let rules = fetched.agent(TOKEN);
    if let Fetched::Found(robots) = &*fetched
        && let trainers @ [_, ..] = &*robots.refused_trainers()
    {
        say(format!(
            "note: robots.txt refuses crawlers for training by name ({}); this one it does not",
            trainers.join(", ")
        ));
    }
    if fetched.is_guarded() {
        say("note: robots.txt is kept from us; the rules allow to go on, the operators may mean otherwise");
    }
    if let Some(delay) = rules.crawl_delay().filter(|delay| !delay.is_zero()) {
        let slowest = 1.0 / delay.as_secs_f64();
        config.per_second = Some(config.per_second.map_or(slowest, |rate| rate.min(slowest)).min(1.0));
    }
    let free = config.per_second.is_some();
    let forum =
        account::with_account(Forum::new(Http::new(config)?, place.base.clone()))?.obeying(Arc::new(rules));
    Ok(if free { forum.at_any_rate() } else { forum })
}

/// The forum's terms lie beside what was had under them, as they were at the beginning.
async fn keep_terms(forum: &Forum, arguments: &CrawlArgs) -> Result<()> {
    let folder = arguments.root.join("discourse").join(host_folder(forum.base()));
    let path = folder.join("terms.md");
    if path.is_file() {
        return Ok(());
    }
    if let Some(text) = terms(forum).await? {
        std::fs::create_dir_all(&folder)
            .map_err(|cause| Error::io("cannot make the folder", &folder, cause))?;
        Staged::put(&path, text.as_bytes())?;
    }
    Ok(())
}
