//! The whole weekly job: the Hub, a filter, a language model, Excel, a bucket.

use std::path::Path;

use crawl_sim::{Hub, HubConfig, Llm, LlmConfig, Running, S3};

use crate::stage::{Result, Stage, say};

/// The programs that it runs, by package.
pub(crate) const PROGRAMS: [&str; 4] = ["hf-crawler", "llm-classifier", "record-converter", "s3-uploader"];

pub(crate) fn show(stage: &Stage, rows: u64) -> Result<()> {
    let (hub, model) = stage.runtime.block_on(doubles(rows))?;
    say(&format!("   The Hub's double listens on {}, the language model's on {}.", hub.url(), model.url()));
    let s3 = bucket(&stage.folder.join("s3"))?;
    say(&format!(
        "   An S3 server listens on {}; it keeps its objects in {}/s3.",
        s3.url(),
        stage.folder.display()
    ));
    let job = Job { stage, hub, model, s3 };
    job.run()?;
    job.report();
    Ok(())
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

struct Job<'a> {
    stage: &'a Stage,
    hub: Running,
    model: Running,
    s3: S3,
}

impl Job<'_> {
    fn run(&self) -> Result<()> {
        let filter = self.stage.repository.join("configs/filters/weekly.toml");
        let tasks = self.stage.repository.join("configs/tasks");
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

    fn step(&self, program: &str, arguments: &[&str]) -> Result<()> {
        let s3 = self.s3.url();
        let variables = [
            ("AWS_ENDPOINT_URL", s3.as_str()),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", S3::KEY),
            ("AWS_SECRET_ACCESS_KEY", S3::SECRET),
            ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1"),
        ];
        self.stage.step(program, arguments, &variables)
    }

    fn report(&self) {
        let seconds = self.stage.seconds();
        let folder = self.stage.folder.display();
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
