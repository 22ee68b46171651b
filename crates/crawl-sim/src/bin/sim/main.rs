//! Starts a double of a service on loopback and runs it until it is killed.

mod discourse;
mod kaggle;

use std::any::Any;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use crawl_sim::{
    Discourse, Hub, HubChange, HubConfig, Kaggle, Llm, LlmConfig, Obeys, Rate, Rule, S3, Window,
};
use discourse::DiscourseArgs;
use kaggle::KaggleArgs;

/// Doubles of services on 127.0.0.1, for tests and demonstrations.
///
/// Prints one line, `listening on http://127.0.0.1:PORT`, and serves until it is killed. Other processes read what it saw
/// at /sim/log, /sim/stats, /sim/tally and /sim/asked, and forget it with POST /sim/reset.
#[derive(Parser)]
#[command(version, after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    double: Double,
}

const AFTER_HELP: &str = "\
Faults: --fault '[WHERE@]WHEN=FAULT', several times if wanted; the first rule that is due wins.
  WHERE  list, detail, tree, resolve, cdn, chat, or a path prefix such as /api/models
  WHEN   3, 5-8 (both included), 5-, every:N, p:0.05, all: counts the requests that match WHERE
  FAULT  status:N 429 429:retry-after=N 429:date reset close hang cut longer shorter html utf8 bomb slow:MS trickle:MS
         lists: empty-next repeat-cursor other-origin hub-link no-next unsorted sunk rewind
         row-string row-no-id row-twice; detail: redirect;
         cdn: whole (200 to a Range), and of kaggle: flip expired changed zip-bomb zip-slip tar-links;
         resolve, of kaggle: stray; kaggle: refuse:rules refuse:denied refuse:consent refuse:phone refuse:in-200;
         chat: invalid fenced wrong-id wrong-label refusal length cut-stream

Example:
  sim hub --datasets 5000 --window 50/2 --fault list@3=status:502 --fault detail@p:0.01=reset
  HF_ENDPOINT=http://127.0.0.1:PORT hf-crawler ...

Exit status: 1 if it could not start (a port is taken, a folder cannot be read), 2 for wrong arguments.";

const LLM_HELP: &str = "\
The faults are those of `sim --help`: chat, with invalid, fenced, wrong-id, wrong-label, refusal, length and cut-stream.

Example:
  sim llm --latency 20-300 --fault p:0.05=invalid
  OPENAI_BASE_URL=http://127.0.0.1:PORT/v1 llm-classifier run weekly data/2_processed --root data/3_classified --model sim-1";

#[derive(Subcommand)]
enum Double {
    /// The Hugging Face Hub
    #[command(after_help = AFTER_HELP)]
    Hub(HubArgs),
    /// Kaggle: RPC at /v1 and /api/v1, the old REST form at /api/v1, files from a second port by signed links
    #[command(after_help = kaggle::HELP)]
    Kaggle(KaggleArgs),
    /// A forum that runs on Discourse: lists, topics, posts, pictures, robots.txt
    #[command(after_help = discourse::HELP)]
    Discourse(DiscourseArgs),
    /// An OpenAI-compatible language model at /v1
    #[command(after_help = LLM_HELP)]
    Llm(LlmArgs),
    /// No server: a listing of models that nobody made, and details of some, each row with `"synthetic": true`
    #[command(after_help = MODELS_HELP)]
    Models(ModelsArgs),
    /// A real S3 server; it knows no faults
    #[command(after_help = S3_HELP)]
    S3(S3Args),
}

const S3_HELP: &str = "\
Example:
  mkdir -p s3/bucket && sim s3 s3 --port 9000
  AWS_ENDPOINT_URL=http://127.0.0.1:9000 AWS_ACCESS_KEY_ID=AKIDFORTESTS \\
      AWS_SECRET_ACCESS_KEY=a-secret-that-must-not-be-seen-anywhere s3-uploader ls s3://bucket/";

const MODELS_HELP: &str = "\
Example:
  sim models --synthetic 100000 --root data/synthetic
  hf-crawler catalogue data/synthetic --to synthetic.parquet
  hf-crawler fits synthetic.parquet --memory 24GiB";

