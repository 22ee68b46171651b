//! The whole weekly job against the doubles, with the real programs: `cargo demo`.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use clap::Parser;
use crawl_sim::{Hub, HubConfig, Llm, LlmConfig, Running, S3};

/// Crawl, process, classify, convert and move to a bucket, against servers on this machine.
///
/// Nothing leaves the machine and no key is needed. What is run is printed as you would type it.
#[derive(Parser)]
#[command(name = "cargo demo", after_help = "Example:\n  cargo demo --dir /tmp/gleaner-demo --rows 2000")]
struct Cli {
    /// Where the files go; it must be new or empty [default: a new temporary folder, which is kept]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// How many datasets the double of the Hub has
    #[arg(long, default_value_t = 3000)]
    rows: u64,
}

/// The programs that the demonstration runs, by package.
const PROGRAMS: [&str; 4] = ["hf-crawler", "llm-classifier", "record-converter", "s3-uploader"];

type Result<T> = std::result::Result<T, String>;

fn main() -> ExitCode {
    match demonstrate(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("demo: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn demonstrate(cli: &Cli) -> Result<()> {
    let began = Instant::now();
    let repository = repository()?;
    say("1. Building the programs (the first time takes a few minutes) ...");
    build(&repository)?;
    let folder = folder(cli.dir.as_deref())?;
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    let (hub, model) = runtime.block_on(doubles(cli.rows))?;
    say(&format!("   The Hub's double listens on {}, the language model's on {}.", hub.url(), model.url()));
    let s3 = bucket(&folder.join("s3"))?;
    say(&format!(
        "   An S3 server listens on {}; it keeps its objects in {}/s3.",
        s3.url(),
        folder.display()
    ));
    let job = Job { repository, folder, hub, model, s3 };
    job.run()?;
    job.report(began.elapsed().as_secs());
    Ok(())
}

/// The checkout this program was built from: its task and filter files are what the job runs with.
fn repository() -> Result<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    path.canonicalize().map_err(|error| format!("the checkout {} is gone: {error}", path.display()))
}

#[allow(clippy::disallowed_methods, reason = "cargo tells the path of itself in this variable")]
fn build(repository: &Path) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(repository).args(["build", "--quiet"]);
    for package in PROGRAMS {
        command.args(["--package", package]);
    }
    succeed(command.stdout(Stdio::null()), "building the programs")
}

fn folder(wanted: Option<&Path>) -> Result<PathBuf> {
    let Some(folder) = wanted else {
        let folder = tempfile::Builder::new().prefix("gleaner-demo-").tempdir();
        return folder.map(tempfile::TempDir::keep).map_err(|error| format!("no temporary folder: {error}"));
    };
    std::fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    let used = std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    if used {
        return Err(format!("{} is not empty; name a new folder", folder.display()));
    }
    folder.canonicalize().map_err(|error| error.to_string())
}

async fn doubles(rows: u64) -> Result<(Running, Running)> {
    let hub = HubConfig { datasets: rows, models: 0, ..HubConfig::default() };
    let hub = Hub::start(hub).await.map_err(|error| format!("the Hub's double did not start: {error}"))?;
    let model = LlmConfig { latency_ms: (5, 40), ..LlmConfig::default() };
    let model =
        Llm::start(model).await.map_err(|error| format!("the model's double did not start: {error}"))?;
    Ok((hub, model))
}

/// A real S3 server with an empty bucket.
fn bucket(folder: &Path) -> Result<S3> {
    let made = std::fs::create_dir_all(folder.join("gleaner"));
    made.and_then(|()| S3::start(folder, 0)).map_err(|error| format!("the S3 server did not start: {error}"))
}

struct Job {
    repository: PathBuf,
    folder: PathBuf,
    hub: Running,
    model: Running,
    s3: S3,
}

