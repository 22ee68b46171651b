//! `evaluate`: how good answers are, against rows that a person has labelled.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Args};
use crawl_cli::{Outcome, Session, grouped, print, say};
use crawl_core::{Error, Kind};
use llm_classifier::{Asking, Task, TaskKind};
use llm_evaluator::{
    Comparison, Given, Gold, NOT_THERE, Report, compare, comparison_table, evaluate, page, table,
};
use serde::Serialize;

pub(crate) const EXAMPLES: &str = "\
Examples:
  llm-evaluator evaluate weekly gold.jsonl --labels data/3_classified
  llm-evaluator evaluate weekly gold.jsonl --labels data/3_classified --html report.html --json report.json
  llm-evaluator evaluate weekly gold.jsonl --compare data/small-model data/large-model
  llm-evaluator evaluate agent gold.jsonl --ask --model gpt-4o-mini --cache data/cache";

#[derive(Args)]
#[command(group(clap::ArgGroup::new("answers").required(true).args(["labels", "compare", "ask"])))]
pub(crate) struct EvaluateArgs {
    /// The name of a task in the folders of tasks, or the path of a task file
    task: String,
    /// The labelled rows, JSONL: id, and the right answer in `gold`, `labels` or the task's own members
    gold: PathBuf,
    /// The answers: a root of `run`, or a JSONL file of its records
    #[arg(long, value_name = "ROOT|FILE")]
    labels: Option<PathBuf>,
    /// Two sets of answers, of two models or prompts, about the same gold rows
    #[arg(long, value_names = ["A", "B"], num_args = 2)]
    compare: Option<Vec<PathBuf>>,
    /// Ask about the gold rows themselves, which must be whole records; what is in --cache costs nothing. For a filter this is
    /// the way to measure also what it rejects
    #[arg(long)]
    ask: bool,
    /// Which listing of the roots, if they have several
    #[arg(long, value_name = "NAME")]
    listing: Option<String>,
    /// The member that holds the id, in gold and answers [default: repo_id if a row has it, else id]
    #[arg(long, value_name = "NAME")]
    id_field: Option<String>,
    /// Write the whole report as JSON; `-` is stdout, instead of the table
    #[arg(long, value_name = "FILE|-")]
    json: Option<PathBuf>,
    /// Write one page with plots, which needs no other file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// How often --compare draws the gold rows anew
    #[arg(long, value_name = "N", default_value_t = 2000)]
    resamples: u32,
    /// Where the chance of --compare begins: the same seed gives the same intervals
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    asking: Asking,
}

/// What `--json` writes.
#[derive(Serialize)]
struct Whole<'a> {
    reports: &'a [Report],
    comparison: Option<&'a Comparison>,
}

pub(crate) async fn run(arguments: EvaluateArgs, session: &Session) -> Result<Outcome> {
    let task = arguments.asking.folders.load(&arguments.task)?;
    let gold = Gold::read(&arguments.gold, &task, arguments.id_field.as_deref())?;
    let given: Vec<Given> = match arguments.ask {
        true => vec![ask(&task, &gold, &arguments, session).await?],
        false => {
            let sides = arguments.labels.iter().chain(arguments.compare.iter().flatten());
            sides.map(|from| read(from, &task, &gold, &arguments)).collect::<Result<_>>()?
        }
    };
    let reports: Vec<Report> = given.iter().map(|given| evaluate(&task, &gold, given)).collect();
    let comparison = match given.as_slice() {
        [a, b] => Some(compare(&task, &gold, a, b, arguments.resamples, arguments.seed)),
        _ => None,
    };
    write(&arguments, &reports, comparison.as_ref())?;
    hint(&task, &reports);
    Ok(Outcome::Done)
}

/// Rows that a filter rejected are nowhere in its root.
fn hint(task: &Task, reports: &[Report]) {
    let gone = |report: &Report| report.coverage.missing.contains_key(NOT_THERE);
    if matches!(task.kind, TaskKind::Filter(_)) && reports.iter().any(gone) {
        say(
            "note: the root of a filter holds only what it let through, so rows that it rejected count here as without an \
             answer; `--ask --cache` with the run's cache measures them too, at no cost",
        );
    }
}

async fn ask(task: &Task, gold: &Gold, arguments: &EvaluateArgs, session: &Session) -> Result<Given> {
    let id_field = match &arguments.id_field {
        Some(name) => name.clone(),
        None => gold.id_field().to_owned(),
    };
    let classifier = Arc::new(arguments.asking.classifier(task.clone(), &id_field, None, session)?);
    let given = Given::ask(classifier.clone(), gold).await;
    classifier.finish(Duration::from_secs(30)).await?;
    let spent = classifier.usage().spent();
    say(format!("answers: {} paid now, {} from the cache", grouped(spent.paid), grouped(spent.cached)));
    Ok(given?)
}

fn read(from: &Path, task: &Task, gold: &Gold, arguments: &EvaluateArgs) -> Result<Given> {
    let wanted: HashSet<&str> = gold.rows.iter().map(|row| row.id.as_str()).collect();
    let given =
        Given::read(from, task, &wanted, arguments.listing.as_deref(), arguments.id_field.as_deref())?;
    if given.found() == 0 {
        let id = gold.rows.first().map_or("", |row| row.id.as_str());
        let what =
            format!("none of the {} gold rows is among the {} records", gold.rows.len(), given.records);
        return Err(Error::new(Kind::Config, what)
            .at(from.display().to_string())
            .advise(format!(
                "check that both name records in the same way: gold says `{id}`, the records `{}`; --id-field names the \
                 member",
                given.example
            ))
            .into());
    }
    Ok(given)
}

fn write(arguments: &EvaluateArgs, reports: &[Report], comparison: Option<&Comparison>) -> Result<()> {
    let mut to_stdout = false;
    if let Some(path) = &arguments.json {
        let text = serde_json::to_string_pretty(&Whole { reports, comparison })?;
        to_stdout = path.as_os_str() == "-";
        match to_stdout {
            true => print(text),
            false => save(path, &text)?,
        }
    }
    if let Some(path) = &arguments.html {
        save(path, &page(reports, comparison))?;
    }
    if !to_stdout {
        let tables: Vec<_> = reports.iter().map(table).collect();
        print(tables.join("\n").trim_end());
        if let Some(comparison) = comparison {
            print(comparison_table(comparison).trim_end());
        }
    }
    Ok(())
}

fn save(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).map_err(|cause| Error::io("cannot write the report", path, cause))?;
    say(format!("wrote {}", path.display()));
    Ok(())
}