#[derive(Args)]
struct ModelsArgs {
    /// So many models; memory does not depend on their number
    #[arg(long, value_name = "COUNT")]
    synthetic: u64,
    /// The same seed makes the same models
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the pages go, as those of a crawl; run it again to go on
    #[arg(long, value_name = "DIR")]
    root: PathBuf,
}

#[derive(Args)]
struct S3Args {
    /// The folder that holds the objects; the folders in it are buckets
    root: PathBuf,
    /// Where to listen; 0 takes a free port
    #[arg(long, default_value_t = 0)]
    port: u16,
}

#[derive(Args)]
struct HubArgs {
    /// Where to listen; 0 takes a free port
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// How many datasets there are
    #[arg(long, value_name = "COUNT", default_value_t = 1000)]
    datasets: u64,
    /// How many models there are
    #[arg(long, value_name = "COUNT", default_value_t = 1000)]
    models: u64,
    /// The same seed makes the same repositories
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Repositories beyond this many are younger than 2026-11-22 [default: as many as there are]
    #[arg(long, value_name = "COUNT")]
    horizon: Option<u64>,
    /// So many of the oldest were changed after 2026-11-22
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    touched: u64,
    /// What changes before a list, such as 3=rename:10:5 (before the third, five of the models); WHAT is touch, count,
    /// rename, vanish, hide, back, gate, license, or appear:COUNT. With datasets@ before it: of datasets
    #[arg(long = "change", value_name = "N=WHAT:FROM:COUNT")]
    changes: Vec<HubChange>,
    /// A quota of requests for each fixed window
    #[arg(long, value_name = "REQUESTS/SECONDS")]
    window: Option<Share<u64, f64>>,
    /// Do not tell the quota in headers
    #[arg(long, requires = "window")]
    no_window_headers: bool,
    /// Lie under this path, as behind a proxy; next links do not know of it
    #[arg(long, value_name = "/PATH", default_value = "")]
    prefix: String,
    /// Refuse any other token; requests without one are served
    #[arg(long)]
    token: Option<String>,
    /// Refuse requests without a token
    #[arg(long)]
    require_token: bool,
    /// What goes wrong (see below)
    #[arg(long = "fault", value_name = "RULE")]
    faults: Vec<Rule>,
    /// Serve the recorded bodies in this folder
    #[arg(long, value_name = "DIR")]
    replay: Option<PathBuf>,
    /// Pack answers for clients that accept it
    #[arg(long)]
    gzip: bool,
    /// Wait so many milliseconds before each answer
    #[arg(long, value_name = "MS", default_value_t = 0)]
    latency: u64,
}

#[derive(Args)]
struct LlmArgs {
    /// Where to listen; 0 takes a free port
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Refuse any other key
    #[arg(long)]
    key: Option<String>,
    /// A model that it has [default: sim-1 and sim-mini]
    #[arg(long = "model", value_name = "NAME")]
    models: Vec<String>,
    /// What goes wrong (see below)
    #[arg(long = "fault", value_name = "RULE")]
    faults: Vec<Rule>,
    /// Milliseconds before each answer, at random between the two
    #[arg(long, value_name = "MIN-MAX")]
    latency: Option<Latency>,
    /// A quota for each fixed window
    #[arg(long, value_name = "REQUESTS/TOKENS/SECONDS")]
    rate: Option<Share<u64, Share<u64, f64>>>,
    /// Obey orders inside records, as a weak model does: those that name the answer, its place in the list too, or what it
    /// means
    #[arg(long, value_name = "WHAT", num_args = 0..=1, default_missing_value = "names")]
    obeys: Option<Obedience>,
    /// How many seconds a batch takes
    #[arg(long, value_name = "SECONDS", default_value_t = 0.3)]
    batch_takes: f64,
    /// Count tokens as OpenAI's models do, not four bytes as one
    #[arg(long)]
    tokenizes: bool,
    /// Of latencies and chances
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(ValueEnum, Clone, Copy)]
enum Obedience {
    Names,
    Positions,
    Descriptions,
}

impl From<Obedience> for Obeys {
    fn from(what: Obedience) -> Self {
        match what {
            Obedience::Names => Obeys::Names,
            Obedience::Positions => Obeys::Positions,
            Obedience::Descriptions => Obeys::Descriptions,
        }
    }
}

/// `LEFT/RIGHT`
#[derive(Clone, Copy)]
struct Share<L, R>(L, R);

