//! `evaluate`: how good answers are, against rows that a person has labelled.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crawl_cli::anyhow::{Result, anyhow};
use crawl_cli::clap::{self, Args, ValueEnum};
use crawl_cli::{Outcome, Session, grouped, say};
use crawl_core::{Error, Kind};
use llm_classifier::{Asking, Task, TaskKind};
use llm_evaluator::{
    Claim, Comparison, Draw, Gate, Given, Gold, How, NOT_THERE, Report, compare, comparison_table, evaluate,
    page, table,
};
use serde::Serialize;

use super::shared::{Told, Which, save};

pub(crate) const EXAMPLES: &str = "\
Examples:
  llm-evaluator evaluate weekly gold.jsonl --labels data/3_classified
  llm-evaluator evaluate weekly gold.jsonl --labels data/3_classified --html report.html --json report.json
  llm-evaluator evaluate weekly gold.jsonl --compare data/small-model data/large-model
  llm-evaluator evaluate agent gold.jsonl --ask --model gpt-4o-mini --cache data/cache
  llm-evaluator evaluate agent gold.jsonl --ask --model gpt-4o-mini --against gpt-4.1 --cache data/cache
  llm-evaluator evaluate weekly gold.jsonl --labels data/3_classified --gate 'micro_f1>=0.8' --precision 0.95";

#[derive(Args)]
#[command(group(clap::ArgGroup::new("answers").required(true).args(["labels", "compare", "ask"])))]
pub(crate) struct EvaluateArgs {
    /// The name of a task in the folders of tasks, or the path of a task file
    task: String,
    /// The labelled rows, JSONL: id, and the right answer in `gold`, `labels` or the task's own members
    gold: PathBuf,
    /// The answers: a root of `run`, with what it rejected if that was kept (`run --rejected`), or a JSONL file of its records
    #[arg(long, value_name = "ROOT|FILE")]
    labels: Option<PathBuf>,
    /// Two sets of answers, of two models or prompts, about the same gold rows
    #[arg(long, value_names = ["A", "B"], num_args = 2)]
    compare: Option<Vec<PathBuf>>,
    /// Ask about the gold rows themselves, which must be whole records; what is in --cache costs nothing. For a filter this is
    /// the way to measure also what it rejects
    #[arg(long)]
    ask: bool,
    /// With --ask: a second model at the same endpoint, compared with the first on the same rows; of a filter also on what either
    /// rejects
    #[arg(long, value_name = "NAME", conflicts_with_all = ["labels", "compare"])]
    against: Option<String>,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    told: Told,
    /// Write one page with plots, which needs no other file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Fail (exit code 1) if the headline is worse than FIGURE>=NUMBER, such as micro_f1>=0.8, or micro_f1.low>=0.8 for the low end of its
    /// interval; several if wanted
    #[arg(long, value_name = "FIGURE>=NUMBER")]
    gate: Vec<Gate>,
    /// Choose the lowest thresholds that give this precision, by the low end of its interval
    #[arg(long, value_name = "NUMBER", value_parser = share)]
    precision: Option<f64>,
    /// What says how sure an answer is, for the calibration
    #[arg(long, value_enum, value_name = "CLAIM", default_value_t = Claims::Said)]
    confidence: Claims,
    /// How often the bootstrap draws the gold rows anew
    #[arg(long, value_name = "N", default_value_t = 2000)]
    resamples: u32,
    /// Where its chance begins: the same seed gives the same intervals
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    asking: Asking,
}

#[derive(ValueEnum, Clone, Copy)]
enum Claims {
    /// The member `confidence` of the answer
    Said,
    /// The share of votes that agree (`run --votes`)
    Votes,
    /// The probability of the tokens that decide (`run --logprobs`)
    Tokens,
}

/// A number between 0 and 1.
pub(crate) fn share(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| *number > 0.0 && *number < 1.0);
    number.ok_or_else(|| "write a number between 0 and 1, such as 0.95".into())
}

impl EvaluateArgs {
    fn how(&self) -> How {
        let claim = match self.confidence {
            Claims::Said => Claim::Said,
            Claims::Votes => Claim::Votes,
            Claims::Tokens => Claim::Tokens,
        };
        let draw = Draw { resamples: self.resamples, seed: self.seed };
        How { draw, claim, precision: self.precision }
    }
}

/// What `--json` writes.
#[derive(Serialize)]
struct Whole<'a> {
    reports: &'a [Report],
    comparison: Option<&'a Comparison>,
}

pub(crate) async fn run(mut arguments: EvaluateArgs, session: &Session) -> Result<Outcome> {
    super::at_once(&arguments.asking)?;
    let task = arguments.asking.folders.load(&arguments.task)?;
    let gold = Gold::read(&arguments.gold, &task, arguments.which.id_field.as_deref())?;
    let given: Vec<Given> = match arguments.ask {
        true => {
            let mut given = vec![ask(&task, &gold, &arguments, session).await?];
            if let Some(second) = arguments.against.take() {
                arguments.asking.model = Some(second);
                given.push(ask(&task, &gold, &arguments, session).await?);
            }
            given
        }
        false => {
            let sides = arguments.labels.iter().chain(arguments.compare.iter().flatten());
            sides.map(|from| read(from, &task, &gold, &arguments)).collect::<Result<_>>()?
        }
    };
    let how = arguments.how();
    let reports: Vec<Report> = given.iter().map(|given| evaluate(&task, &gold, given, how)).collect();
    let comparison = match given.as_slice() {
        [a, b] => Some(compare(&task, &gold, a, b, how.draw)),
        _ => None,
    };
    write(&arguments, &reports, comparison.as_ref())?;
    hint(&task, &reports);
    gate(&arguments.gate, &reports)
}

/// Whether every report's headline passes.
fn gate(gates: &[Gate], reports: &[Report]) -> Result<Outcome> {
    let of = |report: &Report, why: String| match reports.len() {
        1 => why,
        _ => format!("{}: {why}", report.answers),
    };
    let fails = |report: &Report| {
        gates
            .iter()
            .filter_map(|gate| gate.fails(&report.headline).map(|why| of(report, why)))
            .collect::<Vec<_>>()
    };
    let all: Vec<String> = reports.iter().flat_map(fails).collect();
    match all.is_empty() {
        true => Ok(Outcome::Done),
        false => Err(anyhow!("the gate is not passed: {}", all.join("; "))),
    }
}

/// Rows that a filter rejected are nowhere in its root.
fn hint(task: &Task, reports: &[Report]) {
    let gone = |report: &Report| report.coverage.missing.contains_key(NOT_THERE);
    if matches!(task.kind, TaskKind::Filter(_)) && reports.iter().any(gone) {
        say(
            "note: the root of a filter holds only what it let through, so rows that it rejected count here as without an \
             answer; repeat the run with --rejected, or write `--ask --cache` with its cache: both measure them too, at no cost",
        );
    }
}

async fn ask(task: &Task, gold: &Gold, arguments: &EvaluateArgs, session: &Session) -> Result<Given> {
    let id_field = match &arguments.which.id_field {
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
    let given = Given::read(
        from,
        task,
        &wanted,
        arguments.which.listing.as_deref(),
        arguments.which.id_field.as_deref(),
    )?;
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
    if let Some(path) = &arguments.html {
        save(path, &page(reports, comparison))?;
    }
    let mut text = reports.iter().map(table).collect::<Vec<_>>().join("\n").trim_end().to_owned();
    if let Some(comparison) = comparison {
        text.push('\n');
        text.push_str(&comparison_table(comparison));
    }
    arguments.told.tell(&Whole { reports, comparison }, &text)
}
