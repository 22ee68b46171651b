//! `record-search query`, `like` and `explain`.

use std::path::PathBuf;

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Args, ValueEnum};
use crawl_cli::{Outcome, print};
use record_search::{Index, Mode, Query, Sort};
use tokio::runtime::Handle;

use super::show;
use super::vectors::VectorFlags;

pub(super) const EXAMPLES: &str = "Examples:
  record-search query 'whisper german license:mit' --index data/index
  record-search query '\"speech recognition\" -english params:<1B' --index data/index --sort downloads
  record-search query 'llama 3 gguf license:apache-2.0,mit context:>=32k' --index data/index --json
  record-search query 'small llama' --index data/index --fits 'RTX 4090' --context 32k --fold
  record-search query 'task:text-generation' --index data/index --facet license --facet library
Words count in ids, names, owners, tags and cards; \"phrases\" and name:words must stand there, -words must not,
begin* is any word that begins so. column:value filters: a,b is one of these, a* begins so, >=5, 1B..8B, 2024-01-01..,
* is known, ? unknown, and `value,?` lets the unknown pass too. fits:\"RTX 4090@32k\", memory:<16GiB@8k and
speed:\">=20@RTX 4090\" (an upper bound of tokens a second) look at several columns.";

#[derive(ValueEnum, Clone, Copy, Debug)]
enum By {
    Both,
    Words,
    Meaning,
}

#[derive(Args, Debug)]
pub(super) struct QueryFlags {
    /// Words, "phrases", -words, column:value; none: all that pass the filters, the most popular first. Where it begins with a minus: put it last, behind `--`
    #[arg(value_name = "TEXT")]
    text: Vec<String>,
    #[command(flatten)]
    how: How,
}

#[derive(Args, Debug)]
pub(super) struct LikeFlags {
    /// A key (`source:id`), or an id that only one source has
    pub(super) id: String,
    #[command(flatten)]
    how: How,
    /// Also say where the scores are from
    #[arg(long)]
    pub(super) explain: bool,
}

#[derive(Args, Debug)]
struct How {
    /// The folder of the index
    #[arg(long, value_name = "DIR")]
    index: PathBuf,
    /// At most so many hits
    #[arg(long, value_name = "N", default_value_t = 10)]
    limit: usize,
    /// Leave out so many of the first
    #[arg(long, value_name = "N", default_value_t = 0)]
    offset: usize,
    /// column:value, as in the text; may be given several times
    #[arg(long, value_name = "FILTER", allow_hyphen_values = true)]
    filter: Vec<String>,
    /// By a column, such as downloads or created:asc, instead of relevance
    #[arg(long, value_name = "COLUMN")]
    sort: Option<String>,
    /// What ranks
    #[arg(long, value_name = "WHAT", default_value = "both")]
    by: By,
    /// Only what fits this device, or so many bytes (24GiB), at the high estimate of memory; see configs/hardware.toml
    #[arg(long, value_name = "DEVICE")]
    fits: Option<String>,
    /// Tokens of context for --fits
    #[arg(long, value_name = "TOKENS", default_value = "8192", requires = "fits")]
    context: String,
    /// Quantisations stand under what they are of: one hit for all
    #[arg(long)]
    fold: bool,
    /// Count the values of this column in what was found; may be given several times
    #[arg(long, value_name = "COLUMN")]
    facet: Vec<String>,
    /// How many values of each are told
    #[arg(long, value_name = "N", default_value_t = 10)]
    facet_values: usize,
    #[command(flatten)]
    vectors: VectorFlags,
    /// For programs
    #[arg(long)]
    json: bool,
}

pub(super) fn like(flags: &LikeFlags, runtime: &Handle) -> Result<Outcome> {
    ask(&flags.how, String::new(), Some(flags.id.clone()), flags.explain, runtime)
}

pub(super) fn run(flags: &QueryFlags, explain: bool, runtime: &Handle) -> Result<Outcome> {
    ask(&flags.how, flags.text.join(" "), None, explain, runtime)
}

fn ask(how: &How, text: String, like: Option<String>, explain: bool, runtime: &Handle) -> Result<Outcome> {
    let mut filters = how.filter.clone();
    filters.extend(how.fits.as_ref().map(|device| format!("fits:\"{device}@{}\"", how.context)));
    let index = Index::open(&how.index, how.vectors.embedder(&how.index, runtime)?)?;
    let query = Query {
        text,
        like,
        filters,
        sort: how.sort.as_deref().map(Sort::parse).transpose()?,
        mode: match how.by {
            By::Both => Mode::Both,
            By::Words => Mode::Words,
            By::Meaning => Mode::Meaning,
        },
        limit: how.limit,
        offset: how.offset,
        facets: how.facet.clone(),
        facet_texts: how.facet_values,
        fold: how.fold,
        explain,
    };
    let found = index.search(&query)?;
    print(if how.json { serde_json::to_string(&found)? } else { show::hits(&found, how.offset) });
    Ok(Outcome::Done)
}