impl<L: FromStr, R: FromStr> FromStr for Share<L, R> {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text
            .split_once('/')
            .and_then(|(left, right)| Some(Self(left.parse().ok()?, right.parse().ok()?)));
        parts.ok_or("expected numbers with / between them")
    }
}

/// `MIN-MAX`
#[derive(Clone, Copy)]
struct Latency(u64, u64);

impl FromStr for Latency {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (least, most) = text.split_once('-').unwrap_or((text, text));
        let parts = least.parse().ok().zip(most.parse().ok()).filter(|(least, most)| least <= most);
        parts.map(|(least, most)| Self(least, most)).ok_or("expected MIN-MAX in milliseconds")
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let double = match Cli::parse().double {
        Double::Models(args) => {
            return told(crawl_sim::synthetic(&args.root, args.synthetic, args.seed).await);
        }
        double => double,
    };
    let port = double.port();
    let started = match double {
        Double::Models(_) => unreachable!("it is no server and has ended"),
        Double::Hub(args) => Hub::start(args.into()).await.and_then(|hub| serve(&hub.url(), hub)),
        Double::Kaggle(args) => {
            Kaggle::start(args.into()).await.and_then(|kaggle| serve(&kaggle.url(), kaggle))
        }
        Double::Discourse(args) => match args.config() {
            Ok(config) => Discourse::start(config).await.and_then(|forum| serve(&forum.site(), forum)),
            Err(error) => Err(error),
        },
        Double::Llm(args) => Llm::start(args.into()).await.and_then(|llm| serve(&llm.url(), llm)),
        Double::S3(args) if !args.root.is_dir() => Err(std::io::Error::other(format!(
            "there is no folder {}: make it, with a folder in it for each bucket",
            args.root.display()
        ))),
        Double::S3(args) => S3::start(&args.root, args.port).and_then(|s3| serve(&s3.url(), s3)),
    };
    match started {
        Ok(_running) => std::future::pending().await,
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            let what = format!("port {port} is taken: name another one, or --port 0 for one that is free");
            told(Err(std::io::Error::other(what)))
        }
        Err(error) => told(Err(error)),
    }
}

impl Double {
    fn port(&self) -> u16 {
        match self {
            Double::Hub(args) => args.port,
            Double::Kaggle(args) => args.port,
            Double::Discourse(args) => args.port,
            Double::Llm(args) => args.port,
            Double::S3(args) => args.port,
            Double::Models(_) => 0,
        }
    }
}

fn told(result: std::io::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing can be done if there is nobody to read it.
            let _ = writeln!(std::io::stderr(), "sim: {error}");
            ExitCode::from(1)
        }
    }
}

/// Tells where it listens. It runs as long as what is given back.
fn serve(url: &str, running: impl Any) -> std::io::Result<Box<dyn Any>> {
    let mut out = std::io::stdout();
    writeln!(out, "listening on {url}")?;
    out.flush()?;
    Ok(Box::new(running))
}

impl From<HubArgs> for HubConfig {
    fn from(args: HubArgs) -> Self {
        let headers = !args.no_window_headers;
        Self {
            port: args.port,
            datasets: args.datasets,
            models: args.models,
            seed: args.seed,
            horizon: args.horizon,
            touched: args.touched,
            changes: args.changes,
            window: args.window.map(|Share(quota, seconds)| Window { quota, seconds, headers }),
            token: args.token,
            require_token: args.require_token,
            faults: args.faults,
            replay: args.replay,
            latency: Duration::from_millis(args.latency),
            gzip: args.gzip,
            prefix: args.prefix,
            ..Self::default()
        }
    }
}

impl From<LlmArgs> for LlmConfig {
    fn from(args: LlmArgs) -> Self {
        let default = Self::default();
        Self {
            port: args.port,
            key: args.key,
            models: if args.models.is_empty() { default.models } else { args.models },
            latency_ms: args.latency.map_or((0, 0), |Latency(least, most)| (least, most)),
            seed: args.seed,
            faults: args.faults,
            rate: args.rate.map(|Share(requests, Share(tokens, seconds))| Rate { requests, tokens, seconds }),
            obeys: args.obeys.map(Into::into),
            tokenizes: args.tokenizes,
            batch_takes: Duration::try_from_secs_f64(args.batch_takes).unwrap_or_default(),
            ..default
        }
    }
}
