//! `evaluate`: how good answers are, against rows that a person has labelled.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Args};
use crawl_cli::{Outcome, Session, print, say};
use crawl_core::{Error, Kind};
use llm_classifier::Task;
use llm_classifier::evaluate::{
    Comparison, Given, Gold, Report, compare, comparison_table, evaluate, page, table,
};
use serde::Serialize;

use super::asking::Folders;

pub(crate) const EXAMPLES: &str = "\
Examples:
  llm-classifier evaluate weekly gold.jsonl --labels data/3_classified
  llm-classifier evaluate weekly gold.jsonl --labels data/3_classified --html report.html --json report.json
  llm-classifier evaluate weekly gold.jsonl --compare data/small-model data/large-model";

#[derive(Args)]
pub(crate) struct EvaluateArgs {
    /// The name of a task in the folders of tasks, or the path of a task file
    task: String,
    /// The labelled rows, JSONL: id, and the right answer in `gold`, `labels` or the task's own members
    gold: PathBuf,
    /// The answers: a root of `run`, or a JSONL file of its records
    #[arg(long, value_name = "ROOT|FILE", required_unless_present = "compare")]
    labels: Option<PathBuf>,
    /// Two sets of answers, of two models or prompts, about the same gold rows
    #[arg(long, value_names = ["A", "B"], num_args = 2, conflicts_with = "labels")]
    compare: Option<Vec<PathBuf>>,
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
    folders: Folders,
}

/// What `--json` writes.
#[derive(Serialize)]
struct Whole<'a> {
    reports: &'a [Report],
    comparison: Option<&'a Comparison>,
}

#[allow(clippy::unused_async, reason = "every command has the same form")]
pub(crate) async fn run(arguments: EvaluateArgs, _session: &Session) -> Result<Outcome> {
    let task = arguments.folders.load(&arguments.task)?;
    let gold = Gold::read(&arguments.gold, &task, arguments.id_field.as_deref())?;
    let sides = arguments.labels.iter().chain(arguments.compare.iter().flatten());
    let given: Vec<Given> =
        sides.map(|from| read(from, &task, &gold, &arguments)).collect::<Result<_>>()?;
    let reports: Vec<Report> = given.iter().map(|given| evaluate(&task, &gold, given)).collect();
    let comparison = match given.as_slice() {
        [a, b] => Some(compare(&task, &gold, a, b, arguments.resamples, arguments.seed)),
        _ => None,
    };
    write(&arguments, &reports, comparison.as_ref())?;
    Ok(Outcome::Done)
}

fn read(from: &Path, task: &Task, gold: &Gold, arguments: &EvaluateArgs) -> Result<Given> {
    let wanted: HashSet<&str> = gold.rows.iter().map(|row| row.id.as_str()).collect();
    let given =
        Given::read(from, task, &wanted, arguments.listing.as_deref(), arguments.id_field.as_deref())?;
    if given.found() == 0 {
        let id = gold.rows.first().map_or("", |row| row.id.as_str());
        let what = format!("none of the {} gold rows is among the {} records", gold.rows.len(), given.records);
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