impl Job {
    fn run(&self) -> Result<()> {
        let filter = self.repository.join("configs/filters/weekly.toml");
        let tasks = self.repository.join("configs/tasks");
        let (filter, tasks) = (filter.display().to_string(), tasks.display().to_string());
        let (hub, model) = (self.hub.url(), format!("{}/v1", self.model.url()));
        say("2. Listing every dataset of the Hub:");
        self.step("hf-crawler", &["datasets", "--root", "week/1_crawled", "--endpoint", &hub])?;
        say("3. Keeping what the weekly filter keeps:");
        self.step(
            "hf-crawler",
            &[
                "process",
                "week/1_crawled",
                "--root",
                "week/2_processed",
                "--filter",
                &filter,
                "--history",
                "history.jsonl",
            ],
        )?;
        say("4. Classifying what was kept, with every answer kept in a cache:");
        self.step(
            "llm-classifier",
            &[
                "run",
                "weekly",
                "week/2_processed",
                "--root",
                "week/3_classified",
                "--cache",
                "cache",
                "--tasks",
                &tasks,
                "--model",
                "sim-1",
                "--base-url",
                &model,
            ],
        )?;
        say("5. Converting to Excel:");
        self.step("record-converter", &["week/3_classified", "week/3_classified.xlsx"])?;
        say("6. Remembering what was had, so that next week leaves it out:");
        self.step("hf-crawler", &["history", "add", "week/3_classified", "--history", "history.jsonl"])?;
        say(
            "7. Moving the week to a bucket; a file is deleted when its object is proven and its receipt written:",
        );
        let receipts = "receipts.jsonl";
        let bucket = "s3://gleaner/week";
        self.step(
            "s3-uploader",
            &["move", "week", bucket, "--receipts", receipts, "--remove-empty-folders"],
        )?;
        say("8. Asking the bucket once more for all that the receipts tell of, byte by byte:");
        self.step("s3-uploader", &["verify", receipts, "--deep"])
    }

    /// Runs a program in the folder; its quiet words go to the terminal.
    fn step(&self, program: &str, arguments: &[&str]) -> Result<()> {
        let words: Vec<&str> = std::iter::once(program).chain(arguments.iter().copied()).collect();
        say(&format!("   $ {}", words.join(" ")));
        let beside = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut command =
            Command::new(beside.with_file_name(format!("{program}{}", std::env::consts::EXE_SUFFIX)));
        command.current_dir(&self.folder).args(arguments).arg("--quiet");
        // The demonstration is the same whatever tokens and endpoints this machine has.
        for name in [
            "HF_TOKEN",
            "HF_ENDPOINT",
            "HF_HUB_OFFLINE",
            "OPENAI_API_KEY",
            "OPENAI_BASE_URL",
            "HTTP_PROXY",
            "http_proxy",
            "AWS_PROFILE",
            "AWS_SESSION_TOKEN",
            "AWS_ENDPOINT_URL_S3",
            "AWS_REQUEST_CHECKSUM_CALCULATION",
        ] {
            command.env_remove(name);
        }
        command.env("AWS_ENDPOINT_URL", self.s3.url()).env("AWS_REGION", "us-east-1");
        command.env("AWS_ACCESS_KEY_ID", S3::KEY).env("AWS_SECRET_ACCESS_KEY", S3::SECRET);
        command.env("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1");
        succeed(&mut command, &words.join(" "))
    }

    fn report(&self, seconds: u64) {
        let folder = self.folder.display();
        say(&format!(
            "\n\
Done in {seconds} s. Everything is in {folder}:
  s3/gleaner/week/           the bucket, as its server keeps it; nothing of it is in {folder}/week any more:
    1_crawled/hf/datasets/     the listing, word for word, a page a file
    2_processed/hf/datasets/   the rows that passed the filter, 14 fields each
    3_classified/hf/datasets/  the same with domain_names, domain_ids, domain_reasoning
    3_classified.xlsx          the same for Excel
  receipts.jsonl             what was moved where, and how it was proven
  history.jsonl, cache/      what was had, and every answer of the model, for next week

Look:   head -2 {folder}/s3/gleaner/week/3_classified/hf/datasets/page_00001.jsonl
For real, with `just` (https://just.systems) and a model's key:
  OPENAI_API_KEY=... just weekly
  just upload s3://bucket/prefix        with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY
or step by step, the commands above without --endpoint and --base-url. `just --list` shows the rest."
        ));
    }
}

fn succeed(command: &mut Command, what: &str) -> Result<()> {
    match command.stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("this failed ({status}): {what}")),
        Err(error) => Err(format!("cannot run {:?}: {error}", command.get_program())),
    }
}

#[allow(clippy::print_stderr, reason = "a demonstration speaks to people")]
fn say(text: &str) {
    eprintln!("{text}");
}
