//! `cache`: what the response cache holds, and leaving old answers out.

use std::path::PathBuf;

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Args, Subcommand};
use crawl_cli::{Outcome, counted, grouped, print, say, size};
use crawl_core::{Error, Kind, Timestamp};
use llm_classifier::{Cache, Prune, prune};

pub(crate) const EXAMPLES: &str = "\
Examples:
  llm-classifier cache stats data/cache
  llm-classifier cache prune data/cache --older-than 180 --dry-run
  llm-classifier cache prune data/cache --prompt 0f3a9c1b2d4e5f60";

#[derive(Subcommand)]
pub(crate) enum CacheCommand {
    /// Answers, tokens and dollars by task, model and prompt
    Stats(Stats),
    /// Leave answers out, for ever; all that is named must hold
    Prune(PruneArgs),
}

#[derive(Args)]
pub(crate) struct Stats {
    /// The cache: a .jsonl file, or a folder with answers.jsonl
    cache: PathBuf,
    /// As a JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(crate) struct PruneArgs {
    /// The cache: a .jsonl file, or a folder with answers.jsonl
    cache: PathBuf,
    /// Answers older than so many days
    #[arg(long, value_name = "DAYS")]
    older_than: Option<u32>,
    /// Answers of this task
    #[arg(long, value_name = "NAME")]
    task: Option<String>,
    /// Answers of this model
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Answers to this prompt, by its digest
    #[arg(long, value_name = "DIGEST")]
    prompt: Option<String>,
    /// Only tell what would go
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(command: CacheCommand) -> Result<Outcome> {
    match command {
        CacheCommand::Stats(arguments) => stats(&arguments),
        CacheCommand::Prune(arguments) => pruned(arguments),
    }
}

fn stats(arguments: &Stats) -> Result<Outcome> {
    if !arguments.cache.exists() {
        return Err(Error::new(Kind::Config, "there is no cache")
            .at(arguments.cache.display().to_string())
            .advise("name the .jsonl file or the folder that --cache named")
            .into());
    }
    let sums = Cache::sums(&arguments.cache)?;
    if !arguments.json {
        let head = ["answers", "sent", "received", "dollars", "size"];
        print(format!(
            "{:<16} {:<24} {:<16} {:>10} {:>13} {:>13} {:>12} {:>10}",
            "task", "model", "prompt", head[0], head[1], head[2], head[3], head[4]
        ));
    }
    for ((task, model, prompt), sum) in &sums {
        if arguments.json {
            let line = serde_json::json!({"task": task, "model": model, "prompt": prompt, "sums": sum});
            print(line);
            continue;
        }
        let cost = match sum.unpriced {
            0 => format!("{:.4}", sum.cost_usd),
            _ => format!("{:.4} + ?", sum.cost_usd),
        };
        print(format!(
            "{task:<16} {model:<24} {prompt:<16} {:>10} {:>13} {:>13} {cost:>12} {:>10}",
            grouped(sum.answers),
            grouped(sum.prompt_tokens),
            grouped(sum.completion_tokens),
            size(sum.bytes)
        ));
    }
    if sums.values().any(|sum| sum.unpriced > 0) && !arguments.json {
        print("? = the price of some answers was not known when they were paid");
    }
    let answers = sums.values().map(|sum| sum.answers).sum();
    say(format!("{}: {}", arguments.cache.display(), counted(answers, "answer")));
    Ok(Outcome::Done)
}

fn pruned(arguments: PruneArgs) -> Result<Outcome> {
    let PruneArgs { cache, older_than, task, model, prompt, dry_run } = arguments;
    let age = |days: u32| std::time::Duration::from_secs(u64::from(days) * 86_400);
    let before = older_than.and_then(|days| Timestamp::now().checked_sub(age(days)).ok());
    let pruned = prune(&cache, &Prune { before, task, prompt, model, dry_run })?;
    let word = if dry_run { "would go" } else { "left out" };
    print(format!(
        "{} ({}) {word}, {} stay",
        counted(pruned.gone, "answer"),
        size(pruned.bytes),
        grouped(pruned.kept)
    ));
    if pruned.in_use > 0 {
        print(format!("{} of running processes: left as they are", counted(pruned.in_use, "journal")));
    }
    Ok(Outcome::Done)
}
